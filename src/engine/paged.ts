const SHIFT = 5
const SIZE = 1 << SHIFT
const MASK = SIZE - 1

/**
 * A sparse array of fixed length that can be photographed.
 *
 * An instance of a graph of 10,000 builders touches a few slots per scope, and keeps many instances warm: pages are made
 * when first written, so that neither time nor memory follows the size of the graph. A plain array of 10,000 took 10 µs to
 * make, four times the scope of five builders it was made for; a Map took 4 times as long per access as this.
 *
 * `snapshot` shares all pages with the original, which copies a page when it next writes to it.
 */
export class Paged<T> {
  private pages: (T | undefined)[][]
  /** The epoch in which each page was made or copied: older ones are shared with a snapshot. */
  private epochs: number[]
  private epoch = 0
  private shared = false
  private readonly length: number

  /** @param from the array to photograph; without it, an empty one */
  constructor(length: number, from?: Paged<T>) {
    this.length = length
    this.pages = from === undefined ? new Array<T[]>(((length - 1) >>> SHIFT) + 1) : from.pages
    this.epochs = from === undefined ? new Array<number>(this.pages.length) : from.epochs
  }

  get(index: number): T | undefined {
    const page = this.pages[index >>> SHIFT]
    return page === undefined ? undefined : page[index & MASK]
  }

  set(index: number, value: T | undefined): void {
    const number = index >>> SHIFT
    const page = this.pages[number]
    if (page !== undefined && this.epochs[number] === this.epoch) page[index & MASK] = value
    else this.ownPage(number, page)[index & MASK] = value
  }

  private ownPage(number: number, page: (T | undefined)[] | undefined): (T | undefined)[] {
    if (this.shared) {
      this.pages = this.pages.slice()
      this.shared = false
    }
    const own =
      page === undefined ? new Array<T | undefined>(Math.min(SIZE, this.length - (number << SHIFT))) : page.slice()
    this.pages[number] = own
    this.epochs[number] = this.epoch
    return own
  }

  /** The array as it stands now, whatever is written to this one later. Not to be written to itself. */
  snapshot(): Paged<T> {
    const copy = new Paged(this.length, this)
    this.shared = true
    this.epoch++
    return copy
  }
}
