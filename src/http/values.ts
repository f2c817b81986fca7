/**
 * Values as JSON that people and programs can read: what JSON cannot hold comes as the text or list it is closest to. Not
 * meant to be fed back: a schema such as `z.coerce.date()` takes most of it all the same.
 */

const DEEPEST = 250

/**
 * A value as JSON: dates and bigints as text, bytes in base64, sets as lists, maps as lists of pairs. Stores that keep values
 * live may hold anything: what cannot be shown is named, `{ "$unshown": "a function" }`.
 */
export function shown(value: unknown): unknown {
  return show(value, [])
}

function show(value: unknown, above: readonly object[]): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return String(value)
    case 'object':
      return value === null ? null : showObject(value, above)
    default:
      return unshown(`a ${typeof value}`)
  }
}

function showObject(value: object, above: readonly object[]): unknown {
  if (above.includes(value)) return unshown('a cycle')
  if (above.length > DEEPEST) return unshown('too deep')
  const within = [...above, value]
  try {
    if (Array.isArray(value)) return Array.from(value, (each: unknown) => show(each, within) ?? null)
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
    if (value instanceof Uint8Array) return base64(value)
    if (value instanceof Map) {
      return Array.from(value, (pair: readonly unknown[]) => pair.map((each) => show(each, within) ?? null))
    }
    if (value instanceof Set) return Array.from(value, (each: unknown) => show(each, within) ?? null)
    // Without a prototype, so that `__proto__` is a member like any other.
    const members = Object.create(null) as Record<string, unknown>
    for (const [key, member] of Object.entries(value)) members[key] = show(member, within)
    return members
  } catch {
    return unshown('it cannot be read')
  }
}

function unshown(what: string): object {
  return { $unshown: what }
}

function base64(bytes: Uint8Array): string {
  let text = ''
  // Spreading all at once would exceed the stack.
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  return btoa(text)
}
