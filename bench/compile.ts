import { builder, Polaris, workflow } from 'polaris-workflow'
import type { AnyBuilder } from 'polaris-workflow'
import { chain, feed, item, runPlainly } from './chains.ts'
import type { Item, ItemData } from './chains.ts'
import { keep, median, time } from './measure.ts'
import type { Loop } from './measure.ts'
import type { Report } from './report.ts'

const SMALLEST = 10
const SIZES = [SMALLEST, 1_000, 10_000]
const LONG = 100_000

/** What `workflow()` takes, and whether it grows as the number of builders does. */
export async function benchCompile(report: Report): Promise<void> {
  report.section('Compiling', `that of ${SMALLEST} builders, times as many`)
  for (const [shape, make] of [
    ['3 inputs each', tangled],
    ['2 inputs and an access each', accessing],
  ] as const) {
    let smallest = 0
    for (const size of SIZES) {
      const builders = make(size)
      const target = builders[size - 1]?.produces as ItemData
      const each = await timeOf(
        (times) => {
          for (let i = 0; i < times; i++) keep(workflow({ name: `size${size}`, builders, target }))
        },
        size === SMALLEST ? 1000 : 1,
      )
      if (size === SMALLEST) smallest = each
      const reference = (smallest * size) / SMALLEST
      report.line({
        name: `compile ${size} builders, ${shape}`,
        ratio: each / reference,
        ours_ns: each,
        reference_ns: reference,
      })
    }
  }
  await benchLongChain(report)
}

async function benchLongChain(report: Report): Promise<void> {
  const reference = ((await timeOf(chains(SMALLEST), 100)) * LONG) / SMALLEST
  const made = await timeOf(chains(LONG), 1, 3)
  const name = `declare and compile a chain of ${LONG}`
  report.line({ name, ratio: made / reference, ours_ns: made, reference_ns: reference })

  const sample = chain(LONG, 'sync')
  const executor = new Polaris().register(sample.workflow).executor()
  const byHand = await timeOf(() => keep(runPlainly(sample, 1)), 1)
  const run = await timeOf(async () => {
    const { status } = await executor.compute(sample.workflow, feed(sample.first, 1))
    if (status !== 'completed') throw new Error(`The chain of ${LONG} is ${status}.`)
  }, 1)
  report.line(
    { name: `run a chain of ${LONG}, sync, compute`, ratio: run / byHand, ours_ns: run, reference_ns: byHand },
    'to the same functions called by hand',
  )
}

function chains(length: number): Loop {
  return (times) => {
    for (let i = 0; i < times; i++) keep(chain(length, 'sync'))
  }
}

async function timeOf(loop: Loop, times: number, rounds = 7): Promise<number> {
  const each: number[] = []
  for (let round = 0; round < rounds; round++) each.push((await time(loop, times)) / times)
  return median(each)
}

/** Every builder consumes two of the data made before it and takes a third; which ones is the same every time. */
function tangled(size: number): AnyBuilder[] {
  return build(size, (name, produces, [a, b, c]) =>
    builder({ name, consumes: { from: a, b }, optionals: { c }, produces, process: onward }),
  )
}

/** The same with the third one as an access, for which the builder's ancestors have to be known. */
function accessing(size: number): AnyBuilder[] {
  return build(size, (name, produces, [a, b, c]) =>
    builder({ name, consumes: { from: a, b }, accesses: { c }, produces, process: onward }),
  )
}

function build(
  size: number,
  make: (name: string, produces: ItemData, inputs: readonly [ItemData, ItemData, ItemData]) => AnyBuilder,
): AnyBuilder[] {
  const items = ['First', 'Second', 'Third'].map(item)
  const pick = numbers()
  return Array.from({ length: size }, (_, i) => {
    const made = item(`Item${i}`)
    const chosen = new Set<ItemData>()
    while (chosen.size < 3) chosen.add(items[Math.floor(pick() * items.length)] as ItemData)
    items.push(made)
    const [a, b, c] = [...chosen] as [ItemData, ItemData, ItemData]
    return make(`builder${i}`, made, [a, b, c])
  })
}

/** The same numbers between 0 and 1 every time. */
function numbers(): () => number {
  let state = 42
  return () => (state = (state * 16807) % 2147483647) / 2147483647
}

function onward({ from }: { readonly from: Item }): Item {
  return { n: from.n + 1, s: 'x'.repeat(32) }
}
