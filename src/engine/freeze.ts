/** Deeper than this a value may be a cycle: from here on, what was seen is remembered. */
const CAREFUL_DEPTH = 100

/**
 * Freezes a value in place, all the way down: plain objects and arrays are frozen, Date, Map and Set get mutators that
 * throw. Instances of other classes are left alone.
 *
 * @throws for a Date, Map or Set that somebody else froze, and for what cannot be read
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

const MAP_MUTATORS = ['set', 'delete', 'clear'] as const
const SET_MUTATORS = ['add', 'delete', 'clear'] as const
const DATE_MUTATORS = [
  'setTime',
  ...Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set') && name !== 'setTime'),
] as const

/** Freezing such an object does not stop its methods, which change what is inside: they are covered by ones that throw. */
function lock(value: object, mutators: readonly [string, ...string[]]): void {
  if (!Object.isExtensible(value)) {
    if (Object.hasOwn(value, mutators[0])) return
    const kind = value.constructor.name
    throw new TypeError(
      `a frozen ${kind} can still be changed and no more be protected: hand over one that is not frozen`,
    )
  }
  for (const name of mutators) Object.defineProperty(value, name, { value: refuse })
  Object.freeze(value)
}

function refuse(): never {
  throw new TypeError('Data are values and cannot be changed: make a new one instead.')
}

/** A copy of a frozen value in which every Uint8Array is a fresh one. Class instances are shared. */
export function copyBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return value instanceof Uint8Array ? freshBytes(value) : copyObject(value, new Map())
}

/** Not its own `slice`: that of a Buffer shares the memory. */
function freshBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes)
}

/** @param copies those made so far, since a live value may be a cycle */
function copyObject(value: object, copies: Map<object, object>): object {
  const known = copies.get(value)
  if (known !== undefined) return known
  const copyOf = (member: unknown): unknown =>
    typeof member === 'object' && member !== null ? copyObject(member, copies) : member
  const keep = <T extends object>(copy: T): T => {
    copies.set(value, copy)
    return copy
  }
  if (value instanceof Uint8Array) return keep(freshBytes(value))
  if (value instanceof Map) {
    const copy = keep(new Map())
    for (const [key, item] of value) copy.set(copyOf(key), copyOf(item))
    lock(copy, MAP_MUTATORS)
    return copy
  }
  if (value instanceof Set) {
    const copy = keep(new Set())
    for (const item of value) copy.add(copyOf(item))
    lock(copy, SET_MUTATORS)
    return copy
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value
    if (prototype !== Array.prototype) return items
    const copy = keep(new Array<unknown>(items.length))
    items.forEach((item, i) => (copy[i] = copyOf(item)))
    return Object.freeze(copy)
  }
  if (prototype !== Object.prototype && prototype !== null) return value
  return copyMembers(value, keep(Object.create(prototype) as object), copyOf)
}

function copyMembers(value: object, copy: object, copyOf: (member: unknown) => unknown): object {
  for (const key of Reflect.ownKeys(value)) {
    const member = Object.getOwnPropertyDescriptor(value, key) as PropertyDescriptor
    if ('value' in member) member.value = copyOf(member.value)
    // Defined, not assigned: an own member named __proto__ would set the prototype.
    Object.defineProperty(copy, key, member)
  }
  return Object.freeze(copy)
}
