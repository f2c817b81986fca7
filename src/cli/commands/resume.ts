import type { Command } from 'commander'
import { act } from '../act.ts'
import { withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Cli } from '../io.ts'

/** Goes on after a failure or a crash. */
export function resumeCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('resume').argument('<id>', 'of the instance'))
    .description('go on with an instance after a failure or a crash: run what is due')
    .action((id: string, options: PlaceOptions) => act(cli, options, { id, part: '/resume', body: {} }))
}
