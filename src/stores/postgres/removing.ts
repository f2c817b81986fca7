import type { Removal, Written } from '../contract.ts'
import { checkHeader } from './records.ts'
import { headerParameters, inOrder, makeFinder, marks, type StoreParts } from './writing.ts'

export type Remover = (removals: readonly Removal[]) => Promise<readonly Written[]>

export function makeRemover(parts: StoreParts): Remover {
  const { ask, checkOpen, schema, named, channel, relaxed } = parts
  const text = `SELECT unnest(${schema}.polaris_remove_2(${marks(20)}))`
  const name = named('remove')
  const find = makeFinder(parts)
  const apply: Remover = async (removals) => {
    const records = (await ask(text, [relaxed, ...parametersOf(removals), channel], name)) as [string][]
    const removed = new Set(records.map(([slot]) => Number(slot)))
    const losers = removals.filter((_, index) => !removed.has(index + 1)).map(({ id }) => id)
    const current = losers.length === 0 ? undefined : await find(losers)
    return removals.map(({ id, tombstone }, index): Written =>
      removed.has(index + 1)
        ? { ok: true, mailAppended: tombstone?.mailAppended ?? 0, cancelling: 0 }
        : { ok: false, current: current?.get(id) },
    )
  }
  return async (removals) => {
    checkOpen()
    return inOrder(removals, idOf, check, apply)
  }
}

function idOf({ id }: Removal): string {
  return id
}

function check({ tombstone }: Removal): void {
  if (tombstone !== undefined) checkHeader(tombstone)
}

function parametersOf(removals: readonly Removal[]): unknown[] {
  const expected = removals.map((removal) => removal.expected)
  return headerParameters(
    removals.map(idOf),
    expected,
    removals.map(({ tombstone = null }) => tombstone),
  )
}
