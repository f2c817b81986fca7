/** Deeper than this a value may be a cycle: from here on, what was seen is remembered. */
const CAREFUL_DEPTH = 100

/**
 * Freezes a value in place, all the way down: plain objects and arrays are frozen, Date, Map and Set get mutators that
 * throw. Instances of other classes are left alone.
 *
 * @returns whether the value holds a Uint8Array, whose bytes no freezing protects: its readers need copies
 */
export function freezeDeep(value: unknown): boolean {
  return typeof value === 'object' && value !== null && freezeObject(value, 0, undefined)
}

function freezeObject(value: object, depth: number, seen: Set<object> | undefined): boolean {
  if (depth > CAREFUL_DEPTH) {
    seen ??= new Set()
    if (seen.has(value)) return false
    seen.add(value)
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return freezeMembers(value, depth, seen)
  if (Array.isArray(value)) return prototype === Array.prototype && freezeItems(value, depth, seen)
  if (value instanceof Date) lock(value, DATE_MUTATORS)
  else if (value instanceof Map) return freezeMap(value, depth, seen)
  else if (value instanceof Set) return freezeSet(value, depth, seen)
  else return value instanceof Uint8Array
  return false
}

function freezeMembers(value: object, depth: number, seen: Set<object> | undefined): boolean {
  let bytes = false
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (typeof member === 'object' && member !== null && freezeObject(member, depth + 1, seen)) bytes = true
  }
  Object.freeze(value)
  return bytes
}

function freezeItems(value: readonly unknown[], depth: number, seen: Set<object> | undefined): boolean {
  let bytes = false
  for (const item of value) {
    if (typeof item === 'object' && item !== null && freezeObject(item, depth + 1, seen)) bytes = true
  }
  Object.freeze(value)
  return bytes
}

function freezeMap(value: Map<unknown, unknown>, depth: number, seen: Set<object> | undefined): boolean {
  let bytes = false
  for (const [key, item] of value) {
    if (typeof key === 'object' && key !== null && freezeObject(key, depth + 1, seen)) bytes = true
    if (typeof item === 'object' && item !== null && freezeObject(item, depth + 1, seen)) bytes = true
  }
  lock(value, MAP_MUTATORS)
  return bytes
}

function freezeSet(value: Set<unknown>, depth: number, seen: Set<object> | undefined): boolean {
  let bytes = false
  for (const item of value) {
    if (typeof item === 'object' && item !== null && freezeObject(item, depth + 1, seen)) bytes = true
  }
  lock(value, SET_MUTATORS)
  return bytes
}

const MAP_MUTATORS = ['set', 'delete', 'clear']
const SET_MUTATORS = ['add', 'delete', 'clear']
const DATE_MUTATORS = Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set'))

/** Freezing such an object does not stop its methods, which change what is inside: they are covered by ones that throw. */
function lock(value: object, mutators: readonly string[]): void {
  if (Object.isFrozen(value)) return
  for (const name of mutators) Object.defineProperty(value, name, { value: refuse })
  Object.freeze(value)
}

function refuse(): never {
  throw new TypeError('Data are values and cannot be changed: make a new one instead.')
}

/** A copy of a frozen value in which every Uint8Array is a fresh one; what holds none is shared. */
export function copyBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return value.slice()
  if (Array.isArray(value)) return Object.freeze(value.map(copyBytes))
  if (value instanceof Map) {
    const copy = new Map(Array.from(value, ([key, item]) => [copyBytes(key), copyBytes(item)]))
    lock(copy, MAP_MUTATORS)
    return copy
  }
  if (value instanceof Set) {
    const copy = new Set(Array.from(value, copyBytes))
    lock(copy, SET_MUTATORS)
    return copy
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  const copy = Object.create(prototype) as object
  for (const [key, member] of Object.entries(value)) {
    // Defined, not assigned: an own member named __proto__ would set the prototype.
    Object.defineProperty(copy, key, { value: copyBytes(member), enumerable: true })
  }
  return Object.freeze(copy)
}
