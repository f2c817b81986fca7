/** Values by name, the last ones kept only: those longest untouched go first. */
export interface Recent<T> {
  get(name: string): T | undefined
  has(name: string): boolean
  keep(name: string, value: T): void
}

export function recent<T>(most: number): Recent<T> {
  const values = new Map<string, T>()
  return {
    get: (name) => values.get(name),
    has: (name) => values.has(name),
    keep(name, value) {
      values.delete(name)
      values.set(name, value)
      if (values.size > most) for (const oldest of values.keys()) if (values.delete(oldest)) break
    },
  }
}
