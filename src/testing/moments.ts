/** Moments to come, each once, the earliest first: a heap. */
export class Moments {
  private readonly known = new Set<number>()
  private readonly heap: number[] = []

  get first(): number {
    return this.heap[0] ?? Infinity
  }

  add(moment: number): void {
    if (this.known.has(moment)) return
    this.known.add(moment)
    const { heap } = this
    let child = heap.push(moment) - 1
    while (child > 0) {
      const parent = (child - 1) >> 1
      if ((heap[parent] as number) <= moment) break
      heap[child] = heap[parent] as number
      child = parent
    }
    heap[child] = moment
  }

  /** Drops those up to a time; answers whether there were any. */
  passed(time: number): boolean {
    let any = false
    while (this.first <= time) {
      this.drop()
      any = true
    }
    return any
  }

  private drop(): void {
    const { heap, known } = this
    known.delete(heap[0] as number)
    const last = heap.pop() as number
    if (heap.length === 0) return
    let parent = 0
    for (let child = 1; child < heap.length; child = 2 * parent + 1) {
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++
      if ((heap[child] as number) >= last) break
      heap[parent] = heap[child] as number
      parent = child
    }
    heap[parent] = last
  }
}
