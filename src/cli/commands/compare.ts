import type { Command } from 'commander'
import { getJson } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Difference } from '../api/views.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { differenceLines } from '../show/ahead.ts'
import { columnsOf } from '../term/screen.ts'
import { painted } from '../term/text.ts'
import { wholeNumber } from '../words.ts'
import { chosen } from './graph.ts'

interface Options extends PlaceOptions {
  readonly from?: number
  readonly to?: number
}

/** What is different between two versions of a workflow, in words. */
export function compareCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('compare').argument('[workflow]', 'its name; needless where there is one only'))
    .option('--from <version>', 'the older one; else the newest but one', wholeNumber)
    .option('--to <version>', 'the newer one; else the newest', wholeNumber)
    .description('say in words what is different between two versions of a workflow')
    .action(async (workflow: string | undefined, options: Options) => {
      const { from, to } = options
      const asked = { need: 'reads' as const, ...(workflow !== undefined && { workflow }) }
      const found = await at(cli, options, asked, async (api) => {
        const name = await chosen(api, workflow)
        return getJson<Difference>(api, `/workflows/${encodeURIComponent(name)}/differences`, { from, to })
      })
      const { io } = cli
      io.out(options.json ? asJson(found) : painted(differenceLines(found, columnsOf(io)), io.colors))
    })
}
