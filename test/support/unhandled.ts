import { afterEach, beforeEach, expect } from 'vitest'
import { turns } from './lab.ts'

/** Fails every test of the file in which a rejection goes unhandled. */
export function expectNoUnhandledRejections(): void {
  const seen: unknown[] = []
  const note = (reason: unknown): void => void seen.push(reason)
  beforeEach(() => void process.on('unhandledRejection', note))
  afterEach(async () => {
    await turns(5)
    process.off('unhandledRejection', note)
    expect(seen.splice(0)).toEqual([])
  })
}
