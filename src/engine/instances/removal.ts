import type { DataStore, Header, Removal, Written } from '../../stores/contract.ts'
import { Batches } from '../commit/batches.ts'
import { expectedOf } from '../commit/journal.ts'
import type { Clock } from '../clock.ts'
import { markOf, tombstoneOf } from './graves.ts'

export interface RemovalFacts {
  readonly store: DataStore
  readonly clock: Clock
  /** Makes commit tokens. */
  readonly ids: () => string
  /** For how long the id of an instance that is removed is remembered, in milliseconds. */
  readonly keep: number
}

/** Takes instances out of the store, those of one moment together. */
export class Remover {
  private readonly facts: RemovalFacts
  private readonly batches: Batches<Removal, Written>

  constructor(facts: RemovalFacts) {
    this.facts = facts
    const { store, clock } = facts
    const send = (removals: readonly Removal[]): ReturnType<DataStore['remove']> => store.remove(removals)
    this.batches = new Batches({ clock, lanes: 1, idOf: ({ id }) => id, send })
  }

  /** Removes an instance that stands just so; answers whether it did. A tombstone leaves none of its own. */
  async remove(header: Header): Promise<boolean> {
    const { keep, clock, ids } = this.facts
    const { id } = header
    const token = ids()
    const expected = expectedOf(header, true)
    const buried = keep > 0 && header.status !== 'deleted'
    const beginning = buried ? await this.beginningOf(id) : ''
    const written = await this.batches.add({
      id,
      expected,
      ...(buried && { tombstone: tombstoneOf(header, clock.now(), keep, token, beginning) }),
    })
    if ('error' in written) throw written.error
    if (written.ok) return true
    // Sent again after its answer was lost, it finds what it has done itself (P2).
    return buried ? written.current?.token === token : written.current === undefined
  }

  /** What the tombstone is to know of the request that began an instance; as long as that is kept. */
  private async beginningOf(id: string): Promise<string> {
    const [first] = await this.facts.store.mail(id, { limit: 1 })
    return first?.seq === 1 ? markOf(first.requestId) : ''
  }
}
