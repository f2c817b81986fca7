import type { Command } from 'commander'
import { act, given, withReason, withYes } from '../act.ts'
import type { ReasonOptions, YesOptions } from '../act.ts'
import { confirm } from '../confirm.ts'
import type { Cli } from '../io.ts'

type Options = ReasonOptions & YesOptions & { readonly compensate?: true }

/** Ends an instance for good. */
export function cancelCommand(parent: Command, cli: Cli): void {
  withYes(withReason(parent.command('cancel').argument('<id>', 'of the instance')))
    .option('--compensate', 'undo what builders with `compensate` have done')
    .description('end an instance for good')
    .action(async (id: string, options: Options) => {
      const undoes = options.compensate ? ' and undo what it did' : ''
      await confirm(cli.io, `Cancel ${id} for good${undoes}?`, options.yes)
      const body = given({ reason: options.reason, compensate: options.compensate })
      await act(cli, options, { id, part: '/cancel', body, need: options.compensate ? 'acts' : 'looks' })
    })
}
