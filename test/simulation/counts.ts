/** What happened in the schedules that were run. Whatever stays at 0 is not tested. */
const FAULTS = [
  'store refused a call',
  'answer lost',
  'call done after its error',
  'slow store',
  'process killed',
  'killed before a commit',
  'killed after a commit',
  'process paused',
  'time jumped',
  'process closed',
  'news lost',
  'clocks apart',
  'builder outlasts its lease',
  'builder hangs',
] as const

const FEATURES = [
  'calm schedule',
  'lossy schedule',
  'sequential call',
  'parallel call',
  'resume',
  'restart',
  'rerun',
  'cancel',
  'delete',
  'undo',
  'fork',
  'restarted scope',
  'rerun scope',
  'cancelled',
  'cancelled before it ended',
  'begun anew',
  'late duplicate refused',
  'submit',
  'call without data',
  'expect new',
  'request id',
  'request retried',
  'request at two processes at once',
  'result from a record',
  'builder error',
  'waited in the mailbox',
  'claimed by a worker',
  'claimed for a caller',
  'worker stopped',
  'store without news',
  'cold instances',
  'lease renewed',
  'lease lost',
  'stale change refused',
  'interrupted scope finished',
  'scope left by a worker',
  'crash loop',
  'durability builder',
  'durability scope',
  'sequential scope',
  'parallel scope',
  'pure',
  'once',
  'transient',
  'transient refused',
  'supplied',
  'nothing',
  'waitFor',
  'throw',
  'second pass',
  'completed',
  'waiting',
  'schedule with time',
  'later try',
  'later try after parking',
  'failed for good',
  'parked',
  'timer',
  'timer that repeats',
  'woken scope',
  'restarted with time',
  'rerun with time',
  'forked',
  'forked from the past',
  'undone',
  'undone without a product',
  'undone without having begun',
  'undoing tried again',
  'undone because of a failure',
  'cancelled and undone',
  'refused while undoing',
] as const

export type Counted = (typeof FAULTS)[number] | (typeof FEATURES)[number]

export type Counts = Map<Counted, number>

export const newCounts = (): Counts => new Map([...FAULTS, ...FEATURES].map((name) => [name, 0]))

/** What happens in few of 1,000 schedules. */
const RARE: ReadonlySet<Counted> = new Set(['undone without having begun'])

/** What at least 1,000 schedules were to show, and did not often enough. */
export function tooSeldom(counts: Counts): string[] {
  const seldom = [...counts].filter(([name, number]) => number < (RARE.has(name) ? 1 : 5))
  return seldom.map(([name, number]) => `${name}: ${number}`)
}

export function count(counts: Counts, name: Counted, holds = true): void {
  if (holds) counts.set(name, counts.get(name)! + 1)
}
