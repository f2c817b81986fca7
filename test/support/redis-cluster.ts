/** A Redis Cluster of three primaries for tests. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Cluster } from 'ioredis'
import { type RedisServer, startRedis } from './redis-server.ts'

export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  /** A new client. The caller's to end. */
  connect(): Cluster
  stop(): Promise<void>
}

export async function startCluster(): Promise<RedisCluster> {
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '5000' }
  const started = await Promise.all([1, 2, 3].map(() => startRedis({ settings })))
  const nodes = started.filter((one) => !('missing' in one)) as RedisServer[]
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  const connect = (): Cluster => {
    const cluster = new Cluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
    cluster.on('error', () => undefined)
    return cluster
  }
  try {
    const missing = started.find((one) => 'missing' in one)
    if (missing !== undefined && 'missing' in missing) throw new Error(missing.missing)
    const places = nodes.map(({ port }) => `127.0.0.1:${port}`)
    await promisify(execFile)('redis-cli', ['--cluster', 'create', ...places, '--cluster-yes'])
    const client = connect()
    await client.ping()
    client.disconnect()
    return { nodes, connect, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
