/** P16: a store on a Redis Cluster. Every script touches keys of one slot only: a cluster refuses all others. */
import { randomUUID } from 'node:crypto'
import type { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { redisStore } from '../../src/stores/redis.ts'
import { header, insertion, put, walk } from '../../src/testing/conformance-kit.ts'
import { storeConformance } from '../../src/testing/conformance.ts'
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts'
import { needsServer } from '../support/server-media.ts'

describe('the redis store on a cluster of three', () => {
  needsServer('redis')
  let cluster: RedisCluster
  const clients: Cluster[] = []
  const connect = (): Cluster => {
    const client = cluster.connect()
    clients.push(client)
    return client
  }
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(async () => {
    for (const client of clients) client.disconnect()
    await cluster.stop()
  })

  // One client for all: its connections are the same, and a store leaves its caller's client open.
  let shared: Cluster | undefined
  const makeStore = () => {
    const prefix = `test:${randomUUID()}`
    const client = (shared ??= connect())
    return { open: () => redisStore({ client, prefix, partitions: 16 }), dispose: () => undefined }
  }
  for (const one of storeConformance(makeStore, { clock: true })) {
    it.skipIf(one.skipped !== undefined)(`${one.group}: ${one.name}`, one.run)
  }

  it('P16: spreads instances over all nodes, and lists and claims them all', async () => {
    const client = connect()
    const store = redisStore({ client, prefix: 'spread' })
    const ids = Array.from({ length: 300 }, (_, index) => `i-${index}`)
    await put(store, ...ids.map((id, index) => insertion(id, { wakeAt: 1, createdAt: index })))
    const sizes = await Promise.all(client.nodes('master').map((node) => node.keys('{spread:*:i:*')))
    expect(sizes.every(({ length }) => length > 30)).toBe(true)
    expect(await walk(store, { limit: 37 })).toEqual(ids)
    const serves = [{ workflow: header('x').workflow, version: header('x').version }]
    const claimed = await store.claim({ holder: 'w', lease: 60_000, limit: 1_000, serves })
    expect(claimed.map(({ id }) => id).sort()).toEqual([...ids].sort())
    await store.close()
  })
})
