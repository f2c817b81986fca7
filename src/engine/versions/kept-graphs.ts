import { differences } from '../../graph/difference.ts'
import type { Graph } from '../../graph/graph.ts'
import { graphOfManifest, manifestOf, readManifest } from '../../graph/manifest.ts'
import type { Manifest } from '../../graph/manifest.ts'
import type { DataStore, Header, MetaRecord } from '../../stores/contract.ts'
import { headersOf, OPEN_STATUSES } from './census.ts'

/** Kind of the meta records that keep graphs. */
const KIND = 'polaris-graph'
/** So many graphs are kept that a version had before. */
const FORMER = 10

/** What is kept of a version: its graph, and those it had before, the last one first. */
interface Kept {
  readonly manifest: Manifest
  readonly former: readonly Manifest[]
}

/** A version whose graph is another one than that in the store, while open instances depend on the latter. */
export interface Changed {
  readonly workflow: string
  readonly version: number
  /** What is so in the newer graph, in words. */
  readonly differences: readonly string[]
  /** One of the open instances. */
  readonly id: string
}

/**
 * The graphs of all versions that were ever begun with, beside the instances: so that a graph that changed without its version is
 * found before it does harm, and what an instance was begun with is known where its code is not.
 */
export class KeptGraphs {
  private readonly store: DataStore
  private readonly known = new Map<string, Promise<Graph | undefined>>()

  constructor(store: DataStore) {
    this.store = store
  }

  /**
   * Keeps a graph, in the place of one that no open instance depends on. Any number of processes may do so at once.
   *
   * @param accepts takes the place of the other one in any case
   * @returns what stands in its way, or the graphs that the version had before
   */
  async keep(graph: Graph, accepts: boolean): Promise<Changed | readonly Graph[]> {
    const manifest = manifestOf(graph)
    const { workflow, version, fingerprint } = manifest
    const key = keyOf(workflow, version)
    for (;;) {
      const record = await this.store.meta(KIND, key)
      const kept = record && read(record)
      if (kept?.manifest.fingerprint === fingerprint) return kept.former.map(graphOfManifest)
      if (kept !== undefined && !accepts) {
        const id = await this.dependant(workflow, version, fingerprint)
        if (id !== undefined) {
          return { workflow, version, differences: differences(graphOfManifest(kept.manifest), graph), id }
        }
      }
      const others = kept === undefined ? [] : [kept.manifest, ...kept.former]
      const former = others.filter((other) => other.fingerprint !== fingerprint).slice(0, FORMER)
      const value = JSON.stringify({ manifest, former } satisfies Kept)
      const revision = (record?.revision ?? 0) + 1
      const written = await this.store.setMeta(
        { kind: KIND, key, revision, value, expiresAt: null },
        record?.revision ?? null,
      )
      if (written.ok) return former.map(graphOfManifest)
      if ('error' in written) throw written.error
      // Another process was faster, mostly with the same graph: each time this loses, one is through.
    }
  }

  /** The graph of a version by its fingerprint, as far as it is kept. Builders of such a graph do nothing. */
  graphOf(header: Pick<Header, 'workflow' | 'version' | 'fingerprint'>): Promise<Graph | undefined> {
    const key = `${header.fingerprint} ${keyOf(header.workflow, header.version)}`
    const known = this.known.get(key)
    if (known !== undefined) return known
    const found = this.find(header)
    this.known.set(key, found)
    // One that is not there may come, and trouble may pass.
    const forget = (): void => void this.known.delete(key)
    found.then((graph) => graph ?? forget(), forget)
    return found
  }

  private async find({ workflow, version, fingerprint }: Pick<Header, 'workflow' | 'version' | 'fingerprint'>) {
    const record = await this.store.meta(KIND, keyOf(workflow, version))
    if (record === undefined) return undefined
    const { manifest, former } = read(record)
    const found = [manifest, ...former].find((kept) => kept.fingerprint === fingerprint)
    return found && graphOfManifest(found)
  }

  /** An open instance of a version that has another graph. Where instances cannot be listed, there may always be one. */
  private async dependant(workflow: string, version: number, fingerprint: string): Promise<string | undefined> {
    if (!this.store.capabilities.lists) return ''
    for await (const { headers } of headersOf(this.store, { workflow, version, status: OPEN_STATUSES })) {
      const found = headers.find((header) => header.fingerprint !== fingerprint)
      if (found !== undefined) return found.id
    }
    return undefined
  }
}

/** Names are of 200 characters at most, and a version of 16. */
function keyOf(workflow: string, version: number): string {
  return `${version} ${workflow}`
}

function read({ value }: MetaRecord): Kept {
  const { manifest, former } = JSON.parse(value) as Kept
  return { manifest: readManifest(manifest), former: former.map(readManifest) }
}
