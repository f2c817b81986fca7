import type { PolarisError } from '../../graph/errors.ts'
import type { Row } from '../../stores/contract.ts'
import { DatumRow, withValue } from './datum-row.ts'
import type { Moment } from './datum-row.ts'
import type { AcceptedDatum } from '../values/intake.ts'
import { CALL, FAILED, LATE, TIMED_OUT } from './program.ts'
import type { State } from './state.ts'

/**
 * Takes a fed datum into the state; returns its row.
 *
 * @param live the store keeps values as they are
 */
export function feed(state: State, at: Moment, datum: AcceptedDatum, live: boolean): Row {
  const { intake, value, stored, bytes } = datum
  const { slot, fed } = intake
  const kept = stored === undefined ? undefined : value
  const row = slot.about < 0 ? new DatumRow(++state.newest, fed, at, kept, NONE) : aboutRow(state, at, datum, kept)
  if (bytes) state.noteBytes(slot.index)
  state.setDatum(slot.index, value, row)
  return live ? row : withValue(row, stored)
}

function aboutRow(
  state: State,
  { scope, startedAt }: Moment,
  { intake, about: named }: AcceptedDatum,
  value: unknown,
): Row {
  const { slot, fed } = intake
  const about = named ?? state.rows.get(slot.about)?.seq ?? 0
  const own = { place: fed.place, data: slot.name, outcome: 'fed', value, note: { about } } as const
  return { ...callerRow(state, scope, startedAt, own), inputs: [about] }
}

/** The row of what a caller said about its call. */
export function callRow(state: State, scope: number, now: number, meta: Readonly<Record<string, unknown>>): Row {
  return callerRow(state, scope, now, { place: CALL, data: null, outcome: 'call', value: undefined, note: { meta } })
}

/** The row of a scope that could not be run, or was ended from outside. */
export function reasonRow(state: State, scope: number, now: number, { name, code, message }: PolarisError): Row {
  const note = { error: { name, code, message } }
  const place = code === 'WORKFLOW_TIMEOUT' ? TIMED_OUT : code === 'DATA_OUTDATED' ? LATE : FAILED
  const row = callerRow(state, scope, now, { place, data: null, outcome: 'failed', value: undefined, note })
  state.timing?.noteReason(row)
  return row
}

/** The newest row of each place, in order of `seq`: what a store's `read` would have answered then. */
export function inOrder(newest: ReadonlyMap<string, Row>): Row[] {
  return [...newest.values()].sort((a, b) => a.seq - b.seq)
}

/** The newest row of each place, as the store's `read` would answer once rows were added. */
export function newestRows(rows: readonly Row[], added: readonly Row[]): Row[] {
  const newest = new Map(rows.map((row) => [row.place, row]))
  for (const row of added) newest.set(row.place, row)
  return inOrder(newest)
}

/** A row of what a caller did. `builder`: to which one it was done, if to one. */
export function callerRow(
  state: State,
  scope: number,
  now: number,
  { place, data, outcome, value, note }: Pick<Row, 'place' | 'data' | 'outcome' | 'value' | 'note'>,
  builder: string | null = null,
): Row {
  return {
    seq: ++state.newest,
    place,
    scope,
    pass: 1,
    builder,
    data,
    outcome,
    value,
    inputs: NONE,
    startedAt: now,
    endedAt: now,
    note,
  }
}

const NONE: readonly number[] = Object.freeze([])
