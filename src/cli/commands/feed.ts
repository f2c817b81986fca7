import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Option } from 'commander'
import type { Command } from 'commander'
import { getJson, pathOf, postJson, Refusal, workflowsOf } from '../api/api.ts'
import type { Api } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Instance, Outcome } from '../api/views.ts'
import { readDelta } from '../delta.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { outcomeLines } from '../show/outcome.ts'
import { columnsOf } from '../term/screen.ts'
import { painted } from '../term/text.ts'
import { Trouble } from '../trouble.ts'
import { wholeNumber } from '../words.ts'
import { chosen } from './graph.ts'

interface Options extends PlaceOptions {
  readonly workflow?: string
  readonly file?: string
  readonly expect?: 'new' | 'existing'
  readonly requestId?: string
  readonly about?: number
  readonly sequential?: true
  readonly submit?: true
}

/** Hands data to an instance, which begins if it is new. */
export function feedCommand(parent: Command, cli: Cli): void {
  withPlace(
    parent
      .command('feed')
      .argument('<id>', 'of the instance; it begins if there is none')
      .argument('[data...]', `Name='<JSON>', or a JSON object of data by their names`),
  )
    .option('--workflow <name>', 'of a new instance; needless where there is one workflow only')
    .option('--file <file>', 'a JSON object of data by their names; - is the standard input')
    .addOption(new Option('--expect <what>', 'refuse it unless the instance is so').choices(['new', 'existing']))
    .option('--request-id <id>', 'sent again under it, the same data count once')
    .option('--about <entry>', 'what the data are about is the datum of this entry of the history', wholeNumber)
    .option('--sequential', 'one builder at a time')
    .option('--submit', 'store the data and return; a worker goes on')
    .description('hand data to an instance, and run what can run')
    .action(async (id: string, words: readonly string[], options: Options) => {
      checkOrder(id)
      const delta = await deltaOf(words, options.file, cli)
      if (Object.keys(delta).length === 0) {
        throw new Trouble(
          `Feed what? Such as: polaris feed ${id} RideEnded='{"minutes": 12}'. polaris resume goes on without data.`,
        )
      }
      const { workflow, submit } = options
      const asked = {
        need: submit ? ('looks' as const) : ('acts' as const),
        id,
        ...(workflow !== undefined && { workflow }),
      }
      const outcome = await at(cli, options, asked, (api) => feed(api, id, delta, options))
      if (options.json) cli.io.out(asJson(outcome))
      else if (submit) cli.io.out(`${id}: stored; a worker goes on with it.\n`)
      else cli.io.out(painted(outcomeLines(outcome, columnsOf(cli.io)), cli.io.colors))
    })
}

/** Ids may be any text; what looks like data was meant to be some. @throws {@link Trouble} */
function checkOrder(id: string): void {
  if (!/^[^\s={["]+=\s*[{["\d]/.test(id) && !/^\s*\{/.test(id)) return
  throw new Trouble(`Of which instance? Its id comes first: polaris feed <id> ${id}`)
}

export async function feed(
  api: Api,
  id: string,
  delta: object,
  options: Pick<Options, 'workflow' | 'expect' | 'requestId' | 'about' | 'sequential' | 'submit'>,
): Promise<Outcome> {
  const { expect, requestId, about, sequential, submit } = options
  const workflow = await workflowFor(api, id, options.workflow)
  return postJson<Outcome>(api, `/workflows/${encodeURIComponent(workflow)}${pathOf(id)}`, delta, {
    query: { expect, about, mode: submit ? 'submit' : sequential ? 'sequential' : undefined },
    ...(requestId !== undefined && { headers: { 'idempotency-key': requestId } }),
  })
}

/** What is to be fed, as it was typed. @throws {@link Trouble} */
export async function deltaOf(words: readonly string[], file: string | undefined, cli: Cli): Promise<object> {
  return readDelta(words, await fileText(file, cli))
}

/** The named one, that of the instance, or the only one there is. */
async function workflowFor(api: Api, id: string, named: string | undefined): Promise<string> {
  if (named !== undefined) return chosen(api, named)
  if ((await workflowsOf(api)).length === 1) return chosen(api, undefined)
  try {
    return (await getJson<Instance>(api, pathOf(id))).workflow
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'INSTANCE_NOT_FOUND') throw error
  }
  const names = (await workflowsOf(api)).map(({ name }) => name)
  const those =
    names.length === 0
      ? 'none is known: name the module that exports them by --module'
      : `those that exist: ${names.join(', ')}`
  throw new Trouble(
    `There is no instance '${id}', and of which workflow a new one is, --workflow has to say; ${those}.`,
  )
}

async function fileText(file: string | undefined, { io }: Cli): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return file === '-' ? await io.input() : readFileSync(resolve(io.cwd, file), 'utf8')
  } catch (error) {
    throw new Trouble(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}
