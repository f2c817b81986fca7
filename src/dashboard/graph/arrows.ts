import type { Box, Layout, PlacedNode } from './layout.ts'

/** The node that an arrow key leads to: the nearest in that direction, those that lie straight ahead first. */
export function neighbour({ nodes }: Layout, from: string | undefined, key: string): PlacedNode | undefined {
  const origin = nodes.find(({ id }) => id === from)
  if (origin === undefined) return nodes[0]
  const [x, y] = middle(origin.box)
  let best: PlacedNode | undefined
  let least = Infinity
  for (const node of nodes) {
    if (node === origin) continue
    const [toX, toY] = middle(node.box)
    const [dx, dy] = [toX - x, toY - y]
    const [ahead, aside] =
      key === 'ArrowRight' ? [dx, dy] : key === 'ArrowLeft' ? [-dx, dy] : key === 'ArrowDown' ? [dy, dx] : [-dy, dx]
    if (ahead <= 1) continue
    const cost = ahead + 2.5 * Math.abs(aside)
    if (cost >= least) continue
    least = cost
    best = node
  }
  return best
}

function middle({ x, y, width, height }: Box): readonly [number, number] {
  return [x + width / 2, y + height / 2]
}
