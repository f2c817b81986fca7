/** Data that are about others: which of them count, and which a caller may feed. */
import { PolarisError } from '../../graph/errors.ts'
import type { Slot } from '../../graph/graph.ts'
import type { Row } from '../../stores/contract.ts'
import type { AcceptedDatum } from '../values/intake.ts'
import type { State } from './state.ts'

/** A datum that no longer counts, and the row that took away what it was about. */
export interface Outdated {
  readonly row: Row
  readonly by: Row
}

/** Whether the newest datum of a slot is about what stands there now. `undefined`: nothing stands there. */
export function isAbout(row: Row, subject: Row | undefined): boolean {
  if (subject === undefined) return false
  const about = row.note?.about
  // Made by a version in which such data stood for themselves: about what stood there when it came.
  return about === undefined ? row.seq > subject.seq : about === subject.seq
}

/** What took away what a slot's datum was about. */
export function outdatedBy(state: State, slot: Slot): Row {
  const { rows, outdated, restarted, undoing } = state
  const subject = rows.get(slot.about) ?? outdated?.get(slot.about)?.by ?? undoing ?? restarted
  return subject ?? (rows.get(slot.index) as Row)
}

/** The rows that decide whether a slot's datum counts: of what it is about, what that is about, and so on. */
export function subjectRows({ graph, rows }: State, slot: number): Row[] {
  const found: Row[] = []
  for (let next = graph.slots[slot]?.about ?? -1; next >= 0; next = graph.slots[next]?.about ?? -1) {
    const row = rows.get(next)
    if (row !== undefined) found.push(row)
  }
  return found
}

/**
 * A delta with what each datum is about, in the order to be fed in: what others are about first. Of a datum that comes with
 * what it is about, that is known only then.
 *
 * @param waits it is to wait in a mailbox, so that what it is about may still be on its way there
 * @throws `DATA_OUTDATED`
 */
export function bindDelta(
  state: State,
  id: string,
  delta: readonly AcceptedDatum[],
  waits = false,
): readonly AcceptedDatum[] {
  const { slots, abouts } = state.graph
  if (abouts.length === 0) return delta
  // It is checked against another version, and found out about when its turn has come.
  if (waits && delta.some(({ intake: { slot } }) => slots[slot.index] !== slot)) return delta
  const bound = delta.map((datum) => {
    const { slot } = datum.intake
    if (slot.about < 0) return datum
    const subject = slots[slot.about] as Slot
    const comesAlong = delta.some(({ intake }) => intake.slot === subject)
    const isReplaced = comesAlong || delta.some(({ intake }) => isSubjectOf(slots, intake.slot, subject))
    const current = isReplaced ? undefined : state.rows.get(subject.index)?.seq
    const { about = current } = datum
    const isOpen = about === undefined && (comesAlong || waits)
    if (!isOpen && (about === undefined || about !== current))
      throw outdated(id, slot, subject, about, current, isReplaced)
    return about === datum.about ? datum : { ...datum, about }
  })
  return bound.sort((a, b) => rankOf(state, a) - rankOf(state, b))
}

/** Whether a datum is about one of another data, directly or through others. */
function isSubjectOf(slots: readonly Slot[], subject: Slot, of: Slot): boolean {
  for (let next = of.about; next >= 0; next = slots[next]?.about ?? -1) if (next === subject.index) return true
  return false
}

function rankOf({ graph: { abouts } }: State, { intake: { slot } }: AcceptedDatum): number {
  return slot.regarded.length > 0 || slot.about >= 0 ? abouts.indexOf(slot.index) : abouts.length
}

function outdated(
  id: string,
  { name }: Slot,
  { name: subject }: Slot,
  about: number | undefined,
  current: number | undefined,
  isReplaced: boolean,
): PolarisError {
  const now = isReplaced
    ? `which this very delta replaces`
    : current === undefined
      ? `and there is none any more`
      : `and that of entry ${current} has taken its place`
  const why =
    about === undefined
      ? `there is no '${subject}' that it could be about${isReplaced ? `, once this very delta has replaced what that is about` : ''}`
      : `it is about the '${subject}' of entry ${about}, ${now}: look at what is there, and give it anew`
  return new PolarisError('DATA_OUTDATED', `'${name}' was refused for '${id}': ${why}. Nothing was stored.`)
}
