/**
 * The judge of schedules in which time counts. What the rules promise of tries, timers, second thoughts and compensation, each
 * asked of the rows as they come, and of what is there once nothing is left to do.
 */
import type { Row } from 'polaris-workflow'
import { answer, type BuilderSpec, type Inputs } from '../model/spec.ts'
import { isEnd, isUndoing, lastOf, newestOf, standingRows, toUndo } from './standing-rows.ts'
import { isReason, type AuditFacts, type History, type Judge, type Look, type Say } from './subject.ts'
import { outcomeOf, type TimedSpec } from './timed-spec.ts'
import { checkFired, checkFiring } from './timer-rules.ts'
import type { Outside } from './undo-rules.ts'
import { checkNextTry, checkTry } from './try-rules.ts'
import { valueOf } from './world.ts'

/** What is further away than this is put off because the instance has killed process after process. */
const PUT_OFF_MS = 600_000

export interface TimedFacts extends AuditFacts {
  readonly timed: TimedSpec
  readonly outside: Outside
  readonly historiesOf: (id: string) => readonly History[]
}

export function timedJudge(facts: TimedFacts): Judge {
  const { timed, outside } = facts
  const generations = new Map<string, number>()
  return {
    waits: true,
    taken: () => undefined,
    added({ subject, now }, rows, say) {
      for (let at = subject.rows.length; at < rows.length; at++) checkRow(facts, rows, at, say)
      if (now.status === 'retrying' && now.wakeAt === null) say('is to be tried again, but never wakes')
    },
    ended(look, rows, say) {
      const { now } = look
      countScope(
        look,
        rows.filter((row) => row.scope === now.scope),
      )
      const target = facts.graph.spec.targets[0]!
      if (now.status === 'completed' && newestOf(standingRows(rows), target) === undefined)
        say('is completed without its target')
      if (now.status === 'cancelled' && isUndoing(rows)) say('is cancelled with something left to undo')
    },
    ran(b, inputs, key, attempt, info) {
      outside.begins(info.id, b, inputs, key)
      checkTry(facts, b, attempt, info)
      checkGeneration(facts, generations, key, info)
    },
    goesOn({ holder, wakeAt }) {
      if (holder !== null || wakeAt === null) return null
      return wakeAt - facts.now() > PUT_OFF_MS ? null : wakeAt
    },
    rests({ header, rows }, say) {
      if (header === undefined || rows.length === 0 || isUndoing(rows)) return
      outside.checkUndone(rows, header.incarnation, say)
      if (header.status === 'cancelled' || isReason(rows.at(-1)!)) return
      // What was undone rests until somebody feeds it.
      if (rows.at(-1)!.outcome !== 'compensated') checkFired(timed.timers, facts.graph.spec.targets, rows, say)
      if (header.status !== 'failed') checkNothingDue(facts, rows, say)
    },
  }
}

function checkRow(facts: TimedFacts, rows: readonly Row[], at: number, say: Say): void {
  const { timed, graph, count } = facts
  const row = rows[at]!
  const before = rows.slice(0, at)
  const { builder, outcome } = row
  if (outcome === 'forked') checkCopy(facts, before, row, say)
  if (outcome === 'compensated' && builder !== null) checkTurn(before, row, say)
  if (builder === null || outcome === 'rerun' || outcome.startsWith('compensat')) return
  if (before.some(isFork) && row.seq < lastOf(rows, isFork)!.seq) return
  if (isUndoing(before)) say(`row ${row.seq}: ${builder} ${outcome} while what was done is being undone`)
  const timer = timed.timers.find(({ name }) => name === builder)
  if (timer !== undefined) {
    count('timer', outcome === 'produced')
    count('timer that repeats', (row.note?.count ?? 0) > 1)
    checkFiring(facts, timer, before, row, say)
    return
  }
  const b = graph.spec.builders.find(({ name }) => name === builder)!
  if (outcome === 'failed') checkNextTry(facts, b, before, row, say)
  if (outcome === 'produced') checkProduct(timed, b, before, row, say)
}

const isFork = ({ outcome }: Row): boolean => outcome === 'forked'

/** A product is made of what it is said to be made of, and that is what stood. */
function checkProduct(timed: TimedSpec, b: BuilderSpec, before: readonly Row[], row: Row, say: Say): void {
  const read = row.inputs.filter((seq) => seq > 0).map((seq) => before[seq - 1]!)
  const inputs: Inputs = Object.fromEntries(read.map((each) => [each.data!, valueOf(each)!]))
  const made = answer(b, inputs, 0)
  if (made.outcome !== 'produced' || made.value !== valueOf(row))
    say(`row ${row.seq}: ${b.name} made something else of its inputs`)
  const attempt = row.note?.attempt ?? 1
  if (outcomeOf(timed, b, inputs, attempt).outcome === 'failed')
    say(`row ${row.seq}: ${b.name} failed in try ${attempt}`)
  const restart = lastOf(before, ({ outcome }) => outcome === 'restart')?.seq ?? 0
  for (const { seq, outcome, data } of read)
    if (outcome !== 'fed' && seq < restart)
      say(`row ${row.seq}: ${b.name} read ${data} of ${seq}, from before a restart`)
}

/** Undone in reverse order of what was built, once each. */
function checkTurn(before: readonly Row[], row: Row, say: Say): void {
  const [next] = toUndo(before)
  if (next?.key !== row.note?.key) say(`row ${row.seq}: ${row.note?.key} is undone, but the turn is ${next?.key}'s`)
}

/** A fork begins with the rows of the original up to the one it names. */
function checkCopy({ historiesOf, count }: TimedFacts, before: readonly Row[], row: Row, say: Say): void {
  const from = row.note?.from
  const text = JSON.stringify(before)
  const found = historiesOf(from?.id ?? '').filter(({ rows }) => JSON.stringify(rows.slice(0, from?.seq)) === text)
  if (found.length === 0) say(`is a fork of ${from?.id} at ${from?.seq}, but begins otherwise`)
  count('forked')
  count(
    'forked from the past',
    found.some(({ rows }) => rows.length > before.length),
  )
}

/** Rule 24: every key is new after a restart. */
function checkGeneration(
  facts: TimedFacts,
  generations: Map<string, number>,
  key: string,
  { id, scope }: { readonly id: string; readonly scope: number },
): void {
  // With durability 'scope' a restart is stored with its scope's end.
  if (facts.graph.spec.durability === 'scope') return
  const rows = facts.historiesOf(id).find(({ incarnation }) => key.startsWith(`${incarnation}:`))?.rows ?? []
  const generation = rows.filter((row) => row.outcome === 'restart' && row.scope <= scope).length
  const known = generations.get(key)
  if (known !== undefined && known !== generation) facts.blame(`${key} is of before a restart`)
  generations.set(key, generation)
}

/** Whatever can run has run, on what stands. */
function checkNothingDue({ graph }: TimedFacts, rows: readonly Row[], say: Say): void {
  const standing = standingRows(rows)
  for (const b of graph.spec.builders) {
    const consumed = b.consumes.map((data) => newestOf(standing, data))
    if (consumed.some((row) => row === undefined)) continue
    const run = lastOf(standing, (row) => row.builder === b.name && isEnd(row))
    if (b.once && run?.outcome === 'produced') continue
    const read = [...consumed, ...b.optionals.map((data) => newestOf(standing, data))]
    const missed = read.filter((row) => row !== undefined && run?.inputs.includes(row.seq) !== true)
    if (missed.length > 0) say(`${b.name} has not run on ${missed.map((row) => `${row!.data} of ${row!.seq}`).join()}`)
  }
}

function countScope({ facts: { count }, now }: Look, rows: readonly Row[]): void {
  const has = (holds: (row: Row) => boolean): boolean => rows.some(holds)
  count('woken scope', has(({ pass }) => pass === 0) || now.status === 'retrying')
  count('parked', now.status === 'retrying' && !isUndoing(rows))
  count(
    'failed for good',
    has(({ outcome, builder, note }) => outcome === 'failed' && builder !== null && note?.retryAt === undefined),
  )
  count(
    'restarted with time',
    has(({ outcome }) => outcome === 'restart'),
  )
  count(
    'rerun with time',
    has(({ outcome }) => outcome === 'rerun'),
  )
  count(
    'undone',
    has(({ outcome, builder }) => outcome === 'compensated' && builder !== null),
  )
  count(
    'undoing tried again',
    has(({ outcome, note }) => outcome === 'compensating' && note?.error !== undefined),
  )
  count('undone because of a failure', now.status === 'failed' && has(({ outcome }) => outcome === 'compensated'))
  count('cancelled and undone', now.status === 'cancelled' && has(({ outcome }) => outcome === 'compensated'))
}
