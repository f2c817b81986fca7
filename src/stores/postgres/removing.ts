import type { Header, Removal, Written } from '../contract.ts'
import { numberArray, textArray } from './arrays.ts'
import { checkHeader, headerRest } from './records.ts'
import { inOrder, makeFinder, marks, type StoreParts } from './writing.ts'

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

/** In the order in which `polaris_remove_2` takes them, between the first and the last. */
function parametersOf(removals: readonly Removal[]): unknown[] {
  const texts = (pick: (header: Header) => string | null): Buffer =>
    textArray(removals.map(({ tombstone }) => (tombstone === undefined ? null : pick(tombstone))))
  const numbers = (pick: (header: Header) => number | null): string =>
    numberArray(removals.map(({ tombstone }) => (tombstone === undefined ? null : pick(tombstone))))
  return [
    textArray(removals.map(idOf)),
    textArray(removals.map(({ expected }) => expected.incarnation)),
    numberArray(removals.map(({ expected }) => expected.revision)),
    numberArray(removals.map(({ expected }) => expected.fence)),
    numberArray(removals.map(({ expected }) => expected.mailAppended ?? null)),
    texts(({ incarnation }) => incarnation),
    numbers(({ revision }) => revision),
    numbers(({ fence }) => fence),
    texts(({ workflow }) => workflow),
    numbers(({ version }) => version),
    texts(({ status }) => status),
    texts(({ holder }) => holder),
    numbers(({ wakeAt }) => wakeAt),
    numbers(({ mailAppended }) => mailAppended),
    numbers(({ mailHandled }) => mailHandled),
    numbers(({ claims }) => claims),
    numbers(({ createdAt }) => createdAt),
    texts(headerRest),
  ]
}
