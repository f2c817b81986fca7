import type { Command } from 'commander'
import { act, given, withReason, withYes } from '../act.ts'
import type { ReasonOptions, YesOptions } from '../act.ts'
import { confirm } from '../confirm.ts'
import type { Cli } from '../io.ts'

/** Begins again from what was fed. */
export function restartCommand(parent: Command, cli: Cli): void {
  withYes(withReason(parent.command('restart').argument('<id>', 'of the instance')))
    .description('begin again from what was fed: every builder runs again, also those that run once')
    .action(async (id: string, options: ReasonOptions & YesOptions) => {
      await confirm(cli.io, `Restart ${id}? Its builders run again, also those that run once.`, options.yes)
      await act(cli, options, { id, part: '/restart', body: given({ reason: options.reason }) })
    })
}
