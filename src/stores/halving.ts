/** One bad change shall not keep the others of its batch from being written (P3). */
import type { PolarisError } from '../graph/errors.ts'
import type { Awaitable } from './contract.ts'

/**
 * Writes a batch that failed as a whole again in halves, until whatever cannot be stored is alone.
 *
 * @param write applies all or, by throwing, none
 * @param isRefusal tells a change that cannot be stored from trouble that has nothing to do with it: that is thrown on
 */
export async function writeInHalves<T, A>(
  changes: readonly T[],
  write: (changes: readonly T[]) => Awaitable<readonly A[]>,
  isRefusal: (error: unknown) => error is PolarisError,
): Promise<readonly (A | { readonly ok: false; readonly error: PolarisError })[]> {
  try {
    return await write(changes)
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (changes.length === 1) return [{ ok: false, error }]
    const middle = changes.length >> 1
    const first = await writeInHalves(changes.slice(0, middle), write, isRefusal)
    return [...first, ...(await writeInHalves(changes.slice(middle), write, isRefusal))]
  }
}
