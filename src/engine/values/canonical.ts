import { encode, EncodingRefused } from '../../stores/codec.ts'

/**
 * A text that is the same for equal values (rule 20). The order of an object's members does not count; that of a Map or a Set
 * does.
 *
 * @throws {@link EncodingRefused} for what has no text
 */
export function canonicalText(value: unknown): string {
  const text = encode(value)
  return text.startsWith('~') ? `~${inOrder(text.slice(1))}` : inOrder(text)
}

/** Whether two values are equal by rule 20. What has no text is equal only to itself. */
export function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  try {
    return canonicalText(one) === canonicalText(other)
  } catch (error) {
    if (error instanceof EncodingRefused) return false
    throw error
  }
}

function inOrder(text: string): string {
  return JSON.stringify(JSON.parse(text), (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
