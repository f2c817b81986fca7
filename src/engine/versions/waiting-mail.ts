import type { Header } from '../../stores/contract.ts'

/** A delta that was fed to an instance and waits for its turn. */
export interface WaitingMail {
  /** The number of the scope it gets. */
  readonly scope: number
  /** Since when, in milliseconds since the epoch. */
  readonly since: number
  /** The version of the workflow that it was fed to. */
  readonly version: number
  /** Why it stays where it is, or would be refused, as long as nothing changes. Absent where it only waits. */
  readonly stuck?: string
}

/** Why mail does not come along, or `undefined`: whether somebody serves what it takes to handle it. */
export function stuckBecause(
  { workflow, version }: Header,
  fedTo: number,
  live: readonly ReadonlySet<number>[],
): string | undefined {
  const takers = live.filter((served) => served.has(version))
  if (takers.length === 0) {
    return `no process that is alive serves version ${version} of workflow '${workflow}', on which the instance is`
  }
  if (fedTo === version || takers.some((served) => served.has(fedTo))) return undefined
  return (
    `it was fed to version ${fedTo} of workflow '${workflow}', which no process knows that is alive and serves the ` +
    `instance's version ${version}: it would be refused`
  )
}
