import type { Header } from './contract.ts'

/** Whether a change has left its instance to nobody though it is due: who subscribed is told, since any may go on with it. */
export function isLeft({ holder, wakeAt }: Pick<Header, 'holder' | 'wakeAt'>, now: number): boolean {
  return holder === null && wakeAt !== null && wakeAt <= now
}
