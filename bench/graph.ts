import { builder, Polaris, workflow } from 'polaris-workflow'
import type { AnyBuilder, AnyWorkflow, Executor } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { feed, item, step } from './chains.ts'
import type { Item, ItemData } from './chains.ts'
import { compare, keep } from './measure.ts'
import type { Loop } from './measure.ts'
import type { Report } from './report.ts'

const SIZES = [1_000, 10_000]
const TRIGGERED = 5

interface Large {
  readonly workflow: AnyWorkflow
  readonly first: ItemData
}

const SHAPES: readonly (readonly [string, (size: number) => Large])[] = [
  ['rest behind a join', behindJoin],
  ['rest apart', apart],
]

/** Whether a scope's cost follows the five builders that its datum triggers, or the graph they are in. */
export async function benchGraph(report: Report): Promise<void> {
  report.section('A datum that triggers 5 builders', 'the same in a graph of 10 builders')
  for (const [shape, make] of SHAPES) {
    for (const way of ['compute', 'sequential, one warm id', 'sequential, fresh ids'] as const) {
      for (const size of SIZES) {
        const figures = await compare(scopes(make(size), way), scopes(make(10), way), { rounds: 60 })
        report.figures(`5 of ${size} builders, ${shape}, ${way}`, figures)
      }
    }
  }
}

function scopes({ workflow, first }: Large, way: string): Loop {
  const executor: Executor = new Polaris({ store: memoryStore() }).register(workflow).executor()
  let count = 0
  const run = {
    compute: (n: number) => executor.compute(workflow, feed(first, n)),
    'sequential, one warm id': (n: number) => executor.sequential(workflow, 'warm', feed(first, n)),
    'sequential, fresh ids': (n: number) => executor.sequential(workflow, `fresh-${n}`, feed(first, n)),
  }[way]
  return async (times) => {
    for (let i = 0; i < times; i++) keep((await run?.(++count))?.status)
  }
}

function triggered(first: ItemData): { builders: AnyBuilder[]; last: ItemData } {
  let last = first
  const builders: AnyBuilder[] = []
  for (let i = 1; i <= TRIGGERED; i++) {
    const made = item(`Item${i}`)
    builders.push(step(`step${i}`, last, made, onward))
    last = made
  }
  return { builders, last }
}

/** The join comes next, and it lacks `Absent`; half of what is left follows it in a chain, half fans out from it. */
function behindJoin(size: number): Large {
  const first = item('First')
  const { builders, last } = triggered(first)
  const joined = item('Joined')
  builders.push(
    builder({
      name: 'join',
      consumes: { from: last, absent: item('Absent') },
      produces: joined,
      process: onward,
    }),
  )
  let target = joined
  for (let i = builders.length; i < size; i++) {
    const made = item(`Behind${i}`)
    builders.push(step(`behind${i}`, i % 2 === 0 ? target : joined, made, onward))
    if (i % 2 === 0) target = made
  }
  return { workflow: workflow({ name: `join${size}`, builders, target }) as AnyWorkflow, first }
}

/** Each of the others consumes a datum of its own that nobody feeds. */
function apart(size: number): Large {
  const first = item('First')
  const { builders, last } = triggered(first)
  for (let i = builders.length; i < size; i++) {
    builders.push(step(`other${i}`, item(`Other${i}`), item(`Made${i}`), onward))
  }
  return { workflow: workflow({ name: `apart${size}`, builders, target: last }) as AnyWorkflow, first }
}

function onward({ from }: { readonly from: Item }): Item {
  return { n: from.n + 1, s: 'x'.repeat(32) }
}
