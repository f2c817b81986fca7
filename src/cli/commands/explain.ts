import type { Command } from 'commander'
import { getJson, pathOf } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Explanation } from '../api/views.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { explanationLines } from '../show/explanation.ts'
import { columnsOf } from '../term/screen.ts'
import { painted } from '../term/text.ts'

/** Why an instance stands where it stands. */
export function explainCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('explain').argument('<id>', 'of the instance'))
    .description('say what an instance waits for and why, builder by builder')
    .action(async (id: string, options: PlaceOptions) => {
      const found = await at(cli, options, { need: 'looks', id }, (api) =>
        getJson<Explanation>(api, pathOf(id, '/explain')),
      )
      const { io } = cli
      io.out(options.json ? asJson(found) : painted(explanationLines(found, columnsOf(io), Date.now()), io.colors))
    })
}
