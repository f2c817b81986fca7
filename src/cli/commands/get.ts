import type { Command } from 'commander'
import { getJson, pathOf } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Instance } from '../api/views.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { standsLine } from '../show/outcome.ts'
import { dataLines } from '../show/values.ts'
import { counted, line, painted, span } from '../term/text.ts'
import type { Line } from '../term/text.ts'
import { dayText, distanceText } from '../term/time.ts'
import { columnsOf } from '../term/screen.ts'
import { wholeNumber } from '../words.ts'

/** An instance as it stands. */
export function getCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('get').argument('<id>', 'of the instance'))
    .option('--at <entry>', 'as it stood after this entry of its history', wholeNumber)
    .description('show an instance: its status, what it waits for, its data')
    .action(async (id: string, options: PlaceOptions & { readonly at?: number }) => {
      const instance = await at(cli, options, { need: 'looks', id }, (api) =>
        getJson<Instance>(api, pathOf(id), { at: options.at }),
      )
      const { io } = cli
      io.out(options.json ? asJson(instance) : painted(linesOf(instance, columnsOf(io)), io.colors))
    })
}

function linesOf(instance: Instance, width: number): Line[] {
  const { createdAt, updatedAt, scopes, failure, retries = [], data } = instance
  const times = `created ${dayText(createdAt)}, updated ${dayText(updatedAt)} UTC, ${counted(scopes, 'scope')}`
  return [
    standsLine(instance),
    line(span(`  ${times}`, 'dim')),
    ...(failure === undefined ? [] : [line(span(`  ${failure.builder} failed: ${failure.message}`, 'red'))]),
    ...retries.map(({ builder, attempt, retryAt }) =>
      line(span(`  ${builder} failed (try ${attempt}), again ${distanceText(retryAt, Date.now())}`, 'yellow')),
    ),
    ...dataLines(data, width),
  ]
}
