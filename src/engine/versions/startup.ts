import type { DataStore } from '../../stores/contract.ts'
import type { Registry } from '../instances/registry.ts'
import { graphsChanged } from '../refusals.ts'
import type { Fleet } from './fleet.ts'
import type { KeptGraphs } from './kept-graphs.ts'

export interface StartupFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly graphs: KeptGraphs
  readonly fleet: Fleet
  readonly acceptChanged: boolean
}

/**
 * What a process does once, before it works on anything: it compares the graphs of its workflows with those that are kept in
 * the store, and says what it serves. A store that forgets with its process knows nothing of other code.
 */
export class Startup {
  private readonly facts: StartupFacts
  /** The registry's generation that has passed. */
  private passed = -1
  private starting: Promise<void> | undefined
  /** Graphs that have passed, by workflow and version. */
  private readonly kept = new Set<string>()

  constructor(facts: StartupFacts) {
    this.facts = facts
  }

  /**
   * To be awaited before any work, where it answers a promise.
   *
   * Throws `VERSION_CHANGED`, what the store throws.
   */
  ready(): Promise<void> | undefined {
    const { registry, fleet, store } = this.facts
    if (!store.capabilities.durable) return undefined
    if (this.passed === registry.generation) return store.capabilities.lists ? fleet.ready() : undefined
    this.starting ??= this.start().finally(() => (this.starting = undefined))
    return this.starting
  }

  private async start(): Promise<void> {
    const { registry, fleet, store } = this.facts
    const { generation } = registry
    await this.compare()
    if (store.capabilities.lists) await fleet.join()
    this.passed = generation
  }

  private async compare(): Promise<void> {
    const { registry, graphs, acceptChanged } = this.facts
    const fresh = registry.all().filter(({ program: { graph } }) => !this.kept.has(`${graph.version} ${graph.name}`))
    const found = await Promise.all(
      fresh.map(async ({ program: { graph } }) => {
        const kept = await graphs.keep(graph, acceptChanged)
        if ('differences' in kept) return [kept]
        this.kept.add(`${graph.version} ${graph.name}`)
        if (acceptChanged) registry.accept(graph, kept)
        return []
      }),
    )
    const changed = found.flat()
    if (changed.length > 0) throw graphsChanged(changed)
  }
}
