import type { Change, DataStore } from 'polaris-workflow'

/** A store in the hands of a process that is killed at one of its writes. */
export interface Mortal {
  readonly store: DataStore
  /** Resolves when the process has died. */
  readonly death: Promise<'died'>
  /** How often it was asked to write. */
  writes(): number
}

/**
 * From the `fatal`th write on, nothing is answered any more; that write itself still gets to the medium with
 * `'answer lost'`, and no longer with `'unsent'`.
 */
export function mortal(store: DataStore, fatal: number, how: 'unsent' | 'answer lost'): Mortal {
  let writes = 0
  let dead = false
  let die: (value: 'died') => void = () => undefined
  const death = new Promise<'died'>((resolve) => (die = resolve))
  const never = (): Promise<never> => new Promise(() => undefined)
  const write = async (changes: readonly Change[]): Promise<never> => {
    dead = true
    if (how === 'answer lost') await store.write(changes)
    die('died')
    return never()
  }
  return {
    death,
    writes: () => writes,
    store: {
      ...silenced(store, () => dead),
      write(changes) {
        if (dead) return never()
        writes++
        return writes < fatal ? store.write(changes) : write(changes)
      },
    },
  }
}

/** The store as a process sees it that may be dead: then nothing is answered any more. Closing it closes nothing. */
export function silenced(store: DataStore, isDead: () => boolean): DataStore {
  const alive = <T>(ask: () => T): T | Promise<never> => (isDead() ? new Promise<never>(() => undefined) : ask())
  return {
    name: store.name,
    capabilities: store.capabilities,
    read: (id) => alive(() => store.read(id)),
    write: (changes) => alive(() => store.write(changes)),
    append: (appends) => alive(() => store.append(appends)),
    remove: (removals) => alive(() => store.remove(removals)),
    mail: (id, query) => alive(() => store.mail(id, query)),
    request: (id, requestId) => alive(() => store.request(id, requestId)),
    claim: (query) => alive(() => store.claim(query)),
    list: (query) => alive(() => store.list(query)),
    history: (id, query) => alive(() => store.history(id, query)),
    prune: (handledBefore, limit) => alive(() => store.prune(handledBefore, limit)),
    meta: (kind, key) => alive(() => store.meta(kind, key)),
    setMeta: (record, expectedRevision) => alive(() => store.setMeta(record, expectedRevision)),
    listMeta: (kind, query) => alive(() => store.listMeta(kind, query)),
    // A dead process may look at its watch.
    ...(store.now !== undefined && { now: store.now.bind(store) }),
    close: () => undefined,
  }
}
