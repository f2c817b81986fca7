import type { DataStore, Row } from '../../stores/contract.ts'

const PAGE = 1000

/**
 * The rows of an instance in order of `seq`, a page at a time, so that a long history is never held as a whole.
 *
 * @param after from the row after this one on
 */
export async function* historyPages(store: DataStore, id: string, after = 0): AsyncGenerator<readonly Row[], void> {
  for (let from = after; ;) {
    const page = await store.history(id, { after: from, limit: PAGE })
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    from = last.seq
  }
}
