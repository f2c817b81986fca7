/** A user's functions as a place for documents: keys, errors, and changes that do not get in each other's way. */
import { createHash } from 'node:crypto'
import { describeValue, isPolarisError, PolarisError } from '../../graph/errors.ts'
import type { Awaitable } from '../contract.ts'
import { type Document, readDocument, type Step, writeDocument } from './document.ts'

export interface KeyValueFunctions {
  /** The text under a key; `undefined` or `null` where there is none. */
  readonly read: (key: string) => Awaitable<string | null | undefined>
  /** Sets the text under a key; resolves when it is kept as durably as the client can. */
  readonly write: (key: string, text: string) => Awaitable<unknown>
  /**
   * Sets the text under a key if `expected` is what it holds (`undefined`: nothing), in one step that no other process
   * can come between; answers whether it did. Given, several processes may share the keys, and `write` is not used.
   */
  readonly compareAndSet?: (key: string, expected: string | undefined, text: string) => Awaitable<boolean>
  /**
   * Deletes a key. With `compareAndSet`: if `expected` is what it holds, in one step like that, and answers whether it did.
   * Left out, a short text stays under the key of an instance that is gone.
   */
  readonly remove?: (key: string, expected: string) => Awaitable<unknown>
  /** All keys that begin with a prefix, in any order. Given, instances can be listed and workers find what is due. */
  readonly list?: (prefix: string) => Awaitable<readonly string[]>
}

export interface KeyValueMedium {
  get(id: string): Promise<Document | undefined>
  /** Every document. Reads them all. */
  all(): Promise<readonly Document[]>
  /** Takes a step, again and again until no other process came between reading and writing. */
  take<A>(id: string, step: (document: Document | undefined) => Step<A>): Promise<A>
}

const READ_AT_ONCE = 16
/** Each lost attempt means that another process had its change: this many in a row mean that something is wrong. */
const ATTEMPTS = 100
const LONGEST_PAUSE_MS = 20

export function makeMedium(functions: KeyValueFunctions, prefix: string): KeyValueMedium {
  const { read, write, compareAndSet, remove, list } = functions
  const inTurn = makeTurnstile()

  const getText = async (key: string): Promise<string | undefined> => {
    const text: unknown = await guarded('read', () => read(key))
    if (typeof text === 'string') return text
    if (text === undefined || text === null) return undefined
    const message = `keyValueStore: \`read\` has to give the text that was written; for '${key}' it gave ${describeValue(text)}.`
    throw new PolarisError('STORE_INVALID', message)
  }
  const getNow = async (key: string): Promise<Document | undefined> => {
    const text = await getText(key)
    return text === undefined ? undefined : readDocument(key, text)
  }
  // What can only write may be read half written (unstorage's files are): then a reader waits as a writer does.
  const getDocument = (key: string): Promise<Document | undefined> =>
    compareAndSet === undefined ? inTurn(key, () => getNow(key)) : getNow(key)
  const set = async (key: string, before: string | undefined, next: Document | null): Promise<boolean> => {
    if (next === null && before !== undefined && remove !== undefined) {
      const removed = await guarded('remove', () => remove(key, before))
      return compareAndSet === undefined || removed === true
    }
    const text = writeDocument(next)
    if (compareAndSet !== undefined) return guarded('compareAndSet', () => compareAndSet(key, before, text))
    await guarded('write', () => write(key, text))
    return true
  }
  return {
    get: (id) => getDocument(keyOf(prefix, id)),
    async all() {
      if (list === undefined) throw notListed()
      const keys = (await guarded('list', () => list(prefix))).filter((key) => key.startsWith(prefix))
      const documents: Document[] = []
      for (let start = 0; start < keys.length; start += READ_AT_ONCE) {
        const some = await Promise.all(keys.slice(start, start + READ_AT_ONCE).map(getDocument))
        documents.push(...some.filter((one) => one !== undefined))
      }
      return documents
    },
    take(id, step) {
      const key = keyOf(prefix, id)
      return inTurn(key, async () => {
        for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
          const before = await getText(key)
          const { answer, next } = step(before === undefined ? undefined : readDocument(key, before))
          if (next === undefined || (await set(key, before, next))) return answer
          const pause = Math.random() * Math.min(attempt, LONGEST_PAUSE_MS)
          await new Promise((done) => setTimeout(done, pause))
        }
        const message = `keyValueStore: \`compareAndSet\` refused '${key}' ${ATTEMPTS} times, each with what \`read\` had just given.`
        throw new PolarisError('STORE_UNAVAILABLE', message)
      })
    },
  }
}

function notListed(): PolarisError {
  const message = 'This keyValueStore was made without `list`: it cannot go through all instances. Give it one.'
  return new PolarisError('STORE_INVALID', message)
}

/** What the user's functions throw becomes the store's own error, unless it is one already. */
async function guarded<T>(name: string, call: () => Awaitable<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    if (isPolarisError(cause)) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new PolarisError('STORE_UNAVAILABLE', `keyValueStore: \`${name}\` failed. (${reason})`, { cause })
  }
}

/** One after the other for each key, in the order called. */
function makeTurnstile(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const lasts = new Map<string, Promise<unknown>>()
  return (key, work) => {
    const before = lasts.get(key)
    const result = before === undefined ? work() : before.then(work)
    const last = result.then(
      () => forget(),
      () => forget(),
    )
    const forget = (): void => {
      if (lasts.get(key) === last) lasts.delete(key)
    }
    lasts.set(key, last)
    return result
  }
}

/** Characters of a key that stay as they are: lower case only, since file systems may not tell the cases apart. */
const PLAIN = /[^a-z0-9_-]/g
/** Names of files may have 255 characters. */
const LONGEST_KEY = 180

/** Each id has a key of its own, of characters that mean nothing to any client or file system. */
export function keyOf(prefix: string, id: string): string {
  const name = id.replace(PLAIN, (character) => `=${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  if (name.length <= LONGEST_KEY) return prefix + name
  const digest = createHash('sha256').update(id, 'utf16le').digest('hex')
  return `${prefix}${name.slice(0, LONGEST_KEY - digest.length - 1)}.${digest}`
}
