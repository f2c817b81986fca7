import type { Graph } from '../../graph/graph.ts'

/** What a scope needs while it runs, as large as its graph. */
export interface Scratch {
  /** By node; all 0 between scopes. */
  readonly marks: Uint8Array
  /** Nodes with a mark, so that clearing follows what was touched and not the size of the graph. */
  readonly touched: number[]
  readonly heap: number[]
  readonly running: number[]
  readonly ran: number[]
  /** Those that its graph's next scopes take. */
  readonly pool: Scratch[]
}

/** So many are kept per graph; what more scopes at once need is made and thrown away. */
const KEPT = 64

const pools = new WeakMap<Graph, Scratch[]>()

/** Scopes of one graph share these one after the other: making them anew took a third of a scope of ten builders. */
export function takeScratch(graph: Graph): Scratch {
  let pool = pools.get(graph)
  if (pool === undefined) pools.set(graph, (pool = []))
  return pool.pop() ?? { marks: new Uint8Array(graph.nodes.length), touched: [], heap: [], running: [], ran: [], pool }
}

export function returnScratch(scratch: Scratch): void {
  const { marks, touched, heap, running, ran, pool } = scratch
  // By pop: setting the length to 0 gives up the room, and the next scope makes it anew.
  for (let node = touched.pop(); node !== undefined; node = touched.pop()) marks[node] = 0
  while (heap.length > 0) heap.pop()
  while (running.length > 0) running.pop()
  while (ran.length > 0) ran.pop()
  if (pool.length < KEPT) pool.push(scratch)
}
