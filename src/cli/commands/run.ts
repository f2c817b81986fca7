import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import type { Api } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Outcome } from '../api/views.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { outcomeLines } from '../show/outcome.ts'
import { columnsOf } from '../term/screen.ts'
import { painted } from '../term/text.ts'
import { watchInstance } from '../watch/watch.ts'
import { deltaOf, feed } from './feed.ts'
import { chosen } from './graph.ts'

interface Options extends PlaceOptions {
  readonly id?: string
  readonly file?: string
  readonly sequential?: true
}

/** Begins an instance, and looks on until it rests. */
export function runCommand(parent: Command, cli: Cli): void {
  withPlace(
    parent
      .command('run')
      .argument('[workflow]', 'its name; needless where there is one only')
      .argument('[data...]', `Name='<JSON>', or a JSON object of data by their names`),
  )
    .option('--id <id>', 'of the new instance; else a random one')
    .option('--file <file>', 'a JSON object of data by their names; - is the standard input')
    .option('--sequential', 'one builder at a time')
    .description('begin an instance and look on until it rests; without a store, nothing is kept')
    .action(async (first: string | undefined, rest: readonly string[], options: Options) => {
      const isData = first !== undefined && /[={[]/.test(first)
      const delta = await deltaOf(isData ? [first, ...rest] : rest, options.file, cli)
      const named = isData ? undefined : first
      const asked = { need: 'tries' as const, ...(named !== undefined && { workflow: named }) }
      const outcome = await at(cli, options, asked, async (api) => {
        const workflow = await chosen(api, named)
        const id = options.id ?? `${workflow}-${randomBytes(4).toString('hex')}`
        return lookedAt(api, id, cli, options, () => feed(api, id, delta, { ...options, workflow, expect: 'new' }))
      })
      const { io } = cli
      io.out(options.json ? asJson(outcome) : painted(outcomeLines(outcome, columnsOf(io)), io.colors))
    })
}

/** In a terminal, with its graph drawn meanwhile. */
async function lookedAt(
  api: Api,
  id: string,
  { io }: Cli,
  { json }: Options,
  move: () => Promise<Outcome>,
): Promise<Outcome> {
  if (json || io.terminal === undefined) return move()
  const moving = move()
  await watchInstance(api, id, io, { until: moving, stay: true })
  return moving
}
