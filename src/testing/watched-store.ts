import type { Appended, Change, DataStore, Header, Written } from '../index.ts'

/** Who is told what goes through a store. */
export interface Watcher {
  now(): number
  /** An instance may need attention at this time. */
  due(at: number): void
  /** Something was written. */
  changed(): void
  /** Nobody will ask it any more. */
  closed(): void
  /** A call that has not been answered yet. */
  underWay(answer: PromiseLike<unknown>): void
}

type Call = (this: unknown, ...args: unknown[]) => unknown

/** The store, with somebody who watches what goes through it. It does and answers exactly what it would otherwise. */
export function watched(store: DataStore, watcher: Watcher): DataStore {
  const wrapped = new Map<PropertyKey, unknown>()
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      const known = wrapped.get(key)
      if (known !== undefined) return known
      const call = wrap(target, key, value as Call, watcher)
      wrapped.set(key, call)
      return call
    },
  })
}

function wrap(store: DataStore, key: PropertyKey, call: Call, watcher: Watcher): Call {
  return (...args) => {
    if (key === 'close') watcher.closed()
    const answer = call.apply(store, args)
    if (key === 'subscribe') return answer
    const learn = (given: unknown): unknown => {
      notice(key, args[0], given, watcher)
      return given
    }
    if (typeof (answer as Partial<PromiseLike<unknown>> | undefined)?.then !== 'function') return learn(answer)
    const learned = (answer as PromiseLike<unknown>).then(learn)
    watcher.underWay(learned)
    return learned
  }
}

function notice(key: PropertyKey, given: unknown, answer: unknown, watcher: Watcher): void {
  if (key === 'write') {
    const changes = given as readonly Change[]
    for (const [at, written] of (answer as readonly Written[]).entries()) {
      const change = changes[at]
      if (!written.ok || change === undefined) continue
      watcher.changed()
      const { lease, header } = change
      const wakeAt = lease === undefined ? header.wakeAt : watcher.now() + lease
      if (wakeAt !== null) watcher.due(wakeAt)
    }
  } else if (key === 'append') {
    for (const appended of answer as readonly Appended[]) {
      if (!appended.ok) continue
      watcher.changed()
      if (appended.header.wakeAt !== null) watcher.due(appended.header.wakeAt)
    }
  } else if (key === 'claim') {
    for (const { wakeAt } of answer as readonly Header[]) {
      watcher.changed()
      if (wakeAt !== null) watcher.due(wakeAt)
    }
  } else if (key === 'remove') {
    for (const { tombstone } of given as readonly { readonly tombstone?: Header }[]) {
      if (tombstone !== undefined && tombstone.wakeAt !== null) watcher.due(tombstone.wakeAt)
    }
  }
}
