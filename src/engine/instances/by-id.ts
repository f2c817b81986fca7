/**
 * A map by id that is empty most of the time, or holds one thing: that one is kept beside the map, since a Map that gains
 * and loses one key is made anew every other time.
 */
export class ById<T> {
  private onlyId: string | undefined
  private only: T | undefined
  /** Made when there first is a second: to look into an empty map takes as long as into a full one. */
  private more: Map<string, T> | undefined

  get isEmpty(): boolean {
    return this.onlyId === undefined && (this.more === undefined || this.more.size === 0)
  }

  get(id: string): T | undefined {
    return this.onlyId === id ? this.only : this.more?.get(id)
  }

  set(id: string, value: T): void {
    if (this.onlyId === id || this.isEmpty) {
      this.onlyId = id
      this.only = value
    } else (this.more ??= new Map<string, T>()).set(id, value)
  }

  delete(id: string): void {
    if (this.onlyId === id) {
      this.onlyId = undefined
      this.only = undefined
    } else this.more?.delete(id)
  }
}
