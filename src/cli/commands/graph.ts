import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Option } from 'commander'
import type { Command } from 'commander'
import type { PlanJson } from '../../index.ts'
import { getJson, pathOf, workflowsOf } from '../api/api.ts'
import type { Api } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import { planOf } from '../api/plans.ts'
import type { Entry, Explanation } from '../api/views.ts'
import { drawGraph } from '../draw/graph.ts'
import { graphSvg } from '../draw/svg.ts'
import { standingOf } from '../draw/states.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { didYouMean } from '../near.ts'
import { columnsOf } from '../term/screen.ts'
import { counted, line, painted, span } from '../term/text.ts'
import type { Line } from '../term/text.ts'
import { Trouble } from '../trouble.ts'
import { wholeNumber } from '../words.ts'

interface Options extends PlaceOptions {
  readonly format: 'terminal' | 'mermaid' | 'dot' | 'svg'
  readonly version?: number
  readonly id?: string
  readonly out?: string
}

/** The graph of a workflow, or of an instance with how it stands. */
export function graphCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('graph').argument('[workflow]', 'its name; needless where there is one only'))
    .addOption(
      new Option('--format <format>', 'how to draw it')
        .choices(['terminal', 'mermaid', 'dot', 'svg'])
        .default('terminal'),
    )
    .option('--version <number>', 'of the workflow; else the newest', wholeNumber)
    .option('--id <id>', "the graph of this instance's version, and how the instance stands")
    .option('--out <file>', 'where to write it; else to the standard output')
    .description('draw the graph of a workflow: in the terminal, as Mermaid, for Graphviz, or as SVG')
    .action(async (workflow: string | undefined, options: Options) => {
      const { id } = options
      const asked = {
        need: id === undefined ? ('reads' as const) : ('looks' as const),
        ...(workflow !== undefined && { workflow }),
        ...(id !== undefined && { id }),
      }
      const text = await at(cli, options, asked, (api) => drawn(api, workflow, options, cli))
      if (options.out === undefined) cli.io.out(text)
      else writeFileSync(resolve(cli.io.cwd, options.out), text)
    })
}

async function drawn(api: Api, workflow: string | undefined, options: Options, { io }: Cli): Promise<string> {
  const { id, format } = options
  const explanation = id === undefined ? undefined : await getJson<Explanation>(api, pathOf(id, '/explain'))
  const name = explanation?.workflow ?? (await chosen(api, workflow))
  const version = explanation?.version ?? options.version
  if (options.json) return asJson(await planOf(api, name, version))
  if (format === 'mermaid' || format === 'dot') {
    return (
      await api.send('GET', `/workflows/${encodeURIComponent(name)}/graph`, { query: { version, format } })
    ).text()
  }
  const plan = await planOf(api, name, version)
  const width = options.out === undefined ? columnsOf(io) : Infinity
  const standing = explanation === undefined ? undefined : await standingNow(api, plan, explanation)
  if (format === 'svg')
    return graphSvg(plan, explanation === undefined ? `${name} ${plan.version}` : explanation.id, standing)
  const lines = [titleOf(plan), line(''), ...drawGraph(plan, { width, ...standing })]
  return painted(lines, options.out === undefined && io.colors)
}

function titleOf({ workflow, version, targets, builders }: PlanJson): Line {
  const count = `${counted(builders.length, 'builder')}${targets.length === 0 ? '' : `, target ${targets.join(' or ')}`}`
  return line(span(workflow, 'bold'), ` ${version}`, span(`  ${count}`, 'dim'))
}

async function standingNow(api: Api, plan: PlanJson, explanation: Explanation): Promise<ReturnType<typeof standingOf>> {
  const entries: Entry[] = []
  for (let after: number | undefined = 0; after !== undefined;) {
    const page: { readonly entries: readonly Entry[]; readonly next?: number } = await getJson(
      api,
      pathOf(explanation.id, '/history'),
      { after, limit: 1_000 },
    )
    entries.push(...page.entries)
    after = page.next
  }
  return standingOf({ plan, explanation, entries, now: Date.now() })
}

/** The workflow that is meant. @throws {@link Trouble} */
export async function chosen(api: Api, named: string | undefined): Promise<string> {
  const names = (await workflowsOf(api)).map(({ name }) => name)
  if (named !== undefined) {
    if (names.includes(named)) return named
    const those =
      names.length === 0
        ? 'None is known: name the module that exports them by --module.'
        : `Those that exist: ${names.join(', ')}.`
    throw new Trouble(`There is no workflow '${named}'. ${those}${didYouMean(named, names)}`)
  }
  const [only, ...others] = names
  if (only === undefined) throw new Trouble('No workflow is known: name the module that exports them by --module.')
  if (others.length === 0) return only
  throw new Trouble(`Which workflow? Those that exist: ${names.join(', ')}.`)
}
