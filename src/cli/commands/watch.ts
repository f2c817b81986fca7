import type { Command } from 'commander'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Cli } from '../io.ts'
import { newestInstance } from '../watch/newest.ts'
import { watchInstance } from '../watch/watch.ts'

interface Options extends PlaceOptions {
  readonly stay?: true
}

/** An instance as it moves. */
export function watchCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('watch').argument('[id]', 'of the instance; else the one that moved last'))
    .option('--stay', 'go on when the instance is completed or cancelled')
    .description('look on while an instance moves: its graph, what it waits for, what happened')
    .action(async (id: string | undefined, options: Options) => {
      const { io } = cli
      await at(cli, options, { need: 'looks', ...(id !== undefined && { id }) }, async (api) => {
        const waits = (): void => io.err(`No instance yet in ${api.where}; this waits for the first one.\n`)
        const which = id ?? (await newestInstance(api, io.signal, waits))
        if (which !== undefined) await watchInstance(api, which, io, options)
      })
    })
}
