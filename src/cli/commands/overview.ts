import type { Command } from 'commander'
import { getJson } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Overview, Standing } from '../api/views.ts'
import { STATUS_STYLE } from '../draw/states.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { counted, line, painted, span, table } from '../term/text.ts'
import type { Line } from '../term/text.ts'
import { dayText, spanText } from '../term/time.ts'
import { wholeNumber } from '../words.ts'
import { chosen } from './graph.ts'

interface Options extends PlaceOptions {
  readonly version?: number
}

/** How many instances there are and how they stand; of one workflow, where they stand and how its builders fare. */
export function overviewCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('overview').argument('[workflow]', 'where its open instances stand, and how builders fare'))
    .option('--version <number>', 'of that workflow; else the newest', wholeNumber)
    .description('count instances by workflow, version and status, or say where those of one workflow stand')
    .action(async (workflow: string | undefined, options: Options) => {
      const { version, json } = options
      const { io } = cli
      if (workflow === undefined) {
        const found = await at(cli, options, { need: 'looks' }, (api) => getJson<Overview>(api, '/overview'))
        return io.out(json ? asJson(found) : painted(overviewLines(found), io.colors))
      }
      const found = await at(cli, options, { need: 'looks', workflow }, async (api) => {
        const name = await chosen(api, workflow)
        return getJson<Standing>(api, `/workflows/${encodeURIComponent(name)}/standing`, { version })
      })
      io.out(json ? asJson(found) : painted(standingLines(found), io.colors))
    })
}

const STATUSES = ['running', 'waiting', 'retrying', 'failed', 'completed', 'cancelled'] as const

function overviewLines({ asOf, complete, looked, workflows }: Overview): Line[] {
  const versions = workflows.flatMap(({ workflow, versions }) => versions.map((each) => ({ workflow, ...each })))
  const rows = versions.map(({ workflow, version, served, counts, oldestOpen }) => [
    span(`${workflow} ${version}`, served ? undefined : 'dim'),
    ...STATUSES.map((status) => {
      const count = counts[status] ?? 0
      return span(String(count), count === 0 ? 'dim' : STATUS_STYLE[status])
    }),
    ...[oldestOpen === undefined ? '' : dayText(oldestOpen), served ? '' : span('its code is not here', 'yellow')],
  ])
  const counts = STATUSES.map((title) => ({ title, right: true as const }))
  const whole = complete ? '' : `, of the first ${looked}`
  return [
    ...table([{ title: 'workflow' }, ...counts, { title: 'oldest open (UTC)' }, { title: '' }], rows),
    line(span(`As of ${dayText(asOf)} UTC${whole}.`, 'dim')),
  ]
}

function standingLines({ workflow, version, open, recent, waitingFor, builders }: Standing): Line[] {
  const some = open.complete ? '' : 'the oldest and the newest '
  const waits = waitingFor.map(({ data, count }) =>
    line(`  ${String(count).padStart(5)} wait for `, span(data, 'yellow')),
  )
  const rows = builders.map(({ name, states, runs, failures, ms }) => [
    ...[name, String(states['done'] ?? 0), troubled(states), String(runs + failures)],
    span(String(failures), failures > 0 ? 'red' : undefined),
    ...(ms === undefined ? ['', ''] : [spanText(ms.p50), spanText(ms.p95)]),
  ])
  const columns = ['done', 'stuck', 'tries', 'failed', 'half within', '95 % within']
  return [
    line(span(`${workflow} ${version}`, 'bold'), `  ${some}${counted(open.looked, 'open instance')}`),
    ...waits,
    line(''),
    ...table([{ title: 'builder' }, ...columns.map((title) => ({ title, right: true as const }))], rows),
    line(span(`Tries are those of the newest ${counted(recent.looked, 'instance')}.`, 'dim')),
  ]
}

/** In how many instances a builder failed, or is to run and did not yet. */
function troubled(states: Readonly<Record<string, number>>): ReturnType<typeof span> {
  const count = (states['failed'] ?? 0) + (states['retrying'] ?? 0) + (states['due'] ?? 0)
  return span(String(count), count > 0 ? 'red' : undefined)
}
