import { builder, data, type, workflow } from '../../dist/index.js'
import { stepsOf } from './steps.mjs'

/** The chain as a workflow, with what begins a run of it. */
export function polarisChain(chain) {
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
  return { flow, start: (n) => items[0]({ n, s: 'start' }) }
}
