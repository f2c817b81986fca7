import { describeGraph } from './description.ts'
import type { Description } from './description.ts'
import { fingerprint } from './fingerprint.ts'
import type { Graph } from './graph.ts'

/** A workflow's graph as plain JSON, to be kept where its code is not: beside instances, or in a repository. */
export interface Manifest extends Description {
  readonly version: number
  readonly fingerprint: string
}

export function manifestOf(graph: Graph): Manifest {
  const description = describeGraph(graph)
  return { ...description, version: graph.version, fingerprint: fingerprint(description) }
}
