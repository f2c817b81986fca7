import { hash } from '../../graph/fingerprint.ts'
import type { DataStore, MetaRecord } from '../../stores/contract.ts'
import type { StoreClock } from '../store-clock.ts'
import type { StrandedGroup } from './stranding-groups.ts'

const KIND = 'polaris-upgrade'
/** What nobody went on with for so long is begun anew. */
const KEPT_MS = 7 * 86_400_000

/** How far a query for instances to move has come. */
export interface Progress {
  /** All pages have been looked at. */
  readonly through: boolean
  /** Of the page that comes next. Absent: the first. */
  readonly cursor?: string
  readonly moved: number
  readonly failed: number
  readonly stranded: readonly StrandedGroup[]
  /** Were worked on by others: they come again at the end. */
  readonly busy: readonly string[]
}

/** Keeps the progress of one query in the store, so that to ask the same again goes on where it ended. */
export class ProgressKeeper {
  private readonly facts: { readonly store: DataStore; readonly clock: StoreClock }
  private readonly key: string
  private revision: number | null = null
  /** Somebody else asks for the same at the same time: each goes through the whole list then, and one of them keeps its progress. */
  private apart = false

  /** @param asked whatever tells one query from another */
  constructor(facts: { readonly store: DataStore; readonly clock: StoreClock }, asked: unknown) {
    this.facts = facts
    this.key = hash(JSON.stringify(asked))
  }

  async load(): Promise<Progress | undefined> {
    await this.facts.clock.ready()
    const record = await this.facts.store.meta(KIND, this.key)
    this.revision = record?.revision ?? null
    return record && (JSON.parse(record.value) as Progress)
  }

  async save(progress: Progress): Promise<void> {
    await this.put(JSON.stringify(progress), KEPT_MS)
  }

  /** It is through: to ask again begins anew. */
  async drop(): Promise<void> {
    if (this.revision !== null) await this.put('{}', -1)
  }

  private async put(value: string, ms: number): Promise<void> {
    if (this.apart) return
    const { store, clock } = this.facts
    const revision = (this.revision ?? 0) + 1
    const record: MetaRecord = { kind: KIND, key: this.key, revision, value, expiresAt: clock.now() + ms }
    const written = await store.setMeta(record, this.revision)
    if (written.ok) this.revision = revision
    else if ('error' in written) throw written.error
    else this.apart = true
  }
}
