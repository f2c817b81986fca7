/** The clock of the stores under test: real, but for the hours that were skipped. */
let skipped = 0

export const storeTime = {
  now: (): number => Date.now() + skipped,
  /** Every lease is over now: what happens after a process has died, without the wait. */
  outliveLeases(): void {
    skipped += 3_600_000
  },
}
