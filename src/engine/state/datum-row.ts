import type { Row } from '../../stores/contract.ts'

/** `seq` of the row each input was read from, in declared order, 0 where there was none; not in a list if there is but one. */
export type Reads = number | readonly number[]

/** What the rows of one pass have in common. */
export interface Pass {
  readonly scope: number
  readonly pass: number
  readonly startedAt: number
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
  private readonly at: Pass
  private readonly reads: Reads
  private readonly began: number
  private readonly ended: number

  constructor(seq: number, kind: RowKind, at: Pass, value: unknown, reads: Reads, startedAt: number, endedAt: number) {
    this.seq = seq
    this.value = value
    this.kind = kind
    this.at = at
    this.reads = reads
    this.began = inPlace(startedAt - at.startedAt)
    this.ended = inPlace(endedAt - at.startedAt)
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
    return this.at.startedAt + this.began
  }

  get endedAt(): number {
    return this.at.startedAt + this.ended
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

/** A number that takes no object of its own, as the time of day does and every difference of two such times. */
function inPlace(ms: number): number {
  const whole = ms | 0
  return whole === ms ? whole : ms
}
