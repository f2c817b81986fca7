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
      name: store.name,
      capabilities: store.capabilities,
      read: (id) => (dead ? never() : store.read(id)),
      list: (query) => (dead ? never() : store.list(query)),
      history: (id, query) => (dead ? never() : store.history(id, query)),
      append: (appends) => (dead ? never() : store.append(appends)),
      mail: (id, query) => (dead ? never() : store.mail(id, query)),
      request: (id, requestId) => (dead ? never() : store.request(id, requestId)),
      claim: (query) => (dead ? never() : store.claim(query)),
      prune: (handledBefore, limit) => (dead ? never() : store.prune(handledBefore, limit)),
      close: () => undefined,
      write(changes) {
        if (dead) return never()
        writes++
        return writes < fatal ? store.write(changes) : write(changes)
      },
    },
  }
}
