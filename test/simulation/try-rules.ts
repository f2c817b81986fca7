/** Tries are counted, whichever process makes them, and come when they are to. */
import type { HookInfo, Row } from 'polaris-workflow'
import type { BuilderSpec } from '../model/spec.ts'
import { isEnd, lastOf } from './standing-rows.ts'
import type { Say } from './subject.ts'
import type { TimedFacts } from './timed-judge.ts'

const isTry = ({ outcome, note }: Row): boolean => outcome === 'failed' && note?.retryAt !== undefined

/** A try begins: the one before it is stored, and its wait is over unless somebody has called meanwhile. */
export function checkTry(
  { timed, graph, historiesOf, now, blame, count }: TimedFacts,
  b: BuilderSpec,
  attempt: number,
  { id, scope }: HookInfo,
): void {
  const { attempts = 1 } = timed.tries.get(b.name) ?? {}
  const text = `try ${attempt} of ${b.name} of ${id} in scope ${scope}`
  if (attempt > attempts) blame(`${text}, of ${attempts}`)
  if (attempt < 2) return
  const before = historiesOf(id).flatMap(({ rows }) =>
    rows.filter((row) => row.builder === b.name && isTry(row) && row.note!.attempt === attempt - 1),
  )
  count('later try')
  // With durability 'scope' nothing is stored before the end.
  if (before.length === 0 && graph.spec.durability === 'builder') blame(`${text}: the one before is not stored`)
  const last = before.at(-1)
  count('later try after parking', last !== undefined && last.scope < scope)
  if (last?.scope === scope && last.note!.retryAt! > now())
    blame(`${text} comes ${last.note!.retryAt! - now()} ms early`)
}

/** A try has failed: which one it was, and whether and when the next is to come. */
export function checkNextTry({ timed }: TimedFacts, b: BuilderSpec, before: readonly Row[], row: Row, say: Say): void {
  const { attempt, retryAt } = row.note ?? {}
  const plan = timed.tries.get(b.name)
  // One that was cut short.
  if (attempt === undefined) return
  const blame = (problem: string): void => say(`row ${row.seq}: try ${attempt} of ${b.name} ${problem}`)
  const { attempts = 1, initial = 0 } = plan ?? {}
  if (retryAt === undefined ? attempt < attempts : attempt >= attempts)
    blame(`of ${attempts} is to be tried again at ${retryAt}`)
  const wait = initial * 2 ** (attempt - 1)
  if (retryAt !== undefined && Math.abs(retryAt - row.endedAt - wait) > 1)
    blame(`waits ${retryAt - row.endedAt} ms, not ${wait}`)
  const last = lastOf(before, (each) => each.builder === b.name && (each.outcome === 'failed' || isEnd(each)))
  const pending = last !== undefined && isTry(last) ? last.note!.attempt! : 0
  const isAnew = pending > 0 && attempt === 1 && isReset(before, last!)
  if (attempt !== pending + 1 && !isAnew) blame(`follows try ${pending}`)
}

/** What makes a builder's tries begin anew besides its coming to an end. */
function isReset(before: readonly Row[], { seq, builder }: Row): boolean {
  return before.some(
    (row) =>
      row.seq > seq &&
      (row.outcome === 'restart' ||
        row.outcome === 'rerun' ||
        (row.outcome === 'compensated' && row.builder === builder)),
  )
}
