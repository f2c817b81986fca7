import { builder, data, Polaris, type, workflow } from '../../../dist/index.js'
import { memoryStore } from '../../../dist/stores/memory.js'
import { stepsOf } from '../steps.mjs'

/** On the memory store, an instance for each run: what the others do with their state in memory. */
export function contender(chain) {
  const items = Array.from({ length: chain.length + 1 }, (_, i) => data(`Item${i}`, type()))
  const builders = stepsOf(chain).map((step, i) =>
    builder({
      name: `step${i}`,
      consumes: { from: items[i] },
      produces: items[i + 1],
      process: ({ from }) => step(from),
    }),
  )
  const flow = workflow({ name: 'chain', builders, target: items[chain.length] })
  const executor = new Polaris({ store: memoryStore() }).register(flow).executor()
  return async (n) => (await executor.sequential(flow, `run-${n}`, items[0]({ n, s: 'start' }))).target
}
