/** One bad change shall not keep the others of its batch from being written (P3). */
import { PolarisError } from '../graph/errors.ts'
import type { Awaitable, Change, Written } from './contract.ts'

/**
 * What `write` throws when some of its changes cannot be stored for what they hold: what became of each change, in the
 * order given. Those that have an error here left no trace.
 */
export interface PartlyWritten extends PolarisError {
  readonly written: readonly (Written | PolarisError)[]
}

export function isPartlyWritten(error: unknown): error is PartlyWritten {
  return error instanceof PolarisError && Array.isArray((error as Partial<PartlyWritten>).written)
}

/** The one error for a call of which these are the answers. It carries the code and the message of the first refusal. */
export function partlyWritten(written: readonly (Written | PolarisError)[]): PartlyWritten {
  const refused = written.filter((answer) => answer instanceof PolarisError)
  const [first] = refused
  const rest = written.length === 1 ? '' : ` (${refused.length} of ${written.length} changes were refused.)`
  const error = new PolarisError(first?.code ?? 'STORE_INVALID', `${first?.message}${rest}`, { cause: first?.cause })
  return Object.assign(error, { written })
}

/**
 * Writes a batch that failed as a whole again in halves, until whatever cannot be stored is alone.
 *
 * @param write applies all or, by throwing, none
 * @param isRefusal tells a change that cannot be stored from trouble that has nothing to do with it: that is thrown on
 * @throws {@link PartlyWritten} if any was refused
 */
export async function writeInHalves(
  changes: readonly Change[],
  write: (changes: readonly Change[]) => Awaitable<readonly Written[]>,
  isRefusal: (error: unknown) => error is PolarisError,
): Promise<readonly Written[]> {
  const halve = async (part: readonly Change[]): Promise<readonly (Written | PolarisError)[]> => {
    try {
      return await write(part)
    } catch (error) {
      if (!isRefusal(error)) throw error
      if (part.length === 1) return [error]
      const middle = part.length >> 1
      return [...(await halve(part.slice(0, middle))), ...(await halve(part.slice(middle)))]
    }
  }
  const written = await halve(changes)
  if (written.some((answer) => answer instanceof PolarisError)) throw partlyWritten(written)
  return written as readonly Written[]
}
