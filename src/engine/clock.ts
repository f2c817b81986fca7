/** Where time comes from: milliseconds since the epoch. Injected, so that tests need not wait. */
export interface Clock {
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** Makes ids nobody else makes: 96 random bits, and a number that grows. */
export function idSource(): () => string {
  const prefix = Array.from(globalThis.crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
  let count = 0
  return () => `${prefix}.${count++}`
}
