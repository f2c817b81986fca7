/** For each node, the nodes its edges lead to. */
export type Adjacency = readonly (readonly number[])[]

/**
 * Strongly connected components of more than one node, each in ascending order of node, over the edges that `follows`
 * lets pass. Tarjan's algorithm (1972) with a stack of its own, since a chain may be 100,000 long.
 */
export function components(
  nodes: Iterable<number>,
  next: Adjacency,
  follows: (from: number, to: number) => boolean,
): number[][] {
  const found: number[][] = []
  const index = new Map<number, number>()
  const low = new Map<number, number>()
  const open: number[] = []
  const isOpen = new Set<number>()
  const enter = (node: number): { node: number; edge: number } => {
    index.set(node, index.size)
    low.set(node, index.size - 1)
    open.push(node)
    isOpen.add(node)
    return { node, edge: 0 }
  }
  const lower = (node: number, to: number): void => {
    if (to < (low.get(node) ?? 0)) low.set(node, to)
  }
  for (const root of nodes) {
    if (index.has(root)) continue
    const path = [enter(root)]
    for (let frame = path.at(-1); frame !== undefined; frame = path.at(-1)) {
      const { node } = frame
      const to = next[node]?.[frame.edge++]
      if (to !== undefined) {
        if (!follows(node, to)) continue
        if (!index.has(to)) path.push(enter(to))
        else if (isOpen.has(to)) lower(node, index.get(to) ?? 0)
        continue
      }
      path.pop()
      const parent = path.at(-1)
      if (parent !== undefined) lower(parent.node, low.get(node) ?? 0)
      if (low.get(node) === index.get(node)) {
        const component = open.splice(open.lastIndexOf(node))
        for (const member of component) isOpen.delete(member)
        if (component.length > 1) found.push(component.sort((a, b) => a - b))
      }
    }
  }
  return found
}

/** One shortest cycle through the component's first node, as its nodes in order. */
export function cycleIn(component: readonly number[], next: Adjacency): number[] {
  const start = component[0] ?? 0
  const members = new Set(component)
  const cameFrom = new Map<number, number>()
  const queue = [start]
  for (const node of queue) {
    for (const to of next[node] ?? []) {
      if (to === start) {
        const path = [node]
        for (let back = cameFrom.get(node); back !== undefined; back = cameFrom.get(back)) path.push(back)
        return path.reverse()
      }
      if (!members.has(to) || cameFrom.has(to)) continue
      cameFrom.set(to, node)
      queue.push(to)
    }
  }
  return [start]
}

/**
 * The edges that a workflow with loops takes as ordering nothing: those from a component into its first-declared node,
 * and so on within what remains of the component, until no cycle is left. `from * nodes + to` names an edge.
 */
export function cutEdges(count: number, next: Adjacency): Set<number> {
  const cut = new Set<number>()
  const all = Array.from({ length: count }, (_, node) => node)
  const pending = components(all, next, () => true)
  for (let component = pending.pop(); component !== undefined; component = pending.pop()) {
    const members = new Set(component)
    const first = component[0] ?? 0
    for (const from of component) if (next[from]?.includes(first)) cut.add(from * count + first)
    const follows = (from: number, to: number): boolean => members.has(to) && !cut.has(from * count + to)
    pending.push(...components(component, next, follows))
  }
  return cut
}

/**
 * Nodes by rank: each as early as the edges allow, within a rank in ascending order. Kahn's algorithm (1962).
 *
 * @param follows leaves out edges that order nothing; what it lets pass must be free of cycles
 */
export function ranks(count: number, next: Adjacency, follows: (from: number, to: number) => boolean): number[][] {
  const waiting = new Uint32Array(count)
  for (let from = 0; from < count; from++) {
    for (const to of next[from] ?? []) if (follows(from, to)) waiting[to] = (waiting[to] ?? 0) + 1
  }
  const result: number[][] = []
  let rank = Array.from(waiting.keys()).filter((node) => waiting[node] === 0)
  while (rank.length > 0) {
    result.push(rank)
    const following: number[] = []
    for (const from of rank) {
      for (const to of next[from] ?? []) {
        if (!follows(from, to)) continue
        const left = (waiting[to] ?? 0) - 1
        waiting[to] = left
        if (left === 0) following.push(to)
      }
    }
    rank = following.sort((a, b) => a - b)
  }
  return result
}
