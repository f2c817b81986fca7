import type { Command } from 'commander'
import { getJson, pathOf } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { BuilderRuns } from '../api/views.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { line, painted, span, table } from '../term/text.ts'
import { dayText, spanText } from '../term/time.ts'

const COLUMNS = ['tries', 'failed', 'last took', 'mean', 'longest'].map((title) => ({ title, right: true as const }))

/** How often the builders of an instance were tried, and how long that took. */
export function buildersCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('builders').argument('<id>', 'of the instance'))
    .description('count how often each builder of an instance was tried, how often it failed and how long it took')
    .action(async (id: string, options: PlaceOptions) => {
      const found = await at(cli, options, { need: 'looks', id }, (api) =>
        getJson<BuilderRuns>(api, pathOf(id, '/builders')),
      )
      cli.io.out(options.json ? asJson(found) : shown(found, cli.io.colors))
    })
}

function shown({ builders, complete }: BuilderRuns, colors: boolean): string {
  if (builders.length === 0) return 'No builder has run.\n'
  const rows = builders.map(({ name, runs, failures, lastAt, ms }) => [
    ...[name, String(runs + failures), span(String(failures), failures > 0 ? 'red' : undefined)],
    ...[spanText(ms.last), spanText(ms.mean), spanText(ms.max), dayText(lastAt)],
  ])
  const lines = table([{ title: 'builder' }, ...COLUMNS, { title: 'last (UTC)' }], rows)
  const rest = complete ? [] : [line(span('The history is longer than what was read of it.', 'dim'))]
  return painted([...lines, ...rest], colors)
}
