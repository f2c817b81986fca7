/** Whether a value has to be waited for. Plain values are not awaited: an await costs more than all else a builder needs. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof (value as Partial<PromiseLike<T>>).then === 'function'
}

/** A promise that is refused with what was thrown, whatever that is. */
export async function rejected(error: unknown): Promise<never> {
  throw error
}
