import type { Command } from 'commander'
import { act, given, withReason } from '../act.ts'
import type { ReasonOptions } from '../act.ts'
import type { Cli } from '../io.ts'

/** Runs one builder again. */
export function rerunCommand(parent: Command, cli: Cli): void {
  withReason(parent.command('rerun').argument('<id>', 'of the instance').argument('<builder>', 'its name'))
    .description('run a builder again, also one that runs once, and all that depends on it')
    .action((id: string, builder: string, options: ReasonOptions) =>
      act(cli, options, { id, builder, part: '/rerun', body: given({ builder, reason: options.reason }) }),
    )
}
