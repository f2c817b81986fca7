import type { Crossing } from '../../graph/crossing.ts'
import type { Node, Slot } from '../../graph/graph.ts'
import { fingerprintOf } from '../../graph/manifest.ts'
import { encode } from '../../stores/codec.ts'
import type { Header, Move, Row, RowNote, Snapshot } from '../../stores/contract.ts'
import { carry, dataOf } from './carry.ts'
import type { Carried, Placed, Stranding } from './carry.ts'
import type { Form } from '../values/intake.ts'
import { EMPTY, FED, HELD, MOVED, PRODUCED, STARTED, UNCHANGED } from '../state/program.ts'
import { newestRows } from '../state/rows.ts'
import { candidates, runnable } from '../scope/candidates.ts'
import { loadState } from '../state/loading.ts'
import type { State } from '../state/state.ts'
import { waitingFor } from '../scope/verdict.ts'

/** An instance as a newer version has it, before anything of that is stored. */
export interface Moved {
  readonly state: State
  /** What makes it so, together with the rows there are; to be stored with the next scope's first commit. */
  readonly rows: readonly Row[]
  readonly move: Move
  /** Names of all builders that would run at once: those of `move.due`, and what was due before. */
  readonly due: readonly string[]
}

/** Why an instance cannot move. */
export interface Stranded {
  readonly strandings: readonly Stranding[]
}

export interface MoveFacts {
  readonly form: Form
  readonly decode: (stored: unknown) => unknown
  readonly now: number
}

/** A row to be written, but for its number. */
interface Draft {
  readonly place: string
  readonly builder: string | null
  readonly data: string | null
  readonly stored: unknown
  readonly origin: Row
  /** What the row stands for; `null`: nothing does any more. */
  readonly outcome: 'fed' | 'produced' | 'nothing' | 'waitFor' | null
}

/**
 * What becomes of an instance when it moves to another version. It changes nothing, and is the same for whoever asks: a
 * check, a preview, an upgrade.
 */
export async function moveInstance(
  crossing: Crossing,
  { header, rows }: Snapshot,
  facts: MoveFacts,
): Promise<Moved | Stranded> {
  const older = loadState(crossing.from, header.settled, rows, facts.decode)
  older.newest = header.rows
  const carried = await carry(crossing, dataOf(older), facts.form)
  const plan = new Plan(crossing, older, carried, facts.form)
  const strandings = [...carried.strandings, ...plan.strandings, ...notUndoable(crossing, rows)]
  if (strandings.length > 0) return { strandings }
  const scope = header.mailHandled + 1
  const write = (drafts: readonly Draft[]): Row[] => drafts.map((draft, i) => rowOf(draft, header.rows + 2 + i, scope))
  const load = (own: readonly Row[]): State => {
    const state = loadState(crossing.to, header.settled, newestRows(rows, own), facts.decode)
    state.newest = Math.max(state.newest, header.rows)
    return state
  }
  const drafts = plan.withGraves((own) => load(write(own)))
  const own = write(drafts)
  const due = dueByMove(crossing, older, load(own), scope, plan.again)
  const move = moveOf(crossing, header, carried, due)
  const all = [moveRow(header.rows + 1, scope, move, facts.now), ...own]
  const state = load(all)
  const orphaned = waitingFor(state, crossing.to.targets).filter((name) => crossing.orphans.has(name))
  if (orphaned.length > 0) return { strandings: orphaned.map((name) => noProducer(crossing, name)) }
  return { state, rows: all, move, due: runnable(state, candidates(state, scope)).map(({ name }) => name) }
}

function moveOf({ from, to }: Crossing, { version }: Header, { steps, dropped }: Carried, due: readonly Node[]): Move {
  return {
    from: { version, fingerprint: fingerprintOf(from) },
    to: { version: to.version, fingerprint: fingerprintOf(to) },
    steps,
    dropped,
    due: due.map(({ name }) => name),
  }
}

/** Whoever has done what can be undone is still needed for that. */
function notUndoable({ to }: Crossing, rows: readonly Row[]): Stranding[] {
  return rows.flatMap(({ place, builder }): Stranding[] => {
    if (!place.startsWith(STARTED) || builder === null) return []
    if (to.nodes[to.nodeOf.get(builder) ?? -1]?.builder.compensate !== undefined) return []
    const message =
      `builder '${builder}' has done what may have to be undone, and version ${to.version} has no builder of this name ` +
      'with compensate'
    return [{ reason: 'undo', name: builder, message }]
  })
}

function noProducer({ from, to }: Crossing, name: string): Stranding {
  const maker = from.nodes[from.slots[from.slotOf.get(name) ?? -1]?.producer ?? -1]?.name ?? ''
  const message =
    `'${name}', which builder '${maker}' made in version ${from.version}, is there no more to come: no builder of version ` +
    `${to.version} makes it. If callers feed it from now on, say so in 'feeds' of 'migrate'`
  return { reason: 'no-producer', name, message }
}

/** The rows that a migration writes. */
class Plan {
  readonly strandings: Stranding[] = []
  private readonly crossing: Crossing
  private readonly older: State
  private readonly carried: Carried
  private readonly form: Form
  private readonly drafts: Draft[] = []
  /** Where the newer version is to find each datum that is there, by slot, and each builder's last run, by node. */
  private readonly places = new Map<number, string>()
  private readonly runs = new Map<number, string>()
  /** Builders whose product is gone, or is another one now. */
  readonly again = new Set<number>()

  constructor(crossing: Crossing, older: State, carried: Carried, form: Form) {
    this.crossing = crossing
    this.older = older
    this.carried = carried
    this.form = form
    for (const [slot, datum] of carried.placed) this.placeDatum(crossing.to.slots[slot] as Slot, datum)
    for (const node of crossing.to.nodes) this.placeRun(node)
  }

  private placeDatum(slot: Slot, datum: Placed): void {
    const { origin, same } = datum
    const home = this.homeOf(slot, datum)
    this.places.set(slot.index, home.place)
    if (home.outcome === 'produced' && home.place !== HELD + slot.name) this.runs.set(slot.producer, home.place)
    if (same && home.place === origin.place && origin.data === slot.name && origin.outcome === home.outcome) return
    const stored = datum.stored ?? (this.form === 'text' ? encode(datum.value) : datum.value)
    this.drafts.push({ ...home, data: slot.name, stored, origin })
  }

  private homeOf({ name, producer }: Slot, { origin, handed }: Placed): Pick<Draft, 'place' | 'builder' | 'outcome'> {
    const { to, from, origins } = this.crossing
    const node = to.nodes[producer]
    if (origin.outcome === 'fed' || node === undefined) return { place: FED + name, builder: null, outcome: 'fed' }
    const before = from.nodes[origins[producer] ?? -1]
    const own = before !== undefined && before.name === origin.builder
    if (own || handed || node.builder.once) {
      return { place: PRODUCED + node.name, builder: node.name, outcome: 'produced' }
    }
    return { place: HELD + name, builder: null, outcome: 'produced' }
  }

  private placeRun(node: Node): void {
    const { from, to, origins } = this.crossing
    const before = from.nodes[origins[node.index] ?? -1]
    const run = before === undefined ? undefined : this.older.run(before.index)
    if (before === undefined || run === undefined) return
    if (run.outcome === 'produced') {
      const out = to.slots[node.out] as Slot
      const stands = out.transient || this.carried.placed.has(out.index)
      // A product that equalled the one before has left that one in its place.
      if (run.note?.sameAs !== undefined && stands) this.keepRun(node, UNCHANGED, run, 'produced')
      else if (this.runs.has(node.index)) return
      else if (stands) this.keepRun(node, PRODUCED, run, 'produced')
      else if (before.builder.once || node.builder.once) this.strandOnce(node, out)
      else this.again.add(node.index)
    } else if (run.outcome === 'nothing' || run.outcome === 'waitFor') this.keepRun(node, EMPTY, run, run.outcome)
  }

  private keepRun(node: Node, kind: string, run: Row, outcome: Draft['outcome']): void {
    const place = kind + node.name
    this.runs.set(node.index, place)
    if (place === run.place) return
    this.drafts.push({ place, builder: node.name, data: null, stored: undefined, origin: run, outcome })
  }

  private strandOnce({ name }: Node, { name: product }: Slot): void {
    const message =
      `builder '${name}' is once and has made its product, but not '${product}': it would run a second time. ` +
      `Say in 'migrate' what '${product}' is made of, or that it is another builder: builders: { ${name}: null }`
    this.strandings.push({ reason: 'once', name, message })
  }

  /**
   * All drafts, with one of nothing for each row that the newer version would find and is not to: left over from still
   * older versions, or of another builder of the same name.
   */
  withGraves(load: (drafts: readonly Draft[]) => State): readonly Draft[] {
    const { drafts } = this
    const data = new Set(this.places.values())
    const runs = new Set(this.runs.values())
    for (;;) {
      const state = load(drafts)
      const before = drafts.length
      const none = { builder: null, data: null, stored: undefined, outcome: null } as const
      for (const { index } of state.graph.slots) {
        const row = state.rows.get(index)
        if (row === undefined || state.value(index) === undefined || this.places.get(index) === row.place) continue
        const { place, builder } = row
        // The run stands, its product does not.
        const run = runs.has(place) ? ({ builder, outcome: 'produced' } as const) : undefined
        drafts.push({ place, ...none, ...(run ?? { data: row.data }), origin: row })
      }
      for (const { index } of state.graph.nodes) {
        const run = state.run(index)
        if (run === undefined || this.runs.get(index) === run.place || data.has(run.place)) continue
        drafts.push({ place: run.place, ...none, data: run.data, origin: run })
      }
      if (drafts.length === before) return drafts
    }
  }
}

function rowOf({ place, builder, data, stored, origin, outcome }: Draft, seq: number, scope: number): Row {
  const was = { outcome, seq: origin.seq, scope: origin.scope, pass: origin.pass }
  // What is said of the older row holds of this one; but a run that left its product in place is told apart by its own place.
  const { was: _, sameAs, ...said } = outcome === null ? {} : (origin.note ?? {})
  const unchanged = place.startsWith(UNCHANGED) && sameAs !== undefined
  const note: RowNote = { ...said, was, ...(unchanged && { sameAs }) }
  const { startedAt, endedAt } = origin
  const inputs = [origin.seq]
  return {
    seq,
    place,
    scope,
    pass: 1,
    builder,
    data,
    outcome: 'migrated',
    value: stored,
    inputs,
    startedAt,
    endedAt,
    note,
  }
}

function moveRow(seq: number, scope: number, move: Move, now: number): Row {
  const none = { builder: null, data: null, value: undefined, inputs: [] }
  const at = { startedAt: now, endedAt: now }
  return { seq, place: MOVED, scope, pass: 1, ...none, outcome: 'migrated', ...at, note: { move } }
}

/**
 * Builders that the move itself makes due: those that are new or different, and those that were due under a name that they
 * no longer have.
 */
function dueByMove(
  { from, origins, changes }: Crossing,
  older: State,
  newer: State,
  scope: number,
  again: ReadonlySet<number>,
): Node[] {
  const before = new Set(candidates(older, scope).map(({ index }) => index))
  const already = new Set(candidates(newer, scope).map(({ index }) => index))
  const marked = newer.graph.nodes.filter((node) => {
    if (newer.isSpent(node)) return false
    if (changes.has(node.index) || again.has(node.index)) return true
    const origin = from.nodes[origins[node.index] ?? -1]
    return origin !== undefined && before.has(origin.index) && !already.has(node.index)
  })
  return runnable(newer, marked)
}
