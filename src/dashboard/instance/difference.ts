/** Where two values differ, member by member. Pure; own members only, whatever they are called. */
export interface Change {
  readonly path: readonly string[]
  readonly before?: unknown
  readonly after?: unknown
}

type Members = Readonly<Record<string, unknown>>

/** @param most enough of them */
export function changesBetween(before: unknown, after: unknown, most: number): Change[] {
  const changes: Change[] = []
  const compare = (one: unknown, other: unknown, path: readonly string[]): void => {
    if (changes.length >= most || Object.is(one, other)) return
    if (!isMembers(one) || !isMembers(other) || Array.isArray(one) !== Array.isArray(other)) {
      changes.push({ path, before: one, after: other })
      return
    }
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
      if (changes.length >= most) return
      if (!Object.hasOwn(other, key)) changes.push({ path: [...path, key], before: one[key] })
      else if (!Object.hasOwn(one, key)) changes.push({ path: [...path, key], after: other[key] })
      else compare(one[key], other[key], [...path, key])
    }
  }
  compare(before, after, [])
  return changes
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null
}
