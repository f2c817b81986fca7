/** Deeper than this, or with more members than that, a value may be a cycle or share its parts many times over. */
const PLAIN_DEPTH = 100
const PLAIN_OBJECTS = 10_000

let left = 0

/**
 * Freezes a value in place, all the way down: plain objects and arrays are frozen, Date, Map and Set get mutators that
 * throw. Instances of other classes are left alone.
 *
 * @throws for a Date, Map or Set that somebody else froze, and for what cannot be read
 * @returns whether the value holds a Uint8Array, whose bytes no freezing protects: its readers need copies
 */
export function freezeDeep(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  left = PLAIN_OBJECTS
  return !freezePlain(value, 0) && freezeAny(value)
}

/** The quick way for plain objects and arrays; says whether it got to the end. It remembers nothing of what it saw. */
function freezePlain(value: object, depth: number): boolean {
  if (depth > PLAIN_DEPTH || left-- === 0) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    for (const key in value) {
      const member = (value as Record<string, unknown>)[key]
      if (typeof member === 'object' && member !== null && !freezePlain(member, depth + 1)) return false
    }
  } else if (prototype === Array.prototype && Array.isArray(value)) {
    for (const item of value as readonly unknown[]) {
      if (typeof item === 'object' && item !== null && !freezePlain(item, depth + 1)) return false
    }
  } else return false
  Object.freeze(value)
  return true
}

/** The way for everything: no recursion, and every object once, however deep, cyclic or shared. */
function freezeAny(root: object): boolean {
  const reached = new Set<object>([root])
  let bytes = false
  for (const value of reached) {
    for (const member of membersOf(value)) if (typeof member === 'object' && member !== null) reached.add(member)
    if (value instanceof Uint8Array) bytes = true
    else shut(value)
  }
  return bytes
}

function membersOf(value: object): Iterable<unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return Object.values(value) as unknown[]
  if (prototype === Array.prototype && Array.isArray(value)) return value as readonly unknown[]
  if (value instanceof Map) return [...value.keys(), ...value.values()] as unknown[]
  return value instanceof Set ? value : []
}

function shut(value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (value instanceof Date) lock(value, DATE_MUTATORS)
  else if (value instanceof Map) lock(value, MAP_MUTATORS)
  else if (value instanceof Set) lock(value, SET_MUTATORS)
  else if (prototype === Object.prototype || prototype === null || prototype === Array.prototype) Object.freeze(value)
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
