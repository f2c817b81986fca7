import type { Row } from '../../stores/contract.ts'

/** `seq` of the row each input was read from, in declared order, 0 where there was none; not in a list if there is but one. */
export type Reads = number | readonly number[]

/** What rows have in common that one pass makes at one time, as all do that do not wait where the clock is read coarsely. */
export interface Moment {
  readonly scope: number
  readonly pass: number
  readonly startedAt: number
  /** How long it took, in milliseconds: a difference, since a number as large as a time takes an object of its own. */
  readonly took: number
}

/** What all rows of one place have in common that carry a datum. */
export interface RowKind {
  readonly place: string
  readonly builder: string | null
  readonly data: string
  readonly outcome: 'fed' | 'produced'
}

/**
 * A row that carries a datum, as it is kept in this process. It keeps what is its own and works the rest out: a memory store
 * is made of such rows, and spelled out each takes twice the room, which the collector has to carry about as long as it
 * lives. Its members are not its own, so that a spread would copy none of them.
 */
export class DatumRow implements Row {
  readonly seq: number
  readonly value: unknown
  private readonly kind: RowKind
  private readonly at: Moment
  private readonly reads: Reads

  constructor(seq: number, kind: RowKind, at: Moment, value: unknown, reads: Reads) {
    this.seq = seq
    this.value = value
    this.kind = kind
    this.at = at
    this.reads = reads
  }

  get place(): string {
    return this.kind.place
  }

  get scope(): number {
    return this.at.scope
  }

  get pass(): number {
    return this.at.pass
  }

  get builder(): string | null {
    return this.kind.builder
  }

  get data(): string {
    return this.kind.data
  }

  get outcome(): 'fed' | 'produced' {
    return this.kind.outcome
  }

  get inputs(): readonly number[] {
    return listOf(this.reads)
  }

  get startedAt(): number {
    return this.at.startedAt
  }

  get endedAt(): number {
    return this.at.startedAt + this.at.took
  }

  get note(): null {
    return null
  }
}

/** The same row with another value, spelled out. */
export function withValue(row: Row, value: unknown): Row {
  const { seq, place, scope, pass, builder, data, outcome, inputs, startedAt, endedAt, note } = row
  return { seq, place, scope, pass, builder, data, outcome, value, inputs, startedAt, endedAt, note }
}

/** As rows tell it. */
export function listOf(reads: Reads): readonly number[] {
  return typeof reads === 'number' ? [reads] : reads
}
