import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { DataStore } from '../index.ts'
import { readDevFile, readSettings } from './api/project.ts'
import type { Io } from './io.ts'
import { Trouble } from './trouble.ts'

/**
 * The store that is meant: the named one, that of the environment or the project, or that of `polaris dev`.
 *
 * @throws {@link Trouble}
 */
export function storeNamed(io: Pick<Io, 'cwd' | 'env'>, url: string | undefined): string {
  const named = [url, io.env['POLARIS_STORE'], readSettings(io.cwd).store, readDevFile(io.cwd)?.store]
  const found = named.find((each) => each !== undefined && each !== '')
  if (found !== undefined) return found
  throw new Trouble(
    'Which store? Name it by --store or POLARIS_STORE: postgres://…, redis://…, or the path of a SQLite file.',
  )
}

/**
 * The module that is meant: the named one, that of the environment or the project, or that of `polaris dev`.
 *
 * @throws {@link Trouble}
 */
export function moduleNamed(io: Pick<Io, 'cwd' | 'env'>, module: string | undefined, command: string): string {
  const named = [module, io.env['POLARIS_MODULE'], readSettings(io.cwd).module, readDevFile(io.cwd)?.module]
  const found = named.find((each) => each !== undefined && each !== '')
  if (found !== undefined) return found
  throw new Trouble(`Which module? Such as: polaris ${command} src/workflows.ts; or POLARIS_MODULE.`)
}

export interface OpenOptions {
  readonly cwd: string
  /** Makes a SQLite file that is not there: elsewhere it would be a slip of the pen. */
  readonly create?: boolean
}

/**
 * Opens the store that a URL names: `postgres://…`, `redis://…`, or a SQLite file, with or without `sqlite:`.
 *
 * @throws {@link Trouble}
 */
export async function openStore(url: string, { cwd, create = false }: OpenOptions): Promise<DataStore> {
  if (/^postgres(ql)?:/.test(url)) {
    const { postgresStore } = await import('../stores/postgres.ts')
    return postgresStore({ connectionString: url })
  }
  if (/^rediss?:/.test(url)) {
    const { redisStore } = await import('../stores/redis.ts')
    return redisStore({ url })
  }
  if (/^[a-z][a-z+]*:\/\//i.test(url)) {
    throw new Trouble(`No store is known for ${url}: it takes postgres://…, redis://…, or the path of a SQLite file.`)
  }
  const file = url.replace(/^sqlite:/, '')
  const path = resolve(cwd, file)
  if (!create && !existsSync(path)) {
    throw new Trouble(
      `There is no SQLite file ${file} (looked at ${path}). Who begins a new one: polaris dev, or a service.`,
    )
  }
  const { sqliteStore } = await import('../stores/sqlite.ts')
  return sqliteStore(path)
}
