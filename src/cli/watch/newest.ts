import { setTimeout as sleep } from 'node:timers/promises'
import { getJson } from '../api/api.ts'
import type { Api } from '../api/api.ts'
import type { Summary } from '../api/views.ts'

const MINUTE_MS = 60_000
/** Lists go by creation, oldest first: so the newest is looked for in ever longer times. */
const WINDOWS_MS = [10 * MINUTE_MS, 24 * 60 * MINUTE_MS, Infinity]
const LONGEST_PAGE = 1_000
const PAUSE_MS = 500

/** The instance that moved last, of those created lately; waits for one if there is none. */
export async function newestInstance(api: Api, signal: AbortSignal, onWait: () => void): Promise<string | undefined> {
  for (let waits = false; !signal.aborted;) {
    for (const window of WINDOWS_MS) {
      const found = await newestWithin(api, window)
      if (found !== undefined) return found.id
    }
    if (!waits) onWait()
    waits = true
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined)
  }
  return undefined
}

async function newestWithin(api: Api, window: number): Promise<Summary | undefined> {
  const from = window === Infinity ? undefined : new Date(Date.now() - window).toISOString()
  let newest: Summary | undefined
  for (let cursor: string | undefined; ;) {
    const page: { readonly instances: readonly Summary[]; readonly next?: string } = await getJson(api, '/instances', {
      ...{ createdFrom: from, cursor },
      limit: LONGEST_PAGE,
    })
    for (const each of page.instances) if (newest === undefined || each.updatedAt >= newest.updatedAt) newest = each
    cursor = page.next
    if (cursor === undefined) return newest
  }
}
