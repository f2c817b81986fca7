import type { Command } from 'commander'
import { given, withYes } from '../act.ts'
import type { YesOptions } from '../act.ts'
import { getJson, pathOf, postJson } from '../api/api.ts'
import type { Api } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { Ahead } from '../api/views.ts'
import { confirm } from '../confirm.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { waiting } from '../progress.ts'
import { line, painted, span } from '../term/text.ts'
import { Trouble } from '../trouble.ts'
import { wholeNumber } from '../words.ts'
import { chosen } from './graph.ts'
import type { UpgradeReport } from '../../index.ts'

interface Options extends YesOptions {
  readonly from?: number
  readonly to?: number
  readonly id?: string
}

/** Moves open instances to another version. */
export function upgradeCommand(parent: Command, cli: Cli): void {
  withYes(withPlace(parent.command('upgrade').argument('<workflow>', 'its name')))
    .option('--from <version>', 'only instances of this version', wholeNumber)
    .option('--to <version>', 'else the newest', wholeNumber)
    .option('--id <id>', 'only this instance')
    .description('move the open instances of a workflow to another version at once')
    .action(async (named: string, options: Options) => {
      const { from, to, yes, id } = options
      if (id !== undefined && from !== undefined) throw new Trouble('--id names the instance: leave out --from.')
      const { io } = cli
      const report = await at(cli, options, { need: 'acts', workflow: named }, async (api: Api) => {
        const workflow = await chosen(api, named)
        if (id !== undefined) return one(cli, api, { workflow, id, to, yes })
        const which = `open instances of ${workflow}${from === undefined ? '' : ` ${from}`}`
        await confirm(io, `Move all ${which} to ${to === undefined ? 'the newest version' : `version ${to}`}?`, yes)
        const path = `/workflows/${encodeURIComponent(workflow)}/upgrade`
        return waiting(io, `moving ${which}`, postJson<UpgradeReport>(api, path, given({ version: from, to })))
      })
      io.out(options.json ? asJson(report) : shown(report, io.colors))
      if (report.stranded.length > 0) cli.exit(1)
    })
}

interface One {
  readonly workflow: string
  readonly id: string
  readonly to: number | undefined
  readonly yes: true | undefined
}

/** Says before what would run. */
async function one({ io }: Cli, api: Api, { workflow, id, to, yes }: One): Promise<UpgradeReport> {
  const ahead = await getJson<Ahead>(api, pathOf(id, '/preview'), { operation: 'upgrade', to })
  if (ahead.workflow !== workflow) throw new Trouble(`'${id}' is not of ${workflow}.`)
  const runs = ahead.wouldRun ?? []
  const because = runs.length === 0 ? 'Nothing would run' : `It would run ${runs.join(', ')}`
  const version = to === undefined ? 'the newest version' : `version ${to}`
  await confirm(io, `Move ${id} to ${version}? ${because}.`, yes)
  return waiting(io, `moving ${id}`, postJson<UpgradeReport>(api, pathOf(id, '/upgrade'), given({ to })))
}

function shown({ moved, failed, busy, stranded }: UpgradeReport, colors: boolean): string {
  const lines = [line(span(`${moved} moved.`, 'green'))]
  if (failed > 0)
    lines.push(line(span(`In ${failed} of them a builder has failed since: polaris list --status failed`, 'yellow')))
  if (busy > 0) lines.push(line(span(`${busy} were worked on by others the whole time: ask again.`, 'yellow')))
  for (const { count, message, ids } of stranded) {
    const some = ids.slice(0, 3).join(', ')
    lines.push(
      line(span(`${count} cannot move and stay as they are: ${message} [${some}${count > 3 ? ', …' : ''}]`, 'red')),
    )
  }
  return painted(lines, colors)
}
