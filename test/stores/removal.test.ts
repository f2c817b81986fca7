import { describe, expect, it } from 'vitest'
import { header, insertion, put, row, stands } from '../../src/testing/conformance-kit.ts'
import { keyValueStore } from '../../src/stores/key-value.ts'
import { eachServer, sqliteKind, type StoreKind } from '../support/media.ts'

const refusing = (kind: Pick<StoreKind, 'medium'>): void => {
  it('refuses a tombstone that it cannot keep, and leaves what it would have replaced as it was', async () => {
    const store = kind.medium().open()
    await put(store, insertion('a', { rows: 1 }, [row(1)]), insertion('b', {}, [row(1)]))
    const expected = { incarnation: 'i-1', revision: 1, fence: 1 }
    const tombstone = header('a', { status: 'deleted', updatedAt: Number.NaN })
    const answers = await store.remove([
      { id: 'b', expected },
      { id: 'a', expected, tombstone },
    ])
    expect(answers).toMatchObject([{ ok: true }, { ok: false, error: { code: 'DATA_INVALID' } }])
    await stands(store, header('a', { rows: 1 }), [1])
    expect(await store.read('b')).toBeUndefined()
  })
}

describe('on SQLite', () => refusing(sqliteKind({})))
eachServer(refusing)
describe('on keyValueStore', () => {
  const texts = new Map<string, string>()
  const store = keyValueStore({ read: (key) => texts.get(key), write: (key, text) => texts.set(key, text) })
  refusing({ medium: () => ({ open: () => store, join: () => store }) })
})
