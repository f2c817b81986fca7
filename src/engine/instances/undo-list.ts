import type { DataStore, Row } from '../../stores/contract.ts'
import { historyPages } from '../state/history.ts'

/** A run with effects outside that are to be undone. */
export interface Undoable {
  readonly builder: string
  /** The run's: whoever was paid under it is asked to pay back. */
  readonly key: string
  /** `seq` of the row that says that it began. */
  readonly seq: number
  /** `seq` of the row each input was read from, in the builder's declared order. */
  readonly inputs: readonly number[]
  /** `seq` of its product's row; absent where nobody knows whether it came to one: a throw, a timeout, a crash. */
  readonly product: number | undefined
  /** `seq` of the row by which what it did is put in order. */
  readonly at: number
}

/**
 * What has to be undone, the newest first: each run that began, as its builder can be compensated, and that did not end
 * without a product of its own accord, whatever restarts came later. Runs of one key are one. What a fork copied was done by
 * the original and is its to undo.
 *
 * @param rows the whole history, in order
 */
function undoList(rows: Iterable<Row>): Undoable[] {
  const byKey = new Map<string, Undoable>()
  const running = new Map<string, string>()
  for (const row of rows) {
    const { builder, outcome, note, seq, inputs } = row
    if (outcome === 'forked') {
      byKey.clear()
      running.clear()
    } else if (outcome === 'started' && builder !== null && note?.key !== undefined) {
      running.set(builder, note.key)
      byKey.set(note.key, { builder, key: note.key, seq, inputs, product: undefined, at: seq })
    } else if (outcome === 'compensated' && note?.key !== undefined) byKey.delete(note.key)
    else if (builder !== null && outcome !== 'failed') end(builder, row)
  }
  return [...byKey.values()].sort((a, b) => b.at - a.at)

  function end(builder: string, { outcome, seq, note }: Row): void {
    const key = running.get(builder)
    const known = key === undefined ? undefined : byKey.get(key)
    if (key === undefined || known === undefined) return
    // What a fallback gave is not what the run would have come to.
    if (outcome === 'produced')
      byKey.set(key, { ...known, product: note?.fallback === true ? undefined : (note?.sameAs ?? seq), at: seq })
    else if (outcome === 'nothing' || outcome === 'waitFor') byKey.delete(key)
    else return
    running.delete(builder)
  }
}

/** What is to be undone of an instance. Looks through its whole history, a page at a time. */
export async function readUndoList(store: DataStore, id: string): Promise<Undoable[]> {
  const told: Row[] = []
  for await (const page of historyPages(store, id)) {
    for (const row of page) if (row.outcome === 'forked' || row.builder !== null) told.push(withoutValue(row))
  }
  return undoList(told)
}

/** Only what {@link undoList} asks for, so that a long history of large values is not held as a whole. */
function withoutValue(row: Row): Row {
  const { seq, place, scope, pass, builder, data, outcome, inputs, startedAt, endedAt, note } = row
  return { seq, place, scope, pass, builder, data, outcome, value: undefined, inputs, startedAt, endedAt, note }
}

/** One row of a history. */
export async function readRow(store: DataStore, id: string, seq: number): Promise<Row | undefined> {
  const [row] = await store.history(id, { after: seq - 1, limit: 1 })
  return row?.seq === seq ? row : undefined
}
