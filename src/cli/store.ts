import type { DataStore } from '../index.ts'
import { Trouble } from './trouble.ts'

/**
 * Opens the store that a URL names: `postgres://…`, `redis://…`, or a SQLite file, with or without `sqlite:`.
 *
 * @throws {@link Trouble}
 */
export async function openStore(url: string | undefined): Promise<DataStore> {
  const named = url ?? process.env['POLARIS_STORE']
  if (named === undefined || named === '') {
    throw new Trouble(
      'Which store? Name it by --store or POLARIS_STORE: postgres://…, redis://…, or the path of a SQLite file.',
    )
  }
  if (/^postgres(ql)?:/.test(named)) {
    const { postgresStore } = await import('../stores/postgres.ts')
    return postgresStore({ connectionString: named })
  }
  if (/^rediss?:/.test(named)) {
    const { redisStore } = await import('../stores/redis.ts')
    return redisStore({ url: named })
  }
  if (/^[a-z][a-z+]*:\/\//i.test(named)) {
    throw new Trouble(`No store is known for ${named}: it takes postgres://…, redis://…, or the path of a SQLite file.`)
  }
  const { existsSync } = await import('node:fs')
  const file = named.replace(/^sqlite:/, '')
  if (!existsSync(file)) throw new Trouble(`There is no SQLite file ${file}.`)
  const { sqliteStore } = await import('../stores/sqlite.ts')
  return sqliteStore(file)
}
