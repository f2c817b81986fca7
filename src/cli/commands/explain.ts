import type { Command } from 'commander'
import { look } from '../act.ts'
import { withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Explanation } from '../api/views.ts'
import type { Cli } from '../io.ts'
import { explanationLines } from '../show/explanation.ts'

/** Why an instance stands where it stands. */
export function explainCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('explain').argument('<id>', 'of the instance'))
    .description('say what an instance waits for and why, builder by builder')
    .action((id: string, options: PlaceOptions) =>
      look<Explanation>(cli, options, { id, part: '/explain' }, (found, width) =>
        explanationLines(found, width, Date.now()),
      ),
    )
}
