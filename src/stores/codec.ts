/**
 * Values to text and back. Plain JSON text where JSON suffices; otherwise `~` and a JSON text in which arrays that begin
 * with a `$…` string stand for what JSON cannot hold. The same value always gives the same text.
 *
 * Our own because devalue 6.0.3, the best of those tried, refuses what rule 20 promises ("Cannot stringify objects with
 * __proto__ keys"), loses the prototype-less kind of object, and takes twice as long for values that JSON can hold.
 */
import { describeIssues, describeValue, type Issue, PolarisError } from '../graph/errors.ts'

/** A value that cannot be stored, with the path of the member at fault. Internal: the engine turns it into its own. */
export class EncodingRefused extends Error {
  override readonly name = 'EncodingRefused'
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[], options?: { readonly cause?: unknown }) {
    super(describeIssues(issues), options)
    this.issues = issues
  }
}

/** Containers within containers. Deeper values are refused, so recursion below cannot exhaust the stack. */
const MAX_DEPTH = 200
/** Shared references are written once per use: 30 levels of `[x, x]` would be 2^30 nodes. */
const MAX_NODES = 10_000_000
const TAGGED = '~'

interface Walk {
  /** Whether the text holds anything that only our own decoder understands. */
  tagged: boolean
  nodes: number
  /** `path[d]` is the member being written at depth d. Entries beyond the current depth are stale. */
  readonly path: PropertyKey[]
  readonly ancestors: object[]
  depth: number
}

/** @throws {@link EncodingRefused} for what cannot come back equal. Reads every member once, so getters cannot cheat. */
export function encode(value: unknown): string {
  const walk: Walk = { tagged: false, nodes: 0, path: [], ancestors: [], depth: 0 }
  try {
    const text = write(value, walk)
    return walk.tagged ? TAGGED + text : text
  } catch (error) {
    if (error instanceof EncodingRefused) throw error
    // The engine's own limit of 512 MiB a string.
    if (error instanceof RangeError && /string length/i.test(error.message)) {
      throw new EncodingRefused([{ message: 'the value is too large to store', path: [] }], { cause: error })
    }
    const message = `threw when it was read (${describeThrown(error)})`
    throw new EncodingRefused([{ message, path: walk.path.slice(0, walk.depth) }], { cause: error })
  }
}

/** Gives back what {@link encode} was given. @throws `STORE_INVALID` for a text that `encode` did not make. */
export function decode(text: string): unknown {
  try {
    return text.startsWith(TAGGED) ? revive(parse(text.slice(TAGGED.length))) : parse(text)
  } catch (error) {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
    const message = `A stored value cannot be read: ${describeThrown(error)}. It begins with ${JSON.stringify(shown)}.`
    throw new PolarisError('STORE_INVALID', message, { cause: error })
  }
}

function write(value: unknown, walk: Walk): string {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      if (Number.isFinite(value) && !Object.is(value, -0)) return `${value}`
      return tag(
        walk,
        Number.isNaN(value) ? '["$nan"]' : value === 0 ? '["$-0"]' : value > 0 ? '["$inf"]' : '["$-inf"]',
      )
    case 'boolean':
      return value ? 'true' : 'false'
    case 'undefined':
      return tag(walk, '["$u"]')
    case 'bigint':
      return tag(walk, `["$n","${value}"]`)
    case 'object':
      return value === null ? 'null' : writeObject(value, walk)
    default:
      return refuse(walk, `${describeValue(value)} cannot be stored`)
  }
}

function writeObject(value: object, walk: Walk): string {
  const { ancestors, depth } = walk
  for (let above = 0; above < depth; above += 1) {
    if (ancestors[above] === value) refuse(walk, 'refers back to a value that contains it')
  }
  if (depth >= MAX_DEPTH) refuse(walk, `is nested more than ${MAX_DEPTH} levels deep`)
  ancestors[depth] = value
  walk.depth = depth + 1
  const text = writeContainer(value, walk)
  walk.depth = depth
  return text
}

function writeContainer(value: object, walk: Walk): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return writePlain(value as Record<string, unknown>, walk)
  if (Array.isArray(value) && prototype === Array.prototype) return writeArray(value, walk)
  if (prototype === null) return tag(walk, `["$o",${writePlain(value as Record<string, unknown>, walk)}]`)
  if (prototype === Date.prototype) return writeDate(value as Date, walk)
  if (prototype === Map.prototype) return writeMap(value as Map<unknown, unknown>, walk)
  if (prototype === Set.prototype) return writeSet(value as Set<unknown>, walk)
  if (prototype === Uint8Array.prototype) return writeBytes(value as Uint8Array, walk)
  walk.depth -= 1
  return refuse(walk, `${describeValue(value)} cannot be stored: ${hintFor(value)}`)
}

/**
 * Own names, keys and symbols in three calls: 16, 22 and 58 ns for an object of six members, where `Reflect.ownKeys`
 * alone takes 220 and a descriptor for each member (the only other way to be sure of accessors) 31 a member. Members
 * are read once and written at once instead, so that a getter that changes its mind changes nothing.
 */
function writePlain(value: Record<string, unknown>, walk: Walk): string {
  const at = walk.depth - 1
  const keys = Object.keys(value)
  if (Object.getOwnPropertyNames(value).length !== keys.length) refuseHidden(value, walk)
  if (Object.getOwnPropertySymbols(value).length !== 0) refuseSymbols(value, walk)
  count(walk, keys.length)
  let text = '{'
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index] as string
    walk.path[at] = key
    const member = value[key]
    if (index > 0) text += ','
    text += keyText(key) + (typeof member === 'string' ? quote(member) : write(member, walk))
  }
  return `${text}}`
}

/**
 * `Object.keys` finds holes and named members at 38 ns an element; `getOwnPropertyNames` would find a hidden member as
 * well, at 135.
 */
function writeArray(value: readonly unknown[], walk: Walk): string {
  const { length } = value
  count(walk, length)
  if (Object.keys(value).length !== length) refuseOddArray(value, walk)
  if (Object.getOwnPropertySymbols(value).length !== 0) refuseSymbols(value, walk)
  if (length > LONG_ARRAY) return writeLongArray(value, walk)
  let text = '['
  for (let index = 0; index < length; index += 1) {
    const element = readElement(value, index, walk)
    text += writeElement(element, index, walk)
  }
  return `${text}]`
}

const LONG_ARRAY = 32

/** Long arrays are mostly numbers: read once into a copy, 100,000 of them take `JSON.stringify` 4 ms and us 13. */
function writeLongArray(value: readonly unknown[], walk: Walk): string {
  const copy: unknown[] = []
  let numbers = true
  for (let index = 0; index < value.length; index += 1) {
    const element = readElement(value, index, walk)
    if (typeof element !== 'number' || !Number.isFinite(element) || Object.is(element, -0)) numbers = false
    copy.push(element)
  }
  if (numbers) return JSON.stringify(copy)
  let text = '['
  for (let index = 0; index < copy.length; index += 1) {
    walk.path[walk.depth - 1] = index
    text += writeElement(copy[index], index, walk)
  }
  return `${text}]`
}

function readElement(value: readonly unknown[], index: number, walk: Walk): unknown {
  walk.path[walk.depth - 1] = index
  const element = value[index]
  // A hole and a member besides the elements cancel out in the count of keys.
  if (element === undefined && !Object.hasOwn(value, index)) refuseOddArray(value, walk)
  return element
}

function writeElement(element: unknown, index: number, walk: Walk): string {
  if (index > 0) return `,${write(element, walk)}`
  // An array of the user's that looks like a tag gets a tag of its own.
  const lookalike = typeof element === 'string' && element.startsWith('$')
  return lookalike ? tag(walk, `"$",${quote(element)}`) : write(element, walk)
}

function writeDate(value: Date, walk: Walk): string {
  refuseOwnMembers(value, Date.prototype, walk)
  const time = Date.prototype.getTime.call(value)
  return tag(walk, `["$d",${Number.isNaN(time) ? 'null' : time}]`)
}

function writeMap(value: Map<unknown, unknown>, walk: Walk): string {
  refuseOwnMembers(value, Map.prototype, walk)
  const at = walk.depth - 1
  let text = '["$m"'
  // The prototype's own forEach: a value whose `entries` was replaced shall not decide what is stored.
  Map.prototype.forEach.call(value, (member: unknown, key: unknown) => {
    count(walk, 2)
    walk.path[at] = typeof key === 'string' || typeof key === 'number' ? key : '(a key)'
    text += `,${write(key, walk)},${write(member, walk)}`
  })
  return tag(walk, `${text}]`)
}

function writeSet(value: Set<unknown>, walk: Walk): string {
  refuseOwnMembers(value, Set.prototype, walk)
  const at = walk.depth - 1
  let text = '["$s"'
  let index = 0
  Set.prototype.forEach.call(value, (member: unknown) => {
    count(walk, 1)
    walk.path[at] = index
    index += 1
    text += `,${write(member, walk)}`
  })
  return tag(walk, `${text}]`)
}

/** Own members of a typed array are not looked for: listing its keys makes a string of every byte's index. */
function writeBytes(value: Uint8Array, walk: Walk): string {
  const base64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  return tag(walk, `["$b","${base64}"]`)
}

function tag(walk: Walk, text: string): string {
  walk.tagged = true
  return text
}

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/

/** `JSON.stringify` for what needs escapes, lone surrogates and NUL included; a test is cheaper than the call for the rest. */
export function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`
}

/** `"name":` of keys seen before. Bounded in number and length, since keys may be data. */
const keyTexts = new Map<string, string>()
const MAX_KEY_TEXTS = 4096

function keyText(key: string): string {
  const known = keyTexts.get(key)
  if (known !== undefined) return known
  const text = `${quote(key)}:`
  if (keyTexts.size < MAX_KEY_TEXTS && key.length <= 64) keyTexts.set(key, text)
  return text
}

function count(walk: Walk, members: number): void {
  walk.nodes += members
  if (walk.nodes <= MAX_NODES) return
  const message = `the value has more than ${MAX_NODES} members (shared references count once per use)`
  throw new EncodingRefused([{ message, path: [] }])
}

function refuse(walk: Walk, message: string): never {
  throw new EncodingRefused([{ message, path: walk.path.slice(0, walk.depth) }])
}

function refuseAt(walk: Walk, key: PropertyKey, message: string): never {
  walk.path[walk.depth - 1] = key
  return refuse(walk, message)
}

function refuseSymbols(value: object, walk: Walk): never {
  const [symbol] = Object.getOwnPropertySymbols(value)
  return refuseAt(walk, symbol ?? '', 'a member named by a symbol cannot be stored')
}

function refuseHidden(value: object, walk: Walk): never {
  const hidden = Object.getOwnPropertyNames(value).find(
    (name) => !Object.prototype.propertyIsEnumerable.call(value, name),
  )
  return refuseAt(walk, hidden ?? '', 'a member that is not enumerable would be lost')
}

function refuseOddArray(value: readonly unknown[], walk: Walk): never {
  for (let index = 0; index < value.length; index += 1) {
    if (!Object.hasOwn(value, index)) refuseAt(walk, index, 'an array with holes cannot be stored; use null')
  }
  const extra = Object.getOwnPropertyNames(value).find((name) => name !== 'length' && !isIndex(name, value.length))
  return refuseAt(walk, extra ?? '', 'a member that an array has besides its elements would be lost')
}

function isIndex(name: string, length: number): boolean {
  const index = Number(name)
  return Number.isInteger(index) && index >= 0 && index < length && String(index) === name
}

/**
 * Dates, maps and sets carry no members of their own, except functions that hide one of their type's methods and are
 * not enumerable: that is how the engine locks them (rule 19).
 */
function refuseOwnMembers(value: object, prototype: object, walk: Walk): void {
  const names = Object.getOwnPropertyNames(value)
  if (names.length === 0 && Object.getOwnPropertySymbols(value).length === 0) return
  for (const key of Reflect.ownKeys(value)) {
    const member = Object.getOwnPropertyDescriptor(value, key)
    const lock = member?.enumerable === false && typeof member.value === 'function' && key in prototype
    if (!lock) refuseAt(walk, key, `a member of its own that ${describeValue(value)} has would be lost`)
  }
}

function hintFor(value: object): string {
  if (Buffer.isBuffer(value)) return 'wrap it in `new Uint8Array(buffer)`'
  if (Array.isArray(value)) return 'it is of a class of its own; use a plain array'
  if (value instanceof Promise) return 'await it first'
  if (value instanceof Error) return 'keep its name and message in a plain object'
  return 'use plain objects, arrays, Date, Map, Set and Uint8Array'
}

function describeThrown(error: unknown): string {
  return error instanceof Error ? error.message : describeValue(error)
}

type Parsed = string | number | boolean | null | Parsed[] | { [key: string]: Parsed }

function parse(text: string): Parsed {
  return JSON.parse(text) as Parsed
}

/** Works in place on what `JSON.parse` made. */
function revive(value: Parsed): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (!Array.isArray(value)) return reviveMembers(value)
  const [first] = value
  if (typeof first === 'string' && first.startsWith('$')) return reviveTagged(first, value)
  return reviveElements(value)
}

function reviveMembers(value: { [key: string]: unknown }): object {
  for (const key of Object.keys(value)) {
    const member = value[key]
    // `__proto__` is an own member here, made by JSON.parse: assigning to it changes that member, not the prototype.
    if (typeof member === 'object' && member !== null) value[key] = revive(member as Parsed)
  }
  return value
}

function reviveElements(value: unknown[]): unknown[] {
  for (let index = 0; index < value.length; index += 1) {
    const element = value[index]
    if (typeof element === 'object' && element !== null) value[index] = revive(element as Parsed)
  }
  return value
}

function reviveTagged(name: string, value: Parsed[]): unknown {
  switch (name) {
    case '$':
      return reviveElements(value.slice(1))
    case '$u':
      return undefined
    case '$nan':
      return Number.NaN
    case '$inf':
      return Number.POSITIVE_INFINITY
    case '$-inf':
      return Number.NEGATIVE_INFINITY
    case '$-0':
      return -0
    case '$n':
      return BigInt(value[1] as string)
    case '$d':
      return new Date((value[1] as number | null) ?? Number.NaN)
    case '$m':
      return reviveMap(value)
    case '$s':
      return new Set(reviveElements(value.slice(1)))
    case '$b':
      // A copy: Buffer's memory may be a slice of a pool that others share.
      return new Uint8Array(Buffer.from(value[1] as string, 'base64'))
    case '$o':
      return Object.setPrototypeOf(reviveMembers(value[1] as { [key: string]: Parsed }), null)
    default:
      throw new Error(`unknown kind of value ${JSON.stringify(name)}, perhaps from a newer version`)
  }
}

function reviveMap(value: Parsed[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>()
  for (let index = 1; index < value.length; index += 2) {
    map.set(revive(value[index] as Parsed), revive(value[index + 1] as Parsed))
  }
  return map
}
