/** A user's functions as a place for documents: keys, errors, and changes that do not get in each other's way. */
import { createHash } from 'node:crypto'
import { describeValue, isPolarisError, PolarisError } from '../../graph/errors.ts'
import type { Awaitable, MetaRecord } from '../contract.ts'
import { type Document, readDocument, readMeta, type Step, writeText } from './document.ts'

/** What {@link keyValueStore} needs of a client. Each may answer at once or with a promise. */
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
  readonly meta: {
    get(kind: string, key: string): Promise<MetaRecord | undefined>
    /** Every record, of one kind if it is named. Reads them all. */
    all(kind?: string): Promise<readonly MetaRecord[]>
    take<A>(kind: string, key: string, step: (record: MetaRecord | undefined) => Step<A, MetaRecord>): Promise<A>
  }
}

type Parse<T> = (key: string, text: string) => T | undefined

const READ_AT_ONCE = 16
/** Each lost attempt means that another process had its change: this many in a row mean that something is wrong. */
const ATTEMPTS = 100
const LONGEST_PAUSE_MS = 20

/** What is under keys, whatever it is. */
interface Storage {
  get<T>(key: string, parse: Parse<T>): Promise<T | undefined>
  /** What is under all keys that begin with `under`, and fit. */
  all<T>(under: string, parse: Parse<T>, fits: (key: string) => boolean): Promise<readonly T[]>
  take<T extends Document | MetaRecord, A>(
    key: string,
    parse: Parse<T>,
    step: (kept: T | undefined) => Step<A, T>,
  ): Promise<A>
}

export function makeMedium(functions: KeyValueFunctions, prefix: string): KeyValueMedium {
  const storage = makeStorage(functions)
  const meta = prefix + META
  const isMeta = (key: string): boolean => key.startsWith(meta)
  return {
    get: (id) => storage.get(keyOf(prefix, id), readDocument),
    all: () => storage.all(prefix, readDocument, (key) => !isMeta(key)),
    take: (id, step) => storage.take(keyOf(prefix, id), readDocument, step),
    meta: {
      get: (kind, key) => storage.get(metaKeyOf(prefix, kind, key), readMeta),
      all: (kind) => storage.all(kind === undefined ? prefix : metaKeyOf(prefix, kind, ''), readMeta, isMeta),
      take: (kind, key, step) => storage.take(metaKeyOf(prefix, kind, key), readMeta, step),
    },
  }
}

function makeStorage(functions: KeyValueFunctions): Storage {
  const { read, write, compareAndSet, remove, list } = functions
  const inTurn = makeTurnstile()

  const getText = async (key: string): Promise<string | undefined> => {
    const text: unknown = await guarded('read', () => read(key))
    if (typeof text === 'string') return text
    if (text === undefined || text === null) return undefined
    const message = `keyValueStore: \`read\` has to give the text that was written; for '${key}' it gave ${describeValue(text)}.`
    throw new PolarisError('STORE_INVALID', message)
  }
  const getNow = async <T>(key: string, parse: Parse<T>): Promise<T | undefined> => {
    const text = await getText(key)
    return text === undefined ? undefined : parse(key, text)
  }
  // What can only write may be read half written (unstorage's files are): then a reader waits as a writer does.
  const get = <T>(key: string, parse: Parse<T>): Promise<T | undefined> =>
    compareAndSet === undefined ? inTurn(key, () => getNow(key, parse)) : getNow(key, parse)
  const all: Storage['all'] = async <T>(under: string, parse: Parse<T>, fits: (key: string) => boolean) => {
    if (list === undefined) throw notListed()
    const found = await guarded('list', () => list(under))
    const keys = found.filter((key) => key.startsWith(under) && fits(key))
    const kept: T[] = []
    for (let start = 0; start < keys.length; start += READ_AT_ONCE) {
      const some = await Promise.all(keys.slice(start, start + READ_AT_ONCE).map((key) => get(key, parse)))
      kept.push(...some.filter((one) => one !== undefined))
    }
    return kept
  }
  const set = async (key: string, before: string | undefined, next: Document | MetaRecord | null): Promise<boolean> => {
    if (next === null && before !== undefined && remove !== undefined) {
      const removed = await guarded('remove', () => remove(key, before))
      return compareAndSet === undefined || removed === true
    }
    const text = writeText(next)
    if (compareAndSet !== undefined) return guarded('compareAndSet', () => compareAndSet(key, before, text))
    await guarded('write', () => write(key, text))
    return true
  }
  const take = <T extends Document | MetaRecord, A>(
    key: string,
    parse: Parse<T>,
    step: (kept: T | undefined) => Step<A, T>,
  ): Promise<A> =>
    inTurn(key, async () => {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const before = await getText(key)
        const { answer, next } = step(before === undefined ? undefined : parse(key, before))
        if (next === undefined || (await set(key, before, next))) return answer
        const pause = Math.random() * Math.min(attempt, LONGEST_PAUSE_MS)
        await new Promise((done) => setTimeout(done, pause))
      }
      const message = `keyValueStore: \`compareAndSet\` refused '${key}' ${ATTEMPTS} times, each with what \`read\` had just given.`
      throw new PolarisError('STORE_UNAVAILABLE', message)
    })
  return { get, all, take }
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
/** What keys of meta records begin with: no id does. */
const META = '+'

/** Each id has a key of its own, of characters that mean nothing to any client or file system. */
export function keyOf(prefix: string, id: string): string {
  const name = id.replace(PLAIN, (character) => `=${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  if (name.length <= LONGEST_KEY) return prefix + name
  const digest = createHash('sha256').update(id, 'utf16le').digest('hex')
  return `${prefix}${name.slice(0, LONGEST_KEY - digest.length - 1)}.${digest}`
}

function metaKeyOf(prefix: string, kind: string, key: string): string {
  return keyOf(`${keyOf(prefix + META, kind)}:`, key)
}
