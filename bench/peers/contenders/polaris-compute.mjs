import { Polaris } from '../../../dist/index.js'
import { polarisChain } from '../polaris-chain.mjs'

/** Nothing stored. */
export function contender(chain) {
  const { flow, start } = polarisChain(chain)
  const executor = new Polaris().register(flow).executor()
  return async (n) => (await executor.compute(flow, start(n))).target
}
