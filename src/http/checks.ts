/** Checks of the code here against the open instances. They count them all, which may take minutes: so they go on by themselves. */
import type { CheckReport, Clock, Polaris } from '../index.ts'
import { kept } from './kept.ts'
import type { Kept } from './kept.ts'
import { Problem } from './problems.ts'

export interface Checked {
  readonly asOf: number
  readonly report: CheckReport
}

/** Those of so many sizes of samples are kept. */
const MOST_SIZES = 16
/** So many are under way or wait for their turn. */
const MOST_UNDER_WAY = 4
const ADVICE =
  ' A smaller `sample` looks at fewer instances, though all are counted; `polaris check`, on the command line, shows how far it is.'

/** One after the other, whatever their samples are: each goes through the whole store. */
export function checksOf(polaris: Polaris, clock: Clock): (sample: number) => Kept<Checked> {
  const known = new Map<number, Kept<Checked>>()
  let before: Promise<unknown> = Promise.resolve()
  let underWay = 0
  const check = async (sample: number): Promise<Checked> => {
    if (underWay >= MOST_UNDER_WAY) {
      throw new Problem('BUSY', `There are ${underWay} checks under way already.`, {}, { 'retry-after': '30' })
    }
    underWay++
    const made = before.then(async () => {
      const asOf = clock.now()
      return { asOf, report: await polaris.check(undefined, { sample }) }
    })
    before = made.catch(() => undefined).finally(() => underWay--)
    return made
  }
  return (sample) => {
    const found = known.get(sample) ?? kept(clock, () => check(sample), { advice: ADVICE })
    // In order of use, so that the first is the one to forget.
    known.delete(sample)
    known.set(sample, found)
    if (known.size > MOST_SIZES) for (const oldest of known.keys()) if (known.delete(oldest)) break
    return found
  }
}
