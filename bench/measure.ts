import { do_not_optimize } from 'mitata'
import { hrtime } from 'node:process'

/** Does something so many times in a row. One that answers at once returns nothing, so that no await is added to it. */
export type Loop = (times: number) => Promise<void> | void

export interface Figures {
  /** Median of the ratios of neighbouring blocks. */
  readonly ratio: number
  readonly min: number
  readonly max: number
  /** Medians over the blocks, each the time for once. */
  readonly ours: number
  readonly reference: number
}

export interface Pace {
  /** How long one block of one side lasts, in ms. Default 2. */
  readonly block?: number
  /** Pairs of blocks. Default 120. */
  readonly rounds?: number
  /** How long each side runs before anything counts, in ms. Default 100. */
  readonly warmUp?: number
}

/** Where loops leave what they made, so that the compiler cannot leave the making out. */
export const keep: (value: unknown) => void = do_not_optimize

/**
 * Times one loop against another in small alternating blocks, so that what disturbs the machine disturbs both: of each
 * pair of neighbours the ratio is taken, and of the ratios the median.
 */
export async function compare(ours: Loop, reference: Loop, pace: Pace = {}): Promise<Figures> {
  const { block = 2, rounds = 120, warmUp = 100 } = pace
  const oursTimes = await calibrate(ours, block, warmUp)
  const referenceTimes = await calibrate(reference, block, warmUp)
  const oursEach: number[] = []
  const referenceEach: number[] = []
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    // Who is first changes from round to round: the first of a pair often pays for the garbage of the pair before.
    let referenceTook = round % 2 === 0 ? await time(reference, referenceTimes) : 0
    const oursTook = await time(ours, oursTimes)
    if (round % 2 === 1) referenceTook = await time(reference, referenceTimes)
    oursEach.push(oursTook / oursTimes)
    referenceEach.push(referenceTook / referenceTimes)
    ratios.push(oursTook / oursTimes / (referenceTook / referenceTimes))
  }
  return {
    ratio: median(ratios),
    min: Math.min(...ratios),
    max: Math.max(...ratios),
    ours: median(oursEach),
    reference: median(referenceEach),
  }
}

/** How often a loop has to run for a block, once the compiler has seen enough of it. */
async function calibrate(loop: Loop, block: number, warmUp: number): Promise<number> {
  let times = 1
  let took = 0
  for (let spent = 0; spent < warmUp * 1e6; spent += took) {
    took = await time(loop, times)
    if (took < block * 0.5e6) times *= 2
  }
  return Math.max(1, Math.round((times * block * 1e6) / took))
}

/** Nanoseconds that a loop takes for all its rounds. */
export async function time(loop: Loop, times: number): Promise<number> {
  const started = hrtime.bigint()
  const running = loop(times)
  if (running !== undefined) await running
  return Number(hrtime.bigint() - started)
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
}
