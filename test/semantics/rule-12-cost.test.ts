import { builder, data, type, workflow } from 'polaris-workflow'
import type { AnyBuilder, Data } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { Scope } from '../../src/engine/scope/scope.ts'
import { State } from '../../src/engine/state/state.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { graphOf } from '../../src/graph/workflow.ts'
import type { Row } from '../../src/stores/contract.ts'

type Text = Data<string, string, string>

/** A chain of five behind `Fed`, among as many others as it takes, some of which consume what the chain makes. */
function graphAmong(size: number): Graph {
  const text = (name: string): Text => data(name, type<string>())
  const builders: AnyBuilder[] = []
  const chain = Array.from({ length: 6 }, (_, i) => text(i === 0 ? 'Fed' : `C${i}`))
  const other = text('Other')
  let last = other
  const add = (name: string, consumes: Record<string, Text>, produces: Text) =>
    builders.push(builder({ name, consumes, produces, process: () => 'x' }))
  for (let i = 5; i < size; i++) {
    const next = text(`O${i}`)
    add(`o${i}`, { last }, next)
    last = next
  }
  for (let i = 1; i <= 5; i++) add(`c${i}`, { from: chain[i - 1] as Text }, chain[i] as Text)
  return graphOf(workflow({ name: `w${size}`, builders, target: chain[5] as never }))!
}

/** Every read of an element of an array of the graph counts. */
function counted(graph: Graph): { graph: Graph; reads: () => number } {
  let reads = 0
  const watch = <T extends object>(list: T): T =>
    new Proxy(list, {
      get(target, key, receiver) {
        if (typeof key === 'string' && /^\d+$/.test(key)) reads++
        // What walks over everything shows as many reads, whatever it does with them.
        return Reflect.get(target, key, receiver) as unknown
      },
    })
  const { nodes, slots, before, sources, targets } = graph
  const watched = {
    ...graph,
    ...{ nodes: watch(nodes), slots: watch(slots), before: watch(before) },
    ...{ sources: watch(sources), targets: watch(targets) },
  }
  return { graph: watched, reads: () => reads }
}

function runScope(graph: Graph, state: State, number: number): string[] {
  const row = (data: string, outcome: Row['outcome'], builder: string | null): Row => ({
    ...{ seq: ++state.newest, place: data, scope: number, pass: 1, builder, data, outcome },
    ...{ value: 'x', inputs: [], startedAt: 0, endedAt: 0, note: null },
  })
  const fed = graph.slotOf.get('Fed')!
  state.setDatum(fed, 'x', row('Fed', 'fed', null))
  const scope = new Scope(state, number)
  scope.begin()
  const ran: string[] = []
  for (let work = scope.next(); work !== undefined; work = scope.next()) {
    ran.push(work.node.name)
    const { name, out } = work.node
    const made = row(graph.slots[out]!.name, 'produced', name)
    state.setDatum(out, 'x', made)
    scope.finish(work, 'produced')
  }
  expect(scope.nextPass()).toBe(false)
  state.settle()
  return ran
}

describe('rule 12: the cost of a scope', () => {
  it('rule 12: a scope looks at as many nodes and slots in a graph of 10,000 builders as in one of 10', () => {
    const costs = [10, 100, 10_000].map((size) => {
      const { graph, reads } = counted(graphAmong(size))
      const state = new State(graph)
      const costs: number[] = []
      for (let scope = 1; scope <= 3; scope++) {
        const before = reads()
        expect(runScope(graph, state, scope)).toEqual(['c1', 'c2', 'c3', 'c4', 'c5'])
        costs.push(reads() - before)
      }
      return costs
    })
    expect(costs[1]).toEqual(costs[0])
    expect(costs[2]).toEqual(costs[0])
    expect(Math.max(...costs.flat())).toBeLessThan(200)
  })

  it('rule 12: a scope that triggers nothing looks at next to nothing', () => {
    const { graph, reads } = counted(graphAmong(10_000))
    const state = new State(graph)
    runScope(graph, state, 1)
    const before = reads()
    const scope = new Scope(state, 2)
    scope.begin()
    expect(scope.next()).toBeUndefined()
    expect(reads() - before).toBeLessThan(5)
  })
})
