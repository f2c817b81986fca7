import type { Change, Header } from './contract.ts'

/** Whether a change puts another instance in the place of a tombstone. */
export function beginsAnew({ expected, header }: Pick<Change, 'expected' | 'header'>): boolean {
  return expected !== null && expected.incarnation !== header.incarnation
}

/** Whether a change has left its instance to nobody though it is due: who subscribed is told, since any may go on with it. */
export function isLeft({ holder, wakeAt }: Pick<Header, 'holder' | 'wakeAt'>, now: number): boolean {
  return holder === null && wakeAt !== null && wakeAt <= now
}

/** When an instance is due that nobody holds and mail has come for: at once, or since when it was, which keeps it its place. */
export function wokenAt(wakeAt: number | null, now: number): number {
  return wakeAt === null ? now : Math.min(wakeAt, now)
}
