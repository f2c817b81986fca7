import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import type { DataStore } from '../../src/stores/contract.ts'
import { loadDriver } from '../../src/stores/redis/driver.ts'
import { redisStore, type RedisStoreOptions } from '../../src/stores/redis.ts'
import {
  header,
  insertion,
  put,
  putOne,
  refuses,
  row,
  stands,
  update,
  walk,
} from '../../src/testing/conformance-kit.ts'
import { storeConformance } from '../../src/testing/conformance.ts'
import { type RedisServer, redisMedium, startRedis } from '../support/redis-server.ts'
import { BY_TIME, movable, needsServer, serverUrl } from '../support/server-media.ts'

const capabilities = { durable: true, values: 'text', lists: true } as const

describe('the redis store', () => {
  needsServer('redis')
  for (const one of storeConformance(() => redisMedium(serverUrl('redis')), { capabilities, clock: true })) {
    const title = `${one.group}: ${one.name}${one.skipped === undefined ? '' : ` (${one.skipped})`}`
    it.skipIf(one.skipped !== undefined)(title, one.run)
  }
})

describe('the redis store by a clock of its own', () => {
  needsServer('redis')
  const cases = storeConformance(() => movable(redisMedium(serverUrl('redis'))), { clock: true })
  for (const { group, name, skipped, run } of cases) {
    if (BY_TIME.test(group) && skipped === undefined) it(`${group}: ${name}`, run)
  }
})

const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

function opened(options: RedisStoreOptions): DataStore {
  const store = redisStore(options)
  endings.push(() => store.close())
  return store
}

function connected(url: string): Redis {
  const client = new Redis(url)
  endings.push(() => client.disconnect())
  return client
}

async function started(settings: Record<string, string> = {}): Promise<RedisServer> {
  const server = await startRedis({ settings })
  if ('missing' in server) throw new Error(server.missing)
  endings.push(() => server.stop())
  return server
}

const serves = [{ workflow: header('x').workflow, version: header('x').version }]

describe('the redis store among others', () => {
  needsServer('redis')
  const place = (more: RedisStoreOptions = {}): RedisStoreOptions => ({
    url: serverUrl('redis'),
    prefix: `test:${randomUUID()}`,
    ...more,
  })

  it('runs on when the server has forgotten its scripts', async () => {
    const store = opened(place())
    const first = await putOne(store, insertion('a', { rows: 1 }, [row(1)]))
    await connected(serverUrl('redis')).script('FLUSH')
    const second = update(first, { rows: 2 }, [row(2)])
    const others = Array.from({ length: 200 }, (_, index) => insertion(`b-${index}`))
    await put(store, second, ...others)
    await stands(store, second.header, [1, 2])
  })

  it('P16: the number of partitions is fixed by the first start', async () => {
    const options = place({ partitions: 4 })
    await put(opened(options), insertion('a'))
    await refuses('STORE_INVALID', 'another number', () => opened({ ...options, partitions: 5 }).read('a'))
    await refuses('STORE_INVALID', 'the default number', () => opened({ ...options, partitions: 256 }).read('a'))
    await stands(opened(options), header('a'), [])
  })

  it('P16: all keys of an instance, of its wake set and its list index have one tag', async () => {
    const options = place({ partitions: 8 })
    const store = opened(options)
    await put(store, insertion('a', { wakeAt: 1 }, [row(1, { place: 'p' }), row(2, { place: 'p' })]))
    const mail = { requestId: 'r', mode: 'sequential', hash: 'h', body: '1', appendedAt: 1 } as const
    await store.append([{ header: header('a'), mail }])
    const { header: last } = (await store.read('a'))!
    await put(store, { ...update(last), handled: { seq: 1, outcome: 'done', at: 1 } })
    await store.setMeta({ kind: 'graph', key: 'a', revision: 1, value: '', expiresAt: 9e12 }, null)
    const all = await connected(serverUrl('redis')).keys(`*${options.prefix}*`)
    const ofMeta = all.filter((key) => /:(k|x):graph$|:e$/.test(key))
    expect(ofMeta.length).toBe(3)
    expect(new Set(ofMeta.map((key) => /^\{(.*?)\}/.exec(key)?.[1])).size).toBe(1)
    const keys = all.filter((key) => !ofMeta.includes(key))
    const tags = keys.map((key) => /^\{(.*?)\}/.exec(key)?.[1])
    expect(keys.length).toBe(7)
    expect(new Set(tags).size).toBe(2)
    expect(tags).toContain(options.prefix)
  })

  it('refuses what a newer version wrote, and what is not its own', async () => {
    const client = connected(serverUrl('redis'))
    const options = place()
    await client.set(`{${options.prefix}}:meta`, '{"schema":99,"partitions":256}')
    await refuses('STORE_NEWER', 'a newer schema', () => opened(options).read('a'))
    await client.set(`{${options.prefix}}:meta`, 'hello')
    await refuses('STORE_INVALID', 'a foreign key', () => opened(options).read('a'))
    await client.del(`{${options.prefix}}:meta`)
    const store = opened(options)
    await put(store, insertion('a'))
    const [key = ''] = await client.keys(`*${options.prefix}*:i:a`)
    await client.set(key, 'hello')
    await refuses('STORE_INVALID', 'an instance of another type', () => store.write([update(header('a'))]))
  })

  it('brings what the version before wrote up to date, and that one is refused from then on', async () => {
    const client = connected(serverUrl('redis'))
    const options = place({ partitions: 4 })
    const meta = `{${options.prefix}}:meta`
    await client.set(meta, '{"schema":1,"partitions":4}')
    const stores = Array.from({ length: 20 }, () => opened(options))
    await Promise.all(stores.map((store, index) => put(store, insertion(`i-${index}`))))
    expect(JSON.parse((await client.get(meta)) ?? '')).toEqual({ schema: 2, partitions: 4 })
    await client.set(meta, '{"schema":1,"partitions":8}')
    await refuses('STORE_INVALID', 'another number of partitions', () => opened(options).read('a'))
    expect(JSON.parse((await client.get(meta)) ?? '')).toEqual({ schema: 1, partitions: 8 })
  })

  it('takes a client of the caller, and leaves it open', async () => {
    const client = connected(serverUrl('redis'))
    const store = redisStore({ client, prefix: `test:${randomUUID()}` })
    await put(store, insertion('a'))
    await store.close()
    await refuses('CLOSED', 'the store', () => store.read('a'))
    expect(await client.ping()).toBe('PONG')
  })

  it('lists by workflow and status past many that do not fit, each once', async () => {
    const store = opened(place({ partitions: 2 }))
    const all = Array.from({ length: 3_000 }, (_, index) =>
      insertion(`i-${index}`, {
        workflow: index % 500 === 0 ? 'rare' : 'common',
        status: index % 3 === 0 ? 'failed' : 'running',
        createdAt: 1_000,
      }),
    )
    for (let index = 0; index < all.length; index += 500) await put(store, ...all.slice(index, index + 500))
    const rare = all.filter(({ header: one }) => one.workflow === 'rare').map(({ header: one }) => one.id)
    expect(await walk(store, { workflow: 'rare', limit: 2 })).toEqual([...rare].sort())
    const failed = all.filter(({ header: one }) => one.status === 'failed').map(({ header: one }) => one.id)
    expect(await walk(store, { status: 'failed', limit: 300 })).toEqual([...failed].sort())
  })

  it('claims what it serves past many that are due for longer and not served', async () => {
    const store = opened(place({ partitions: 1 }))
    const due = Array.from({ length: 1_500 }, (_, index) => insertion(`o-${index}`, { workflow: 'other', wakeAt: 1 }))
    await put(store, ...due, insertion('a', { wakeAt: 3 }), insertion('b', { wakeAt: 2 }))
    const claimed = await store.claim({ holder: 'w', lease: 60_000, limit: 1, serves })
    expect(claimed.map(({ id }) => id)).toEqual(['b'])
  })
})

describe('redis in trouble', () => {
  needsServer('redis')

  it('killed and started again: typed errors meanwhile, then everything is there and goes on', async () => {
    const server = await started()
    const store = opened({ url: server.url, timeout: 20_000 })
    const first = await putOne(store, insertion('a', { rows: 1 }, [row(1)]))
    const heard: string[] = []
    store.subscribe?.((id) => heard.push(id))
    await server.kill()
    const begin = performance.now()
    await refuses('STORE_UNAVAILABLE', 'a write', () => store.write([update(first)]))
    await refuses('STORE_UNAVAILABLE', 'a read', () => store.read('a'))
    expect(performance.now() - begin).toBeLessThan(10_000)
    await server.start()
    const second = update(first, { rows: 2 }, [row(2)])
    await eventually(async () => (await store.write([second]))[0]?.ok === true)
    await stands(store, second.header, [1, 2])
    let request = 0
    await eventually(async () => {
      const mail = { requestId: `r-${request++}`, mode: 'sequential', hash: '', body: '1', appendedAt: 1 } as const
      await store.append([{ header: header('a'), mail }])
      return heard.includes('a')
    })
  })

  it('out of memory: STORE_FULL, every instance at its old revision, and the retry works when there is room', async () => {
    const server = await started()
    const store = opened({ url: server.url })
    const client = connected(server.url)
    const mail = { requestId: 'r', mode: 'sequential', hash: '', body: '1', appendedAt: 1 } as const
    const first = await putOne(store, insertion('a', { rows: 1, wakeAt: 5 }, [row(1)]))
    await client.config('SET', 'maxmemory', '1mb')
    const second = update(first, { rows: 2, wakeAt: null, status: 'completed' }, [row(2, { place: row(1).place })])
    await refuses('STORE_FULL', 'a write', () => store.write([second, insertion('b')]))
    await refuses('STORE_FULL', 'an append', () => store.append([{ header: header('a'), mail }]))
    await refuses('STORE_FULL', 'a claim', () => store.claim({ holder: 'w', lease: 1, limit: 1, serves }))
    await stands(store, first, [1])
    expect(await walk(store, { limit: 10 })).toEqual(['a'])
    await client.config('SET', 'maxmemory', '0')
    await put(store, second)
    await stands(store, second.header, [1, 2])
    expect(await store.claim({ holder: 'w', lease: 1, limit: 1, serves })).toEqual([])
  })

  it('full before its first use: STORE_FULL, and it begins when there is room', async () => {
    const server = await started({ maxmemory: '1mb' })
    const store = opened({ url: server.url })
    await refuses('STORE_FULL', 'a write', () => store.write([insertion('a')]))
    await connected(server.url).config('SET', 'maxmemory', '0')
    await put(store, insertion('a'))
  })

  it('stopped: a call fails within its timeout, and the next works when the server goes on', async () => {
    const server = await started()
    const store = opened({ url: server.url, timeout: 200 })
    await put(store, insertion('a'))
    process.kill(server.pid, 'SIGSTOP')
    await refuses('STORE_UNAVAILABLE', 'a read', () => store.read('a'))
    process.kill(server.pid, 'SIGCONT')
    await eventually(async () => (await store.read('a')) !== undefined)
  })

  it('a replica: STORE_UNAVAILABLE that says so', async () => {
    const server = await started()
    const store = opened({ url: server.url })
    await put(store, insertion('a'))
    const client = connected(server.url)
    await client.replicaof('127.0.0.1', 1)
    const refused = Promise.resolve(store.write([insertion('b')]))
    await expect(refused).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/replica/),
    })
    await client.replicaof('NO', 'ONE')
    await eventually(async () => (await store.write([insertion('b')]))[0]?.ok === true)
  })

  it('a wrong password, and a user who may not: STORE_INVALID, and no password in it', async () => {
    const server = await started({ requirepass: 'right' })
    const withPassword = (user: string): string => server.url.replace('//', `//${user}@`)
    const client = connected(withPassword(':right'))
    await client.acl('SETUSER', 'reader', 'on', '>s3cret', '~*', '+@read', '+hello', '+info')
    for (const user of [':s3cret', 'reader:s3cret']) {
      const failure = await Promise.resolve(opened({ url: withPassword(user) }).write([insertion('a')])).then(
        () => undefined,
        (error: Error & { code: string }) => error,
      )
      expect(failure?.code).toBe('STORE_INVALID')
      expect(`${failure?.stack} ${JSON.stringify(failure?.cause)} ${String(failure?.cause)}`).not.toContain('s3cret')
    }
    await put(opened({ url: withPassword(':right') }), insertion('a'))
  })

  it('a user with the permissions that the docs name can do everything', async () => {
    const server = await started()
    const docs = readFileSync(new URL('../../docs/stores-redis.md', import.meta.url), 'utf8')
    const rules = docs.match(/\+@?[a-z|]+(?=[ `])/g) ?? []
    expect(rules.length).toBeGreaterThan(8)
    await connected(server.url).acl('SETUSER', 'app', 'on', '>pw', '~{mine*', '&mine:mail', ...rules)
    const store = opened({ url: server.url.replace('//', '//app:pw@'), prefix: 'mine', requireDurable: true })
    const heard: string[] = []
    store.subscribe?.((id) => heard.push(id))
    await put(store, insertion('a', { wakeAt: 1 }, [row(1)]))
    let request = 0
    await eventually(async () => {
      const mail = { requestId: `r-${request++}`, mode: 'sequential', hash: '', body: '1', appendedAt: 1 } as const
      await store.append([{ header: header('a'), mail }])
      return heard.includes('a')
    })
    const [claimed] = await store.claim({ holder: 'w', lease: 60_000, limit: 1, serves })
    await put(store, { ...update(claimed!), handled: { seq: 1, outcome: 'done', at: 1 } })
    expect((await store.list({ limit: 1 })).items.length).toBe(1)
    expect((await store.mail('a', { limit: 1 })).length).toBe(1)
    expect((await store.history('a', { limit: 1 })).length).toBe(1)
    expect(await store.prune(2, 1)).toBe(1)
    expect(await store.request('a', 'r-0')).toBe(undefined)
    const meta = { kind: 'graph', key: 'a', revision: 1, value: '1', expiresAt: 5 }
    expect(await store.setMeta(meta, null)).toEqual({ ok: true })
    expect(await store.meta('graph', 'a')).toBeUndefined()
    expect(await store.listMeta('graph', { limit: 1 })).toEqual([])
    expect(await store.prune(2, 1)).toBe(1)
    const { header: last } = (await store.read('a'))!
    expect(await store.remove([{ id: 'a', expected: last, tombstone: { ...last, status: 'deleted' } }])).toMatchObject([
      { ok: true },
    ])
  })

  it('requireDurable refuses a server that may lose what it acknowledged', async () => {
    const server = await started()
    await put(opened({ url: server.url, requireDurable: true }), insertion('a'))
    await connected(server.url).config('SET', 'appendfsync', 'everysec')
    const store = opened({ url: server.url, requireDurable: true })
    await refuses('STORE_INVALID', 'everysec', () => store.read('a'))
    await connected(server.url).config('SET', 'appendfsync', 'always')
    await stands(store, header('a'), [])
  })

  it('never there at all: STORE_UNAVAILABLE, and it can be closed', async () => {
    const store = redisStore({ url: 'redis://127.0.0.1:1' })
    const end = store.subscribe?.(() => undefined)
    await refuses('STORE_UNAVAILABLE', 'a read', () => store.read('a'))
    end?.()
    await store.close()
  })
})

describe('redisStore', () => {
  const odd: [string, RedisStoreOptions][] = [
    ['an empty prefix', { prefix: '' }],
    ['braces in the prefix', { prefix: '{a}' }],
    ['no partitions', { partitions: 0 }],
    ['half a partition', { partitions: 1.5 }],
    ['another protocol', { url: 'http://secret@localhost' }],
    ['no time', { timeout: 0 }],
    ['a prefix of the client', { connection: { keyPrefix: 'a' } }],
    ['a client that is none', { client: {} as never }],
  ]
  it.each(odd)('refuses %s', (_, options) => {
    expect(() => redisStore(options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
    expect(() => redisStore(options)).not.toThrow(/secret/)
  })

  it('says what to install where there is no ioredis', async () => {
    await refuses('DRIVER_MISSING', 'nothing there', () => loadDriver(() => Promise.reject(new Error('Cannot find'))))
    await refuses('DRIVER_MISSING', 'something else there', () => loadDriver(() => Promise.resolve({})))
  })
})

async function eventually(probe: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await probe().catch(() => false)) return
    await new Promise((done) => setTimeout(done, 25))
  }
  throw new Error('it did not come true within 10 seconds')
}
