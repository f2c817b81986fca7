import { join } from 'node:path'
import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import { absoluteStore, makeDevFolder, readSettings } from '../api/project.ts'
import { parentChannel, SERVICE_COMMAND } from '../dev/child.ts'
import { runService } from '../dev/service.ts'
import { supervise } from '../dev/supervisor.ts'
import type { Cli } from '../io.ts'
import { Trouble } from '../trouble.ts'

interface Options {
  readonly store?: string
  readonly port?: number
  readonly reload: boolean
  readonly open?: boolean
}

/** A service with store, worker and HTTP, for the folder it is called in. */
export function devCommand(parent: Command, cli: Cli): void {
  const { io } = cli
  parent
    .command('dev')
    .argument('[module]', 'exports the workflows, and the services they ask for; else that of package.json')
    .option('--store <url>', 'postgres://…, redis://… or a SQLite file; else POLARIS_STORE, or .polaris/dev.db')
    .option(
      '--port <number>',
      'of the service; 0 is any that is free (default: 8787, or any if that is taken)',
      portNumber,
    )
    .option('--open', 'open the dashboard in the browser, that of BROWSER if it is set')
    .option('--no-reload', 'do not load the module again when its files change')
    .description('run workflows as a service on this machine: store, worker and HTTP; loads changes')
    .action(async (named: string | undefined, { store, port, reload, open = false }: Options) => {
      const settings = readSettings(io.cwd)
      const module = named ?? io.env['POLARIS_MODULE'] ?? settings.module
      if (module === undefined) throw new Trouble('Which module? Such as: polaris dev src/workflows.ts')
      const kept = store ?? io.env['POLARIS_STORE'] ?? settings.store
      await supervise(io, {
        ...{ module, port, reload, open },
        store: kept === undefined ? devStore(io.cwd) : absoluteStore(kept, io.cwd),
        // Nobody else's instances are in a store of its own.
        acceptChanged: kept === undefined,
      })
    })
  parent.command(SERVICE_COMMAND, { hidden: true }).action(() => runService(io, parentChannel()))
}

function devStore(cwd: string): string {
  return join(makeDevFolder(cwd), 'dev.db')
}

/** @throws `InvalidArgumentError` */
function portNumber(text: string): number {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number <= 65_535) return number
  throw new InvalidArgumentError('It must be a number from 0 to 65535.')
}
