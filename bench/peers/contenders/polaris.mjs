import { Polaris } from '../../../dist/index.js'
import { memoryStore } from '../../../dist/stores/memory.js'
import { polarisChain } from '../polaris-chain.mjs'

/** On the memory store, an instance for each run: what the others do with their state in memory. */
export function contender(chain) {
  const { flow, start } = polarisChain(chain)
  const executor = new Polaris({ store: memoryStore() }).register(flow).executor()
  return async (n) => (await executor.sequential(flow, `run-${n}`, start(n))).target
}
