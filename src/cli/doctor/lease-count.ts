/** What the headers of instances tell about who works on them. Pure. */
import type { Header } from '../../index.ts'

export interface Work {
  /** Open instances by status. */
  readonly statuses: ReadonlyMap<string, number>
  /** Somebody has them to himself at present. */
  readonly held: readonly string[]
  /** Somebody had, did not say so again, and nobody has taken over. */
  readonly expired: readonly string[]
  /** Are due: a retry, a timer or data that wait; nobody has taken them up. */
  readonly overdue: readonly string[]
  /** `workflow version` of those that the code does not have, and how many there are. */
  readonly unserved: ReadonlyMap<string, number>
}

/** Workers look once a second: what they have not taken up after so long, none of them will. */
const PATIENCE_MS = 5_000

export interface WorkCounter {
  take(header: Header): void
  result(): Work
}

/**
 * @param now by the store's clock
 * @param serves what the code has; `undefined` if nobody knows
 */
export function countWork(now: number, serves: ReadonlySet<string> | undefined): WorkCounter {
  const statuses = new Map<string, number>()
  const unserved = new Map<string, number>()
  const [held, expired, overdue]: [string[], string[], string[]] = [[], [], []]
  const raise = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1)
  return {
    take({ id, status, workflow, version, holder, wakeAt }) {
      raise(statuses, status)
      const code = `${workflow} ${version}`
      if (serves !== undefined && !serves.has(code)) raise(unserved, code)
      if (wakeAt === null) return
      const late = wakeAt < now - PATIENCE_MS
      if (holder !== null) (wakeAt >= now ? held : expired).push(id)
      else if (late) overdue.push(id)
    },
    result: () => ({ statuses, held, expired, overdue, unserved }),
  }
}
