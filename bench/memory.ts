import { Polaris } from 'polaris-workflow'
import type { Executor, ExecutorOptions } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { chain, fan, feed, runAtOnce, runInTurn, runPlainly } from './chains.ts'
import type { Kind, Sample } from './chains.ts'
import { compare, keep } from './measure.ts'
import type { Loop } from './measure.ts'
import type { Report } from './report.ts'

/** So many ids are fed in turn where the same ones are. */
const FEW = 16

const SHAPES: readonly (readonly [string, (kind: Kind) => Sample])[] = [
  ['chain of 3', (kind) => chain(3, kind)],
  ['chain of 10', (kind) => chain(10, kind)],
  ['fan of 8 into 1', (kind) => fan(8, kind)],
]
const KINDS: readonly Kind[] = ['sync', 'async', 'awaiting']
const WAYS = ['compute', 'sequential, fresh ids', `sequential, ${FEW} ids`] as const

/** What a workflow costs over the same functions called by hand, in memory. */
export async function benchMemory(report: Report): Promise<void> {
  report.section('In memory', 'the same functions called by hand')
  for (const hooks of [false, true]) {
    for (const [shape, make] of SHAPES) {
      for (const kind of KINDS) {
        for (const way of WAYS) {
          const sample = make(kind)
          const ours = runBy(way, sample, executorFor(sample, hooks))
          const figures = await compare(ours, byHand(sample, kind, way))
          report.figures(`${shape}, ${kind}, ${way}${hooks ? ', hooks' : ''}`, figures)
        }
      }
    }
  }
}

function executorFor({ workflow }: Sample, hooks: boolean): Executor {
  let calls = 0
  const options: ExecutorOptions = { before: () => keep(calls++), after: () => keep(calls++) }
  return new Polaris({ store: memoryStore() }).register(workflow).executor(hooks ? options : {})
}

function runBy(way: (typeof WAYS)[number], { workflow, first }: Sample, executor: Executor): Loop {
  let count = 0
  if (way === 'compute') {
    return async (times) => {
      for (let i = 0; i < times; i++) keep((await executor.compute(workflow, feed(first, ++count))).target)
    }
  }
  const few = Array.from({ length: FEW }, (_, i) => `few-${i}`)
  const idOf = way === 'sequential, fresh ids' ? (n: number) => `fresh-${n}` : (n: number) => few[n % FEW] as string
  return async (times) => {
    for (let i = 0; i < times; i++) {
      count++
      keep((await executor.sequential(workflow, idOf(count), feed(first, count))).target)
    }
  }
}

function byHand(sample: Sample, kind: Kind, way: (typeof WAYS)[number]): Loop {
  let count = 0
  if (kind === 'sync') {
    return (times) => {
      for (let i = 0; i < times; i++) keep(runPlainly(sample, ++count))
    }
  }
  const run = way === 'compute' ? runAtOnce : runInTurn
  return async (times) => {
    for (let i = 0; i < times; i++) keep(await run(sample, ++count))
  }
}
