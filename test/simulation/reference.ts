/** The judge of schedules without time: the naive reference goes on up to what is stored, and says where the two differ. */
import type { Header, Row } from 'polaris-workflow'
import { follow, type Followed, type FoundEvent } from '../model/follow.ts'
import { empty, type Delta, type Event, type Operation as Asked, type State } from '../model/model.ts'
import type { BuilderSpec } from '../model/spec.ts'
import { standingOf } from '../model/status.ts'
import { isReason, type AuditFacts, type Judge, type Look, type Say } from './subject.ts'
import { valueOf } from './world.ts'

export function referenceJudge(facts: AuditFacts): Judge {
  /** By the reference, per incarnation: as it stood when its newest scope ended or was taken up. */
  const states = new Map<string, State>()
  const stateOf = ({ incarnation }: Header): State => states.get(incarnation) ?? empty
  const goOn = (look: Look, header: Header, rows: readonly Row[], say: Say): Followed => {
    const followed = advance(look, stateOf(header), header, rows, say)
    states.set(header.incarnation, followed.state)
    return followed
  }
  return {
    taken: (look, before, say) => void goOn(look, before, look.subject.rows, say),
    waits: false,
    added: () => undefined,
    ended(look, rows, say) {
      const { now } = look
      const { count, graph } = facts
      const state = stateOf(now)
      const reason = rows.find((row) => row.scope === now.scope && isReason(row))
      count('crash loop', reason?.note?.error?.code === 'CRASH_LOOP')
      count('cancelled before it ended', reason?.note?.error?.code === 'CANCELLED')
      count('interrupted scope finished', state.open !== null)
      if (reason !== undefined) states.set(now.incarnation, givenUp(state, now, rows))
      else {
        const followed = goOn(look, now, rows, say)
        const { status } = standingOf(graph, followed.state)
        if (followed.state.scope === now.scope && now.status !== status) say(`is ${now.status}, by the rules ${status}`)
      }
      countScope(
        look,
        rows.filter((row) => row.scope === now.scope),
      )
    },
    ran: () => undefined,
    goesOn: () => null,
    rests: () => undefined,
  }
}

/** Goes on with the reference up to what is stored, and says where the two differ. */
function advance(look: Look, before: State, header: Header, rows: readonly Row[], say: Say): Followed {
  const { graph } = look.facts
  const events = rows.filter((row) => row.outcome !== 'call' && !isReason(row)).map((row) => eventOf(row, rows))
  const state = { ...before, attempts: failuresIn(before.events) }
  const phase =
    state.open === null
      ? { mode: header.mode, delta: deltaOf(look, header.scope, events), ...operationOf(header.scope, events) }
      : { mode: state.open.mode, delta: null }
  const observed = { found: { header, events }, ran: [], cutShort: true, eager: false, limit: Infinity }
  const followed = follow(graph, state, [phase], observed)
  for (const problem of followed.problems) say(problem)
  if (header.pass > 0 !== (followed.state.open !== null)) say(`scope ${header.scope} is open in pass ${header.pass}`)
  return followed
}

function operationOf(scope: number, events: readonly Event[]): { readonly operation?: Asked } {
  for (const { scope: at, outcome, asks } of events) {
    if (at !== scope) continue
    if (outcome === 'restart' || outcome === 'cancelled') return { operation: { kind: outcome } }
    if (outcome === 'rerun') return { operation: { kind: outcome, builder: asks! } }
  }
  return {}
}

function failuresIn(events: readonly Event[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { builder, outcome } of events) {
    if (builder !== null && outcome === 'failed') counts.set(builder, (counts.get(builder) ?? 0) + 1)
  }
  return counts
}

/** As it was fed, transients included, which no store has. */
function deltaOf({ subject, facts }: Look, scope: number, events: readonly Event[]): Delta {
  const operation = facts.operations.find(({ number }) => number === subject.operations.get(scope))
  return events
    .filter((e) => e.scope === scope && e.outcome === 'fed')
    .map(({ data, value }) => ({
      name: data!,
      value: value === undefined ? operation!.delta.find(({ name }) => name === data)!.value : value,
    }))
}

function eventOf(row: Row, rows: readonly Row[]): FoundEvent {
  const { seq, scope, pass, builder, data, outcome, place, note, inputs } = row
  return {
    ...{ seq, scope, pass, data, value: valueOf(row), supply: place.startsWith('s:') },
    builder: outcome === 'rerun' ? null : builder,
    ...(outcome === 'rerun' && { asks: builder! }),
    outcome: outcome as Event['outcome'],
    reads: inputs.filter((input) => input > 0).map((input) => ({ data: rows[input - 1]?.data ?? '', seq: input })),
    ...(note?.awaits !== undefined && { awaits: note.awaits }),
  }
}

/** A scope that nobody may take up again (P11): what it got to stands, and is due. */
function givenUp(state: State, now: Header, rows: readonly Row[]): State {
  const events = rows
    .filter((row) => row.scope === now.scope && row.outcome !== 'call' && !isReason(row))
    .map((row) => eventOf(row, rows))
  const before = state.events.filter((e) => e.scope < now.scope)
  return { ...state, events: [...before, ...events], scope: now.scope, failed: true, open: null }
}

function countScope({ now, facts }: Look, rows: readonly Row[]): void {
  const { count, graph } = facts
  const { spec } = graph
  const has = (holds: (row: Row) => boolean): boolean => rows.some(holds)
  const ranOne = (which: (b: BuilderSpec) => boolean): boolean =>
    spec.builders.some((b) => which(b) && has((row) => row.builder === b.name))
  count(spec.durability === 'builder' ? 'durability builder' : 'durability scope')
  count(now.mode === 'sequential' ? 'sequential scope' : 'parallel scope')
  count(
    'pure',
    ranOne((b) => b.pure),
  )
  count(
    'once',
    ranOne((b) => b.once),
  )
  count(
    'transient',
    ranOne((b) => spec.transients.includes(b.produces)),
  )
  for (const outcome of ['supplied', 'nothing', 'waitFor'] as const)
    count(
      outcome,
      has((row) => row.outcome === outcome),
    )
  count(
    'throw',
    has((row) => row.outcome === 'failed' && row.builder !== null),
  )
  count(
    'restarted scope',
    has((row) => row.outcome === 'restart'),
  )
  count(
    'rerun scope',
    has((row) => row.outcome === 'rerun'),
  )
  count(
    'second pass',
    has((row) => row.pass > 1),
  )
  if (now.status === 'completed' || now.status === 'waiting' || now.status === 'cancelled') count(now.status)
}
