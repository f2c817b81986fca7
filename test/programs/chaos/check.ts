/** Compares what the feeders were told, and what the builders did outside of the store, with the store. */
import { isDeepStrictEqual } from 'node:util'
import type { DataStore, Header, HistoryEntry, Polaris } from 'polaris-workflow'
import { FEEDERS, idOf, stepsOf } from './feeding.ts'
import type { Told } from './feeding.ts'
import { readLines } from './lines.ts'
import { PRODUCTS } from './parcel.ts'
import type { Effect, Fed, Made } from './parcel.ts'
import type { Settings, Trouble } from './settings.ts'

export interface Findings {
  readonly problems: readonly string[]
  readonly scopes: number
  readonly products: number
  readonly effects: number
  /** Effects that happened again under the key of an earlier one. */
  readonly repeated: number
  /** By error code: what feeders and workers met and lived with. */
  readonly troubles: Readonly<Record<string, number>>
}

const AT_ONCE = 16
/** Of what passes, and what a process may well be told that was overtaken. */
const BEARABLE: readonly string[] = ['STORE_UNAVAILABLE', 'LEASE_LOST']

interface Instance {
  readonly id: string
  readonly number: number
  readonly header: Header
  readonly rows: readonly HistoryEntry[]
  readonly told: readonly Told[]
  readonly blame: (problem: string) => void
}

/** The headers of instances on which something is still to be done. */
export async function unsettled(store: DataStore): Promise<readonly Header[]> {
  return (await allHeaders(store)).filter(isUnsettled)
}

export function isUnsettled({ status, holder, wakeAt, pass, mailAppended, mailHandled }: Header): boolean {
  return status !== 'completed' || holder !== null || wakeAt !== null || pass > 0 || mailAppended !== mailHandled
}

export async function check(store: DataStore, polaris: Polaris, settings: Settings): Promise<Findings> {
  const { folder, workflows } = settings
  const problems: string[] = []
  const told = groupBy(readLines(folder, 'told-') as Told[], ({ id }) => id)
  const effects = readLines(folder, 'ledger-') as Effect[]
  const byKey = groupBy(effects, ({ key }) => key)
  const keyOf = new Map(effects.map(({ run, key }) => [run, key]))
  const headers = new Map((await allHeaders(store)).map((header) => [header.id, header]))
  const count = { scopes: 0, products: 0 }
  const keys = new Set<string>()

  const numbers = Array.from({ length: workflows }, (_, number) => number)[Symbol.iterator]()
  const some = async (): Promise<void> => {
    for (const number of numbers) {
      const id = idOf(number)
      const blame = (problem: string): void => void problems.push(`${id}: ${problem}`)
      const header = headers.get(id)
      if (header === undefined) {
        blame('it is not there')
        continue
      }
      const rows = await polaris.history(id)
      const instance = { id, number, header, rows, told: told.get(id) ?? [], blame }
      count.scopes += header.scope
      checkInstance(instance, settings)
      count.products += checkProducts(instance, keyOf, keys)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, some))
  if (headers.size > workflows) problems.push(`${headers.size} instances, but ${workflows} were fed`)
  problems.push(...checkLedger(byKey, keys))
  const met = readLines(folder, 'trouble-') as Trouble[]
  const troubles = countBy(met, ({ code }) => code)
  for (const { code, text } of met) if (!BEARABLE.includes(code)) problems.push(`a process met ${code}: ${text}`)
  return { problems, ...count, effects: effects.length, repeated: effects.length - byKey.size, troubles }
}

/** Every delta handled once, in its feeder's order, as the feeder was told; nothing left to be done. */
function checkInstance({ number, header, rows, told, blame }: Instance, settings: Settings): void {
  const expected = FEEDERS.map((feeder) => stepsOf(feeder, number, settings))
  const deltas = expected.flat().length
  if (isUnsettled(header)) blame(`it was left behind: ${JSON.stringify(header)}`)
  if (header.scope !== deltas || header.mailAppended !== deltas) blame(`${header.scope} scopes for ${deltas} deltas`)
  if (rows.some(({ seq }, index) => seq !== index + 1)) blame('its history has gaps')
  const fed = new Map<string, HistoryEntry>()
  const scopes = new Set<number>()
  for (const row of rows) {
    if (row.outcome !== 'fed') continue
    const { request } = row.value as Fed
    if (fed.has(request)) blame(`${request} was handled twice`)
    if (scopes.has(row.scope)) blame(`scope ${row.scope} was fed twice`)
    fed.set(request, row)
    scopes.add(row.scope)
  }
  if (fed.size > deltas) blame(`${fed.size} deltas in its history, but ${deltas} were fed`)
  for (const steps of expected) {
    let before = 0
    for (const { request, datum } of steps) {
      const row = fed.get(request)
      const [answer, ...more] = told.filter((each) => each.request === request)
      if (row === undefined || answer === undefined) {
        blame(`${request} was ${row === undefined ? 'lost' : 'handled'}, and ${answer ? 'answered' : 'not answered'}`)
        continue
      }
      if (more.length > 0) blame(`${request} was answered ${more.length + 1} times`)
      if (row.scope <= before) blame(`${request} was handled before its predecessor`)
      if (row.data !== datum.name || !isDeepStrictEqual(row.value, datum.value)) blame(`${request} was changed`)
      before = row.scope
      checkAnswer(answer, row.scope, rows, blame)
    }
  }
}

function checkAnswer(
  { request, scope: told, status, produced }: Told,
  scope: number,
  rows: readonly HistoryEntry[],
  blame: (problem: string) => void,
): void {
  if (told !== scope) blame(`${request} was said to be scope ${told}, but is ${scope}`)
  if (status === undefined) return
  const shipped = rows.some((row) => row.scope <= scope && row.outcome === 'produced' && row.builder === 'ship')
  if (status !== (shipped ? 'completed' : 'waiting')) blame(`${request} was answered ${status}`)
  const made = rows.filter((row) => row.scope === scope && row.outcome === 'produced')
  const runs = made.map(({ value }) => (value as Made).run)
  if (!isDeepStrictEqual([...runs].sort(), [...(produced ?? [])].sort())) {
    blame(`${request} was answered ${produced?.length ?? 0} products, but its scope has ${runs.length}, or other ones`)
  }
}

/** Every product committed once per revision of its inputs, made of these, under a key of its own. Answers how many. */
function checkProducts({ rows, blame }: Instance, keyOf: ReadonlyMap<string, string>, keys: Set<string>): number {
  const count: Record<string, number> = {}
  const seen = new Set<string>()
  const parts = new Map<number, string>()
  for (const { seq, outcome, builder = '', value, inputs, scope, pass } of rows) {
    if (outcome === 'fed') {
      parts.set(seq, (value as Fed).request)
      continue
    }
    if (outcome !== 'produced') {
      blame(`${builder} came to '${outcome}'`)
      continue
    }
    const { run, of } = value as Made
    parts.set(seq, run)
    count[builder] = (count[builder] ?? 0) + 1
    for (const once of [`${builder} in pass ${pass} of scope ${scope}`, `${builder} of ${of}`]) {
      if (seen.has(once)) blame(`two products of ${once}`)
      seen.add(once)
    }
    const read = inputs.map((input) => parts.get(input.seq)).join(' ')
    if (of !== read) blame(`${builder} was made of ${of}, but its inputs are ${read}`)
    const key = keyOf.get(run)
    if (key === undefined) blame(`${builder}'s product has no effect in the ledger`)
    else if (keys.has(key)) blame(`the key ${key} has two products`)
    else keys.add(key)
  }
  if (!isDeepStrictEqual(count, { ...PRODUCTS })) blame(`its products are ${JSON.stringify(count)}`)
  return Object.values(count).reduce((sum, each) => sum + each, 0)
}

/** An effect may repeat, but only the same one under the same key, and none is without a product. */
function checkLedger(byKey: ReadonlyMap<string, readonly Effect[]>, keys: ReadonlySet<string>): string[] {
  const problems: string[] = []
  for (const [key, effects] of byKey) {
    const [first, ...others] = effects
    const same = others.every(({ id, builder, of }) => id === first?.id && builder === first.builder && of === first.of)
    if (!same) problems.push(`the key ${key} stands for different effects: ${JSON.stringify(effects)}`)
    if (!keys.has(key)) problems.push(`the key ${key} has an effect but no product: ${JSON.stringify(first)}`)
  }
  return problems
}

async function allHeaders(store: DataStore): Promise<Header[]> {
  const headers: Header[] = []
  for (let cursor: string | undefined; ;) {
    const { items, next } = await store.list({ limit: 1_000, ...(cursor !== undefined && { cursor }) })
    headers.push(...items)
    if (next === undefined) return headers
    cursor = next
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  return Object.fromEntries([...groupBy(items, keyOf)].map(([key, group]) => [key, group.length]))
}
