import type { DataStore, Snapshot } from '../../stores/contract.ts'

/** An instance as it stands; `undefined` where there is none, be it that a tombstone tells that there was one. */
export async function readLiving(store: DataStore, id: string): Promise<Snapshot | undefined> {
  const snapshot = await store.read(id)
  return snapshot?.header.status === 'deleted' ? undefined : snapshot
}
