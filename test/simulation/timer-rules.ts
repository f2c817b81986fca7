/** When timers may go off, and when they must have. */
import type { Row } from 'polaris-workflow'
import { isDatum, lastOf, newestOf, scopeOf, standingRows } from './standing-rows.ts'
import type { AuditFacts, Say } from './subject.ts'
import { momentOf, type TimerSpec } from './timed-spec.ts'
import { valueOf } from './world.ts'

/** A timer has gone off: for the datum that set it, once for each time, not before that, and not after what ends it. */
export function checkFiring(
  { graph, now }: AuditFacts,
  timer: TimerSpec,
  before: readonly Row[],
  row: Row,
  say: Say,
): void {
  const { name, after, every, times } = timer
  const blame = (problem: string): void => say(`timer ${name} in row ${row.seq} ${problem}`)
  const standing = standingRows(before)
  const set = newestOf(standing, after)
  if (set === undefined || set.seq !== row.inputs[0]) {
    blame(`goes off because of row ${row.inputs[0]}, but ${after} is of ${set?.seq ?? 'none'}`)
    return
  }
  const fired = firingsOf(standing, timer, set)
  const count = fired.length + 1
  if (count > times || (every > 0 && row.note?.count !== count)) blame(`goes off for the ${count}th time of ${times}`)
  const due = dueAt(timer, before, set, fired.at(-1))
  if (row.startedAt !== due) blame(`was due at ${row.startedAt}, but by the rules at ${due}`)
  if (now() < due) blame(`goes off ${due - now()} ms early`)
  for (const data of endsOf(timer, graph.spec.targets)) {
    const end = lastOf(standing, (each) => each.data === data && isDatum(each) && each.scope < row.scope)
    if (end === undefined) continue
    const [ended, began] = [scopeOf(before, end), scopeOf(before, set)]
    if (ended > began || (ended === began && set.outcome === 'fed'))
      blame(`goes off after ${data} ended it in row ${end.seq}`)
  }
}

/** At the end, every timer that was set and not ended has gone off as often as it is to. */
export function checkFired(
  timers: readonly TimerSpec[],
  targets: readonly string[],
  rows: readonly Row[],
  say: Say,
): void {
  const standing = standingRows(rows)
  for (const timer of timers) {
    const set = newestOf(standing, timer.after)
    if (set === undefined) continue
    const product = newestOf(standing, timer.produces)
    if (product?.outcome === 'fed' && timer.every === 0 && scopeOf(rows, product) >= scopeOf(rows, set)) continue
    const ends = endsOf(timer, targets).flatMap((data) => newestOf(standing, data) ?? [])
    if (ends.some((end) => scopeOf(rows, end) >= scopeOf(rows, set))) continue
    const fired = firingsOf(standing, timer, set).length
    if (fired !== timer.times)
      say(`timer ${timer.name}, set by row ${set.seq}, went off ${fired} times of ${timer.times}`)
  }
}

function endsOf({ unless, evenWhenCompleted }: TimerSpec, targets: readonly string[]): readonly string[] {
  return evenWhenCompleted ? unless : [...unless, ...targets]
}

function firingsOf(standing: readonly Row[], { name }: TimerSpec, set: Row): readonly Row[] {
  return standing.filter((row) => row.builder === name && row.outcome === 'produced' && row.inputs[0] === set.seq)
}

function dueAt(timer: TimerSpec, before: readonly Row[], set: Row, last: Row | undefined): number {
  const { kind, span, every } = timer
  // What came before a restart or a fork counts from there.
  const anew = lastOf(before, ({ outcome, seq }) => (outcome === 'restart' || outcome === 'forked') && seq > set.seq)
  const first = kind === 'at' ? momentOf(timer, valueOf(set)!) : (anew ?? set).endedAt + span
  if (last === undefined) return first
  const passed = Math.max(last.startedAt, last.endedAt) - first
  return first + (Math.floor(passed / every) + 1) * every
}
