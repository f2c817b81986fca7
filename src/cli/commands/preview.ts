import { Argument } from 'commander'
import type { Command } from 'commander'
import { getJson, pathOf, Refusal } from '../api/api.ts'
import type { Api } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Ahead, Difference } from '../api/views.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { aheadLines } from '../show/ahead.ts'
import { columnsOf } from '../term/screen.ts'
import { painted } from '../term/text.ts'
import { Trouble } from '../trouble.ts'
import { wholeNumber } from '../words.ts'

const OPERATIONS = ['upgrade', 'resume', 'restart', 'rerun'] as const
type Operation = (typeof OPERATIONS)[number]

interface Options extends PlaceOptions {
  readonly to?: number
}

/** What an upgrade, or another operation, would do to an instance. Ends with 1 if it is not possible. */
export function previewCommand(parent: Command, cli: Cli): void {
  withPlace(
    parent
      .command('preview')
      .argument('<id>', 'of the instance')
      .addArgument(new Argument('[operation]', 'what would be done').choices(OPERATIONS).default('upgrade'))
      .argument('[builder]', 'which one would run again'),
  )
    .option('--to <version>', 'of an upgrade; else to the newest', wholeNumber)
    .description('say what an upgrade, resume, restart or rerun of an instance would do, without doing it')
    .action(async (id: string, operation: Operation, builder: string | undefined, options: Options) => {
      const { to } = options
      check(operation, builder, to)
      const { ahead, difference } = await at(
        cli,
        options,
        { need: 'looks', id, ...(builder !== undefined && { builder }) },
        async (api) => {
          const ahead = await getJson<Ahead>(api, pathOf(id, '/preview'), { operation, to, builder })
          return { ahead, difference: options.json ? undefined : await differenceFor(api, ahead) }
        },
      )
      const { io } = cli
      io.out(options.json ? asJson(ahead) : painted(aheadLines(ahead, difference, columnsOf(io)), io.colors))
      if (!ahead.possible) cli.exit(1)
    })
}

/** @throws {@link Trouble} */
function check(operation: Operation, builder: string | undefined, to: number | undefined): void {
  if (operation === 'rerun' && builder === undefined) {
    throw new Trouble('Which builder? Such as: polaris preview <id> rerun quoteFare.')
  }
  if (operation !== 'rerun' && builder !== undefined) throw new Trouble(`No builder is named with ${operation}.`)
  if (operation !== 'upgrade' && to !== undefined) throw new Trouble(`--to is of an upgrade, not of ${operation}.`)
}

/** In words what is new; nothing where the code of the older version is not there. */
async function differenceFor(api: Api, { workflow, from, to }: Ahead): Promise<Difference | undefined> {
  if (from === undefined || from === to) return undefined
  try {
    return await getJson<Difference>(api, `/workflows/${encodeURIComponent(workflow)}/differences`, { from, to })
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}
