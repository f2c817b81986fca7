import type { Command } from 'commander'
import { look } from '../act.ts'
import { withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { BuilderRuns } from '../api/views.ts'
import type { Cli } from '../io.ts'
import { line, span, table } from '../term/text.ts'
import type { Line } from '../term/text.ts'
import { dayText, spanText } from '../term/time.ts'

const COLUMNS = ['tries', 'failed', 'last took', 'mean', 'longest'].map((title) => ({ title, right: true as const }))

/** How often the builders of an instance were tried, and how long that took. */
export function buildersCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('builders').argument('<id>', 'of the instance'))
    .description('count how often each builder of an instance was tried, how often it failed and how long it took')
    .action((id: string, options: PlaceOptions) => look<BuilderRuns>(cli, options, { id, part: '/builders' }, linesOf))
}

function linesOf({ builders, complete }: BuilderRuns): Line[] {
  if (builders.length === 0) return [line('No builder has run.')]
  const rows = builders.map(({ name, runs, failures, lastAt, ms }) => [
    ...[name, String(runs + failures), span(String(failures), failures > 0 ? 'red' : undefined)],
    ...[spanText(ms.last), spanText(ms.mean), spanText(ms.max), dayText(lastAt)],
  ])
  const lines = table([{ title: 'builder' }, ...COLUMNS, { title: 'last (UTC)' }], rows)
  const rest = complete ? [] : [line(span('The history is longer than what was read of it.', 'dim'))]
  return [...lines, ...rest]
}
