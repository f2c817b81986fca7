import type { Command } from 'commander'
import { withYes } from '../act.ts'
import type { YesOptions } from '../act.ts'
import { pathOf } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import { confirm } from '../confirm.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'

/** Removes an instance and its history. */
export function deleteCommand(parent: Command, cli: Cli): void {
  withYes(withPlace(parent.command('delete').argument('<id>', 'of the instance')))
    .description('delete an instance with its history')
    .action(async (id: string, options: YesOptions) => {
      await confirm(cli.io, `Delete ${id} and its history for good?`, options.yes)
      await at(cli, options, { need: 'looks', id }, (api) => api.send('DELETE', pathOf(id)))
      cli.io.out(options.json ? asJson({ deleted: [id] }) : `${id} is deleted.\n`)
    })
}
