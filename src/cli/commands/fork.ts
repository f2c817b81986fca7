import type { Command } from 'commander'
import { act, given, withReason } from '../act.ts'
import type { ReasonOptions } from '../act.ts'
import type { Cli } from '../io.ts'
import { wholeNumber } from '../words.ts'

type Options = ReasonOptions & { readonly at?: number }

/** Copies an instance, as it is or as it was. */
export function forkCommand(parent: Command, cli: Cli): void {
  withReason(parent.command('fork').argument('<id>', 'of the instance').argument('<new-id>', 'of the copy'))
    .option('--at <entry>', 'as it stood after this entry of its history; else as it stands', wholeNumber)
    .description('copy an instance under another id, as it stands or as it stood; nothing runs')
    .action((id: string, copy: string, { at, reason, ...options }: Options) =>
      act(cli, options, { id, part: '/fork', body: given({ id: copy, at, reason }), need: 'looks' }),
    )
}
