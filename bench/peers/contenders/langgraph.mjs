import { Annotation, END, START, StateGraph } from '@langchain/langgraph'
import { stepsOf } from '../steps.mjs'

/** Compiled once, no checkpointer. */
export function contender(chain) {
  const State = Annotation.Root({ item: Annotation() })
  const graph = new StateGraph(State)
  const steps = stepsOf(chain)
  steps.forEach((step, i) =>
    graph.addNode(
      `step${i}`,
      chain.kind === 'sync' ? ({ item }) => ({ item: step(item) }) : async ({ item }) => ({ item: await step(item) }),
    ),
  )
  graph.addEdge(START, 'step0')
  for (let i = 1; i < steps.length; i++) graph.addEdge(`step${i - 1}`, `step${i}`)
  graph.addEdge(`step${steps.length - 1}`, END)
  const app = graph.compile()
  return async (n) => (await app.invoke({ item: { n, s: 'start' } })).item
}
