/** Bits kept for answers given before; beyond it they are found anew each time. */
const REMEMBERED_BITS = 512 * 1024 * 1024

/**
 * Answers whether a path leads from one node to another. Nodes are in topological order: every edge leads upwards.
 *
 * The ancestors of a node are found when they are first asked for and kept as a bit set, so that a graph whose builders
 * never compete (a chain of 100,000) costs nothing, and asking again costs one look-up. Computing all of them ahead
 * would be quadratic in time and memory.
 *
 * @param before for each node, where the edges that end in it begin
 */
export function ancestry(before: readonly (readonly number[])[]): (ancestor: number, of: number) => boolean {
  const known = new Map<number, Uint32Array>()
  let remembered = 0
  const ancestorsOf = (node: number): Uint32Array => {
    const cached = known.get(node)
    if (cached !== undefined) return cached
    const bits = new Uint32Array((node >>> 5) + 1)
    const stack = [node]
    for (let current = stack.pop(); current !== undefined; current = stack.pop()) {
      for (const parent of before[current] ?? []) {
        const word = parent >>> 5
        const bit = 1 << (parent & 31)
        if (((bits[word] ?? 0) & bit) !== 0) continue
        bits[word] = (bits[word] ?? 0) | bit
        stack.push(parent)
      }
    }
    if (remembered < REMEMBERED_BITS) {
      known.set(node, bits)
      remembered += node
    }
    return bits
  }
  return (ancestor, of) => {
    if (ancestor >= of) return false
    return ((ancestorsOf(of)[ancestor >>> 5] ?? 0) & (1 << (ancestor & 31))) !== 0
  }
}
