import { crossing } from '../../graph/crossing.ts'
import type { Crossing } from '../../graph/crossing.ts'
import { differences } from '../../graph/difference.ts'
import { PolarisError } from '../../graph/errors.ts'
import type { Graph } from '../../graph/graph.ts'
import { graphOf } from '../../graph/workflow.ts'
import type { AnyWorkflow } from '../../graph/workflow.ts'
import { badWorkflow } from '../refusals.ts'

/** The versions of one workflow that some code has. */
export class Lineup {
  private readonly byVersion = new Map<number, Graph>()
  private readonly crossings = new Map<Graph, Crossing>()

  constructor(graphs: readonly Graph[]) {
    for (const graph of graphs) this.byVersion.set(graph.version, graph)
  }

  get newest(): Graph {
    return this.byVersion.get(Math.max(...this.byVersion.keys())) as Graph
  }

  version(version: number): Graph | undefined {
    return this.byVersion.get(version)
  }

  get versions(): number[] {
    return [...this.byVersion.keys()].sort((a, b) => a - b)
  }

  /** From an older graph, of this code or known otherwise, to the newest. */
  crossing(from: Graph): Crossing {
    const known = this.crossings.get(from)
    if (known !== undefined) return known
    const found = crossing(from, this.newest, (name, version) => {
      for (const { slots, slotOf } of this.byVersion.values()) {
        const data = slots[slotOf.get(name) ?? -1]?.data
        if (data?.version === version) return data
      }
      return undefined
    })
    this.crossings.set(from, found)
    return found
  }
}

/** @throws `WORKFLOW_NOT_FOUND`, `GRAPH_INVALID` */
export function lineups(workflows: readonly AnyWorkflow[]): Map<string, Lineup> {
  const graphs = new Map<string, Graph[]>()
  for (const workflow of workflows) {
    const graph = graphOf(workflow)
    if (graph === undefined) {
      throw badWorkflow('check')
    }
    const known = graphs.get(graph.name) ?? []
    if (known.some(({ version }) => version === graph.version)) {
      throw new PolarisError('GRAPH_INVALID', `Version ${graph.version} of workflow '${graph.name}' is there twice.`)
    }
    graphs.set(graph.name, [...known, graph])
  }
  return new Map(Array.from(graphs, ([name, list]) => [name, new Lineup(list)]))
}

export function changedMessage(own: Graph, from: Graph | undefined): string {
  const what = from === undefined ? [] : differences(from, own)
  return `version ${own.version} has changed under these instances: ${what.join('; ') || 'how, nobody knows any more'}`
}

export function unservedMessage(version: number, newest: Graph): string {
  if (newest.version < version) return `the code does not have version ${version}, which is newer than its newest`
  return `the code does not have version ${version}: keep it registered beside the newer ones until no instance needs it`
}
