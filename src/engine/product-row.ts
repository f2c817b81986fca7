import type { Row } from '../stores/contract.ts'
import type { Step } from './program.ts'

/** `seq` of the row each input was read from, in declared order, 0 where there was none; not in a list if there is but one. */
export type Reads = number | readonly number[]

/** What the rows of one pass have in common. */
export interface Pass {
  readonly scope: number
  readonly pass: number
  readonly startedAt: number
}

/**
 * The row of a product that stays in this process. It keeps what is its own and works the rest out: a memory store is made
 * of such rows, and spelled out each takes twice the room, which the collector has to carry about as long as it lives.
 */
export class ProductRow implements Row {
  readonly seq: number
  readonly value: unknown
  private readonly step: Step
  private readonly at: Pass
  private readonly from: Reads
  private readonly began: number
  private readonly ended: number

  constructor(seq: number, step: Step, at: Pass, value: unknown, from: Reads, startedAt: number, endedAt: number) {
    this.seq = seq
    this.value = value
    this.step = step
    this.at = at
    this.from = from
    this.began = inPlace(startedAt - at.startedAt)
    this.ended = inPlace(endedAt - at.startedAt)
  }

  get place(): string {
    return this.step.produced
  }

  get scope(): number {
    return this.at.scope
  }

  get pass(): number {
    return this.at.pass
  }

  get builder(): string {
    return this.step.node.name
  }

  get data(): string {
    return this.step.product
  }

  get outcome(): 'produced' {
    return 'produced'
  }

  get inputs(): readonly number[] {
    return listOf(this.from)
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

/** As rows tell it. */
export function listOf(reads: Reads): readonly number[] {
  return typeof reads === 'number' ? [reads] : reads
}

/** A number that takes no object of its own, as the time of day does and every difference of two such times. */
function inPlace(ms: number): number {
  const whole = ms | 0
  return whole === ms ? whole : ms
}
