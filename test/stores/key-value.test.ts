import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStorage, type Driver } from 'unstorage'
import fs from 'unstorage/drivers/fs'
import memory from 'unstorage/drivers/memory'
import { describe, expect, it } from 'vitest'
import { isPolarisError, type PolarisError } from '../../src/graph/errors.ts'
import type { DataStore } from '../../src/stores/contract.ts'
import { type KeyValueOptions, keyValueStore } from '../../src/stores/key-value.ts'
import { keyOf } from '../../src/stores/key-value/medium.ts'
import { delta, header, insertion, post, put, row, stands, update } from '../../src/testing/conformance-kit.ts'
import { type ConformanceOptions, type MakeStore, storeConformance } from '../../src/testing/conformance.ts'

// The linter does not find their types, the compiler does.
const fsDriver = fs as (options: { base: string }) => Driver
const memoryDriver = memory as () => Driver

function overUnstorage(driver: Driver): KeyValueOptions {
  const storage = createStorage({ driver })
  return {
    read: (key) => storage.getItem<string>(key),
    write: (key, text) => storage.setItem(key, text),
    list: (prefix) => storage.getKeys(prefix),
    remove: (key) => storage.removeItem(key),
  }
}

/** What a client of several processes gives: here a map, compared and set in one step. */
function overMap(map: Map<string, string>): KeyValueOptions {
  return {
    read: async (key) => Promise.resolve(map.get(key)),
    write: () => {
      throw new Error('with compareAndSet, write is not used')
    },
    async compareAndSet(key, expected, text) {
      await new Promise((done) => setImmediate(done))
      if (map.get(key) !== expected) return false
      map.set(key, text)
      return true
    },
    list: async () => Promise.resolve([...map.keys()]),
  }
}

function making(prepare: () => { options: () => KeyValueOptions; dispose?: () => void }): MakeStore {
  return () => {
    let ahead = 0
    const { options, dispose = () => undefined } = prepare()
    return {
      open: () => keyValueStore({ ...options(), now: () => Date.now() + ahead }),
      advance: (ms) => void (ahead += ms),
      dispose,
    }
  }
}

/** In files only what depends on them: reading thousands of files for each list takes minutes where the disk is busy. */
const SLOW = /^(list|claim|at once|prune)$/

const alone: ConformanceOptions = { shared: false, clock: true }
const kinds: readonly (readonly [name: string, makeStore: MakeStore, options: ConformanceOptions])[] = [
  [
    'unstorage, in files',
    making(() => {
      const folder = mkdtempSync(join(tmpdir(), 'polaris-key-value-'))
      const options = overUnstorage(fsDriver({ base: folder }))
      return { options: () => options, dispose: () => rmSync(folder, { recursive: true }) }
    }),
    alone,
  ],
  [
    'unstorage, in memory',
    making(() => {
      const options = overUnstorage(memoryDriver())
      return { options: () => options }
    }),
    alone,
  ],
  [
    'unstorage, in memory, without list',
    making(() => {
      const { read, write } = overUnstorage(memoryDriver())
      return { options: () => ({ read, write, durable: false }) }
    }),
    { ...alone, capabilities: { durable: false, values: 'text', lists: false } },
  ],
  [
    'compareAndSet, shared',
    making(() => {
      const map = new Map<string, string>()
      return { options: () => overMap(map) }
    }),
    { subscribes: false, clock: true },
  ],
]

for (const [name, makeStore, options] of kinds) {
  describe(`keyValueStore over ${name}`, () => {
    for (const one of storeConformance(makeStore, options)) {
      if (name.endsWith('in files') && SLOW.test(one.group)) continue
      const title = `${one.group}: ${one.name}${one.skipped === undefined ? '' : ` (${one.skipped})`}`
      it.skipIf(one.skipped !== undefined)(title, one.run)
    }
  })
}

async function failure(call: () => unknown): Promise<PolarisError> {
  try {
    await call()
  } catch (error) {
    if (isPolarisError(error)) return error
    throw error
  }
  throw new Error('expected an error, but the call succeeded')
}

describe('what the functions throw and answer', () => {
  const broken = new Error('connection reset')
  const breaks = (): never => {
    throw broken
  }

  it.each(['read', 'write', 'compareAndSet', 'list'])(
    'an error of `%s` is STORE_UNAVAILABLE and keeps its cause; the next call works',
    async (name) => {
      const map = new Map<string, string>()
      const { compareAndSet, ...whole } = overMap(map)
      const functions: KeyValueOptions = {
        ...whole,
        write: (key, text) => map.set(key, text),
        ...(name === 'compareAndSet' && compareAndSet !== undefined && { compareAndSet }),
      }
      let down = true
      const choose = (key: keyof KeyValueOptions) => {
        const plain = functions[key] as (...args: unknown[]) => unknown
        return (...args: unknown[]) => (down && key === name ? breaks() : plain(...args))
      }
      const wrapped = { ...functions, [name]: choose(name as keyof KeyValueOptions) }
      const store = keyValueStore(wrapped)
      const call = () => (name === 'list' ? store.list({ limit: 1 }) : store.write([insertion('a')]))
      const error = await failure(call)
      expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', cause: broken })
      expect(error.message).toContain(`\`${name}\` failed`)
      down = false
      await call()
    },
  )

  it('one change that fails: the others of the call are at rest when it throws', async () => {
    const map = new Map<string, string>()
    const store = keyValueStore({
      read: (key) => map.get(key),
      async write(key, text) {
        if (key.endsWith('bad')) throw broken
        await new Promise((done) => setImmediate(done))
        map.set(key, text)
      },
    })
    await failure(() => store.write([insertion('bad'), insertion('good')]))
    expect([...map.keys()]).toEqual(['polaris:good'])
  })

  it.each([{ parsed: true }, 5, new Uint8Array(3)])('%j from `read` is STORE_INVALID', async (odd) => {
    const store = keyValueStore({ read: () => odd as unknown as string, write: breaks })
    expect(await failure(() => store.read('a'))).toMatchObject({ code: 'STORE_INVALID' })
  })

  it('what another program or a newer version wrote is refused and left alone', async () => {
    const map = new Map([
      ['polaris:a', '{"theirs":1}'],
      ['polaris:b', 'polaris/3 []'],
      ['polaris:c', 'polaris/2 {"header'],
    ])
    const before = new Map(map)
    const store = keyValueStore({ read: (key) => map.get(key), write: (key, text) => map.set(key, text) })
    for (const [id, code] of [
      ['a', 'STORE_INVALID'],
      ['b', 'STORE_NEWER'],
      ['c', 'STORE_INVALID'],
    ] as const) {
      expect((await failure(() => store.read(id))).code).toBe(code)
      expect((await failure(() => store.write([insertion(id)]))).code).toBe(code)
    }
    expect(map).toEqual(before)
  })

  it('null and undefined mean that there is nothing', async () => {
    for (const none of [null, undefined]) {
      expect(await keyValueStore({ read: () => none, write: breaks }).read('a')).toBeUndefined()
    }
  })

  it('functions that are missing are OPTION_INVALID', () => {
    expect(() => keyValueStore({ read: breaks } as unknown as KeyValueOptions)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }) as Error,
    )
  })
})

describe('what the version before wrote', () => {
  it('is read, and written as it is now', async () => {
    const { cancelling: _, ...old } = header('a', { revision: 4 })
    const map = new Map([['polaris:a', `polaris/1 ${JSON.stringify({ header: old, rows: [row(1)], mail: [] })}`]])
    const store = keyValueStore(overMap(map))
    await stands(store, header('a', { revision: 4 }), [1])
    await put(store, update(header('a', { revision: 4 }), { rows: 2 }, [row(2)]))
    expect(map.get('polaris:a')).toMatch(/^polaris\/2 /)
    await stands(store, header('a', { revision: 5, token: 't-5', rows: 2 }), [1, 2])
  })
})

describe('an instance that is removed', () => {
  const gone = { id: 'a', expected: { incarnation: 'i-1', revision: 1, fence: 1 } }

  it('leaves a short text under its key, and nothing where keys can be deleted', async () => {
    const map = new Map<string, string>()
    const store = keyValueStore(overMap(map))
    await put(store, insertion('a'))
    await store.remove([gone])
    expect([...map]).toEqual([['polaris:a', 'polaris/2 null']])
    await put(store, insertion('a'))
    const deleting = keyValueStore({ ...overMap(map), remove: (key, text) => map.get(key) === text && map.delete(key) })
    await deleting.remove([gone])
    expect(map.size).toBe(0)
    const plain = { read: (key: string) => map.get(key), write: (key: string, text: string) => map.set(key, text) }
    const alone = keyValueStore({ ...plain, remove: (key) => void map.delete(key) })
    await put(alone, insertion('a'))
    await alone.remove([gone])
    expect(map.size).toBe(0)
  })

  it('is looked at again where another process came between', async () => {
    const map = new Map<string, string>()
    const feeder = keyValueStore(overMap(map))
    await put(feeder, insertion('a'))
    let tries = 0
    const store = keyValueStore({
      ...overMap(map),
      async remove(key, text) {
        if (++tries === 1) await post(feeder, delta('a', 'r-1'))
        return map.get(key) === text && map.delete(key)
      },
    })
    expect(await store.remove([{ ...gone, expected: { ...gone.expected, mailAppended: 0 } }])).toMatchObject([
      { ok: false, current: { mailAppended: 1 } },
    ])
    expect(await store.remove([gone])).toMatchObject([{ ok: true }])
    expect([tries, map.size]).toEqual([2, 0])
  })
})

describe('several processes', () => {
  it('that append to one instance at once lose nothing and answer each number once', async () => {
    const map = new Map<string, string>()
    const stores = Array.from({ length: 4 }, () => keyValueStore(overMap(map)))
    const answers = await Promise.all(
      stores.flatMap((store, who) =>
        Array.from({ length: 25 }, async (_, n) => store.append([delta('a', `r-${who}-${n}`)])),
      ),
    )
    const seqs = answers.map(([one]) => (one?.ok === true ? one.seq : 0)).sort((a, b) => a - b)
    expect(seqs).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    expect(await stores[0]?.mail('a', { limit: 200 })).toHaveLength(100)
  })

  it('a change is not lost because mail came between reading and writing', async () => {
    const map = new Map<string, string>()
    const [holder, feeder] = [keyValueStore(overMap(map)), keyValueStore(overMap(map))]
    const first = insertion('a', { rows: 1, holder: 'h' }, [row(1)])
    await put(holder, first)
    const next = update(first.header, { rows: 2 }, [row(2)])
    const [, written] = await Promise.all([post(feeder, delta('a', 'r-1')), holder.write([next])])
    expect(written).toEqual([{ ok: true, mailAppended: expect.any(Number) as number, cancelling: 0 }])
    await stands(holder, { ...next.header, mailAppended: 1 }, [1, 2])
  })

  it('a client that never agrees is STORE_UNAVAILABLE, not an endless loop', async () => {
    const store = keyValueStore({ read: () => undefined, write: () => undefined, compareAndSet: () => false })
    expect(await failure(() => store.write([insertion('a')]))).toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })
})

describe('keys', () => {
  it('are plain, begin with the prefix, and differ where ids do', async () => {
    const ids = [
      'ride',
      'Ride',
      'a:b',
      'a/b',
      '../x',
      'a?b',
      'ж'.repeat(512),
      `${'ж'.repeat(511)}x`,
      '\ud800',
      '=0041',
      'A',
      '',
    ]
    const keys = ids.map((id) => keyOf('p:', id))
    expect(new Set(keys.map((key) => key.toLowerCase())).size).toBe(ids.length)
    for (const key of keys) expect(key).toMatch(/^p:[a-z0-9_=.-]{0,200}$/)
  })

  it('the prefix keeps two stores of one client apart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'polaris-key-value-'))
    const functions = overUnstorage(fsDriver({ base: folder }))
    const [one, two]: DataStore[] = ['one:', 'two:'].map((prefix) => keyValueStore({ ...functions, prefix }))
    if (one === undefined || two === undefined) throw new Error('two stores')
    await put(one, insertion('a'))
    expect(await two.read('a')).toBeUndefined()
    expect((await two.list({ limit: 5 })).items).toEqual([])
    await stands(one, header('a'), [])
    expect(readdirSync(folder)).toEqual(['one'])
    rmSync(folder, { recursive: true })
  })
})
