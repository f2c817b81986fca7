import { FedDatum } from '../../graph/data.ts'
import type { Crossing, Fate } from '../../graph/crossing.ts'
import type { Graph, Slot } from '../../graph/graph.ts'
import type { Row } from '../../stores/contract.ts'
import { isThenable } from '../awaitable.ts'
import { isEqual } from '../values/canonical.ts'
import { convert, refusalOf } from '../values/convert.ts'
import { messageOf } from '../failure.ts'
import type { Accepted, Form } from '../values/intake.ts'
import { programOf } from '../state/program.ts'
import type { Intake } from '../state/program.ts'
import { Refusal } from '../values/schema.ts'
import type { State } from '../state/state.ts'

/** Why an instance cannot move to another version. */
export interface Stranding {
  /**
   * `no-step`: a datum has no step to its newer version. `forgotten`: a datum has no place in the newer version, which does
   * not say so. `invalid`: the newer version does not take a stored value. `no-producer`: what a builder made, and the
   * instance lacks, nobody makes any more. `once`: a `once` builder would run a second time. `undo`: a builder is gone that
   * has done what may have to be undone.
   */
  readonly reason: 'no-step' | 'forgotten' | 'invalid' | 'no-producer' | 'once' | 'undo'
  /** The data, or the builder. */
  readonly name: string
  readonly message: string
}

/** A datum as the newer version has it. */
export interface Placed extends Accepted {
  /** The older row it stands for. */
  readonly origin: Row
  /** Whether its value is the one that is stored. */
  readonly same: boolean
  /** Whether the newer version was handed it by its `migrate`, so that whoever makes such data there need not. */
  readonly handed: boolean
}

/** What an instance's data set becomes. */
export interface Carried {
  /** By slot of the newer graph. */
  readonly placed: Map<number, Placed>
  /** What was done, in words. */
  readonly steps: string[]
  readonly dropped: string[]
  readonly strandings: Stranding[]
}

/** A datum as the older version has it. */
export interface OlderDatum {
  readonly name: string
  readonly value: unknown
  readonly row: Row
}

/** What of an older data set a migration sees. */
interface Older extends OlderDatum {
  readonly fate: Fate
}

/** Brings data to a newer version: what each datum becomes there. It changes nothing. */
export async function carry(crossing: Crossing, data: readonly OlderDatum[], form: Form): Promise<Carried> {
  const carried: Carried = { placed: new Map(), steps: [], dropped: [], strandings: [] }
  const { from, fates } = crossing
  const found = data.flatMap((datum): Older[] => {
    const fate = fates[from.slotOf.get(datum.name) ?? -1]
    return fate === undefined ? [] : [{ ...datum, fate }]
  })
  for (const datum of found) await carryDatum(crossing, datum, carried, form)
  const old = oldSet(crossing, found, carried)
  for (const datum of found) {
    if (datum.fate.kind === 'made') await makeData(crossing, datum, old, carried, form)
  }
  if (crossing.whole !== undefined) await makeAll(crossing, found, old, carried, form)
  return carried
}

/** An instance's data set. */
export function dataOf(state: State): OlderDatum[] {
  return state.graph.slots.flatMap(({ index, name }) => {
    const [value, row] = [state.value(index), state.rows.get(index)]
    return value === undefined || row === undefined ? [] : [{ name, value, row }]
  })
}

async function carryDatum(
  { from, to }: Crossing,
  { name, value, row, fate }: Older,
  into: Carried,
  form: Form,
): Promise<void> {
  if (fate.kind === 'dropped') into.dropped.push(name)
  if (fate.kind === 'lost') into.strandings.push({ reason: fate.reason, name, message: fate.why })
  if (fate.kind !== 'kept' && fate.kind !== 'stepped' && fate.kind !== 'renamed') return
  const intake = programOf(to).intakes[fate.to] as Intake
  const strides = fate.kind === 'stepped' ? fate.strides : []
  const older = from.slots[from.slotOf.get(name) ?? -1] as Slot
  if (fate.kind === 'kept' && (older.data === intake.slot.data || intake.validate === undefined)) {
    place(into, fate.to, { value, stored: undefined, bytes: false, origin: row, same: true, handed: false })
    return
  }
  const accepted = await convert(strides, intake, value, form)
  if (Refusal.is(accepted)) {
    into.strandings.push(invalid(intake.slot, refusalOf(intake.slot, accepted)))
    return
  }
  if (fate.kind === 'stepped') into.steps.push(`${name} ${older.data.version} → ${intake.slot.data.version}`)
  if (fate.kind === 'renamed') into.steps.push(`${name} → ${intake.slot.name}`)
  const same = fate.kind === 'kept' && isEqual(value, accepted.value)
  place(into, fate.to, { ...accepted, origin: row, same, handed: fate.kind === 'renamed' })
}

/** Of two data that become the same one, the newer counts. */
function place({ placed }: Carried, slot: number, datum: Placed): void {
  const known = placed.get(slot)
  if (known === undefined || known.origin.seq <= datum.origin.seq) placed.set(slot, datum)
}

function invalid({ name }: Slot, why: string): Stranding {
  return { reason: 'invalid', name, message: `the newer version does not take '${name}': ${why}` }
}

/** The older data set as functions of a migration see it: what the newer version has, after its steps. */
function oldSet({ from }: Crossing, found: readonly Older[], { placed }: Carried): Readonly<Record<string, unknown>> {
  const old: Record<string, unknown> = Object.fromEntries(from.slots.map(({ name }) => [name, undefined]))
  for (const { name, value, fate } of found) {
    const there = fate.kind === 'kept' || fate.kind === 'stepped' ? placed.get(fate.to) : undefined
    old[name] = there === undefined ? value : there.value
  }
  return Object.freeze(old)
}

async function makeData(
  { from, to }: Crossing,
  { name, value, row, fate }: Older,
  old: Readonly<Record<string, unknown>>,
  into: Carried,
  form: Form,
): Promise<void> {
  if (fate.kind !== 'made') return
  const made = call(name, isSensitive(from, name), () => fate.make(value, old))
  if ('stranding' in made) {
    into.strandings.push(made.stranding)
    return
  }
  const data = made.value === undefined ? [] : Array.isArray(made.value) ? (made.value as unknown[]) : [made.value]
  const names: string[] = []
  for (const datum of data) {
    const slot = datum instanceof FedDatum ? to.slots[to.slotOf.get(datum.name) ?? -1] : undefined
    if (!(datum instanceof FedDatum) || slot?.data !== datum.data) {
      const message = `'migrate' made something else of '${name}' than data of version ${to.version}`
      into.strandings.push({ reason: 'invalid', name, message })
    } else {
      names.push(slot.name)
      await placeNew(to, slot.index, datum.value, row, into, form)
    }
  }
  if (names.length === 0) into.dropped.push(name)
  else into.steps.push(`${name} → ${names.join(', ')}`)
}

function isSensitive({ slots, slotOf }: Graph, name: string): boolean {
  return slots[slotOf.get(name) ?? -1]?.data.sensitive === true
}

/** @param sensitive what is thrown may tell of values that are not to be told */
function call(
  name: string,
  sensitive: boolean,
  run: () => unknown,
): { readonly value: unknown } | { readonly stranding: Stranding } {
  try {
    const value = run()
    if (!isThenable(value)) return { value }
    return { stranding: { reason: 'invalid', name, message: `'migrate' gave a promise: it has to answer at once` } }
  } catch (error) {
    const what = sensitive ? ', and since its data are sensitive nothing more is said' : `: ${messageOf(error)}`
    return { stranding: { reason: 'invalid', name, message: `'migrate' threw${what}` } }
  }
}

async function placeNew(
  to: Crossing['to'],
  slot: number,
  value: unknown,
  origin: Row,
  into: Carried,
  form: Form,
): Promise<void> {
  const intake = programOf(to).intakes[slot] as Intake
  const accepted = await convert([], intake, value, form)
  if (Refusal.is(accepted)) into.strandings.push(invalid(intake.slot, refusalOf(intake.slot, accepted)))
  else place(into, slot, { ...accepted, origin, same: false, handed: true })
}

/** Has the function for the whole data set say what becomes of it. */
async function makeAll(
  { from, to, whole }: Crossing,
  found: readonly Older[],
  old: Readonly<Record<string, unknown>>,
  into: Carried,
  form: Form,
): Promise<void> {
  const made = call(
    from.name,
    found.some(({ name }) => isSensitive(from, name)),
    () => whole?.(old),
  )
  if ('stranding' in made) {
    into.strandings.push(made.stranding)
    return
  }
  const given = (typeof made.value === 'object' && made.value !== null ? made.value : {}) as Record<string, unknown>
  const newest = found.reduce<Row | undefined>(
    (a, { row }) => (a === undefined || row.seq > a.seq ? row : a),
    undefined,
  )
  for (const { name } of found) {
    if (Object.hasOwn(given, name)) continue
    const message = `'migrate' says nothing of '${name}': what goes is named as undefined`
    into.strandings.push({ reason: 'forgotten', name, message })
  }
  for (const [name, value] of Object.entries(given)) {
    const slot = to.slots[to.slotOf.get(name) ?? -1]
    const older = found.find((datum) => datum.name === name)
    if (value === undefined) {
      if (slot !== undefined) into.placed.delete(slot.index)
      if (older !== undefined) into.dropped.push(name)
    } else if (slot === undefined || slot.transient) {
      const message = `'migrate' gives '${name}', which version ${to.version} does not keep`
      into.strandings.push({ reason: 'invalid', name, message })
    } else if (value !== old[name] || !into.placed.has(slot.index)) {
      const origin = older?.row ?? newest
      if (origin === undefined) continue
      into.placed.delete(slot.index)
      into.steps.push(`${older === undefined ? 'new' : 'changed'}: ${name}`)
      await placeNew(to, slot.index, value, origin, into, form)
    }
  }
}
