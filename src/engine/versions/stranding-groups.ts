import type { Stranding } from './carry.ts'

/** Why instances cannot move or go on, and which. */
export interface StrandedGroup {
  /**
   * As of {@link Stranding}; or `unserved`: the code does not have the version; `changed`: it has the version with another
   * graph.
   */
  readonly reason: Stranding['reason'] | 'unserved' | 'changed'
  /** The data or the builder, where it is about one. */
  readonly name?: string
  /** Of the first of them: a schema may say something else of each value. */
  readonly message: string
  readonly count: number
  /** The first of them. */
  readonly ids: readonly string[]
}

/** One reason of one instance. */
export type StrandedReason = Omit<StrandedGroup, 'count' | 'ids'>

const SHOWN_IDS = 20

/** Puts together instances with the same reason. */
export class Grouping {
  private readonly groups = new Map<string, StrandedReason & { count: number; readonly ids: string[] }>()

  /** @param before what was found before */
  constructor(before: readonly StrandedGroup[] = []) {
    for (const group of before) this.groups.set(keyOf(group), { ...group, ids: [...group.ids] })
  }

  add(id: string, because: readonly StrandedReason[]): void {
    for (const { reason, name, message } of because) {
      const key = keyOf({ reason, ...(name !== undefined && { name }) })
      const group = this.groups.get(key) ?? { reason, ...(name !== undefined && { name }), message, count: 0, ids: [] }
      this.groups.set(key, group)
      group.count++
      if (group.ids.length < SHOWN_IDS) group.ids.push(id)
    }
  }

  /** Most instances first. */
  result(): StrandedGroup[] {
    return [...this.groups.values()]
      .sort((a, b) => b.count - a.count)
      .map((group) => ({ ...group, ids: [...group.ids] }))
  }
}

function keyOf({ reason, name }: Pick<StrandedGroup, 'reason' | 'name'>): string {
  return JSON.stringify([reason, name])
}
