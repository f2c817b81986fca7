/** Of some names, the one that was probably meant; none if all are too far off. */
function nearest(given: string, names: readonly string[]): string | undefined {
  const lower = given.toLowerCase()
  const far = Math.max(1, Math.floor(given.length / 3))
  let best: { readonly name: string; readonly distance: number } | undefined
  for (const name of names) {
    if (Math.abs(name.length - given.length) > far) continue
    const distance = edits(lower, name.toLowerCase())
    if (distance <= far && distance < (best?.distance ?? Infinity)) best = { name, distance }
  }
  return best?.name
}

/** `Did you mean …?` with a blank before it, or nothing. */
export function didYouMean(given: string, names: readonly string[]): string {
  const name = nearest(given, names)
  return name === undefined ? '' : ` Did you mean ${name}?`
}

/** How many characters have to be put in, taken out, replaced or swapped with the next. */
function edits(from: string, to: string): number {
  let before: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const change = from[i - 1] === to[j - 1] ? 0 : 1
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + change)
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        least = Math.min(least, (before[j - 2] ?? 0) + 1)
      }
      next.push(least)
    }
    before = row
    row = next
  }
  return row[to.length] ?? 0
}
