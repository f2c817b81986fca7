import { isPolarisError } from 'polaris-workflow'
import { expect } from 'vitest'

/** What a line `expression // => value` of a document stands for. */
export function check(actual: unknown, expected: unknown, place: string): void {
  expect(actual, place).toEqual(expected)
}

/** What a line `expression // => throws CODE` stands for. */
export async function refuses(run: () => unknown, code: string, place: string): Promise<void> {
  let thrown: unknown
  try {
    await run()
  } catch (error) {
    thrown = error
  }
  expect(isPolarisError(thrown) ? thrown.code : thrown, place).toBe(code)
}
