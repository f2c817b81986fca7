/** Adds a node to a binary heap, whose first is the least. */
export function heapPush(heap: number[], node: number): void {
  let child = heap.length
  heap.push(node)
  while (child > 0) {
    const parent = (child - 1) >> 1
    const above = heap[parent] as number
    if (above <= node) break
    heap[child] = above
    child = parent
  }
  heap[child] = node
}

/** Takes the first away. */
export function heapPop(heap: number[]): void {
  const node = heap.pop()
  if (node === undefined || heap.length === 0) return
  let parent = 0
  for (;;) {
    let child = 2 * parent + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++
    if ((heap[child] as number) >= node) break
    heap[parent] = heap[child] as number
    parent = child
  }
  heap[parent] = node
}
