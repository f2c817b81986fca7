/** Compares every instance with what was fed to it, and with what was forecast of it. */
import { isDeepStrictEqual } from 'node:util'
import type { HistoryEntry, Polaris, Preview } from 'polaris-workflow'
import { postgresStore } from 'polaris-workflow/stores/postgres'
import { each } from './each.ts'
import { dataAt } from './orders.ts'
import type { Customer, Place } from './orders.ts'

/** What the drill knows of an instance besides the store. */
export interface Told {
  readonly customer: Customer
  /** What the check said of it before the deploy; absent for those that began later. */
  readonly forecast?: Preview
  done: boolean
  pings: number
  ping?: number
}

export interface Found {
  readonly problems: string[]
  /** Open instances that stayed on the older version, as was forecast. */
  stayed: number
  readonly completed: { v1: number; v2: number }
}

export async function verify(place: Place, polaris: Polaris, told: ReadonlyMap<string, Told>): Promise<Found> {
  const found: Found = { problems: [], stayed: 0, completed: { v1: 0, v2: 0 } }
  const store = postgresStore({ connectionString: place.url, schema: place.schema, max: 4 })
  await each([...told], 32, async ([id, about]) => {
    const blame = (what: string): void => void found.problems.push(`${id}: ${what}`)
    const view = await polaris.get(id)
    if (view === undefined) return blame('is lost')
    const history = await polaris.history(id)
    const { version, status } = view
    if (status !== (about.done ? 'completed' : 'waiting')) blame(`is ${status}`)
    const header = (await store.read(id))?.header
    const rests = header?.holder === null && header.pass === 0 && header.mailAppended === header.mailHandled
    if (!rests) blame('is not at rest')
    const wanted = dataAt(version, about.customer, about)
    if (!isDeepStrictEqual({ ...view.data }, wanted)) blame(`has ${JSON.stringify(view.data)}`)
    for (const what of doubled(history, about)) blame(what)
    for (const what of unlikeForecast(version, history, about)) blame(what)
    if (status === 'completed') found.completed[version === 1 ? 'v1' : 'v2']++
    else if (version === 1) found.stayed++
  })
  // None is there that nobody asked for.
  const all = new Set(told.keys())
  for (let cursor: string | undefined; ;) {
    const page = await polaris.list({ limit: 1_000, ...(cursor !== undefined && { cursor }) })
    for (const { id } of page.items) if (!all.has(id)) found.problems.push(`${id}: nobody began it`)
    cursor = page.next
    if (cursor === undefined) break
  }
  await store.close()
  return found
}

function doubled(history: readonly HistoryEntry[], { pings, done }: Told): string[] {
  const fed = (name: string): number => history.filter(({ outcome, data }) => outcome === 'fed' && data === name).length
  const problems: string[] = []
  const counts = [
    ['Order', 1],
    ['Ping', pings],
    ['Done', done ? 1 : 0],
  ] as const
  for (const [name, count] of counts)
    if (fed(name) !== count) problems.push(`was fed '${name}' ${fed(name)} times of ${count}`)
  const runs = new Map<string, number>()
  for (const { builder, outcome } of history) {
    if (outcome === 'produced' && builder !== undefined) runs.set(builder, (runs.get(builder) ?? 0) + 1)
  }
  for (const [builder, count] of runs) {
    const most = builder === 'pong' ? pings : 1
    if (count > most) problems.push(`'${builder}' ran ${count} times of ${most}`)
  }
  return problems
}

function unlikeForecast(
  version: number,
  history: readonly HistoryEntry[],
  { forecast, done, customer }: Told,
): string[] {
  const moves = history.flatMap(({ move }) => move ?? [])
  const canMove = forecast?.possible ?? customer.customer.includes(' ')
  if (moves.length > 1) return [`moved ${moves.length} times`]
  const [move] = moves
  if (move === undefined) {
    // One that ended on the older version had no reason to move, and one that began on the newer one could not.
    const stays = version === 2 ? forecast === undefined : done || !canMove
    return stays ? [] : [`is on version ${version}, and was to move`]
  }
  if (!canMove || version !== 2) return [`moved to version ${version}, and was not to`]
  if (forecast?.possible !== true) return []
  const same =
    isDeepStrictEqual(move.steps, forecast.steps) &&
    isDeepStrictEqual(move.dropped, forecast.dropped) &&
    isDeepStrictEqual([...move.due].sort(), [...forecast.due].sort())
  return same ? [] : [`moved otherwise than was forecast: ${JSON.stringify(move)}`]
}
