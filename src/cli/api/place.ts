/** Where a command acts, and on what. */
import type { Command } from 'commander'
import type { Cli, Io } from '../io.ts'
import { loadModule } from '../load.ts'
import type { UserModule } from '../load.ts'
import { Trouble } from '../trouble.ts'
import { checkAnswer, Refusal } from './api.ts'
import type { Api } from './api.ts'
import { hintsFor } from './hints.ts'
import type { Asked } from './hints.ts'
import { localApi } from './local.ts'
import { readDevFile, readSettings } from './project.ts'
import { remoteApi } from './remote.ts'
import type { Service } from './remote.ts'

/** Options of every command that looks at instances or moves them. */
export interface PlaceOptions {
  readonly module?: string
  readonly store?: string
  readonly url?: string
  readonly token?: string
  readonly json?: true
}

export function withPlace(command: Command): Command {
  return command
    .option('--module <file>', 'exports the workflows; else POLARIS_MODULE, package.json, or that of polaris dev')
    .option('--store <url>', 'postgres://…, redis://… or a SQLite file; else POLARIS_STORE, package.json')
    .option('--url <url>', 'a running service instead; else POLARIS_URL, or that of polaris dev')
    .option('--token <token>', "the service's token; else POLARIS_TOKEN")
    .option('--json', 'for programs')
}

export type Need =
  /** Builders may run: their services are needed. */
  | 'acts'
  /** Nothing runs. */
  | 'looks'
  /** The same, where a store that is gone with the process will do. */
  | 'tries'
  /** Workflows alone are asked for, so that a module will do. */
  | 'reads'

/**
 * Finds the place, does something there, and leaves it in order.
 *
 * @throws {@link Trouble}, {@link Refusal} with what to do about it
 */
export async function at<T>(
  { io }: Cli,
  options: PlaceOptions,
  { need, ...asked }: Asked & { readonly need: Need },
  act: (api: Api) => Promise<T>,
): Promise<T> {
  const api = await openPlace(io, options, need)
  try {
    return await act(api)
  } catch (error) {
    if (error instanceof Refusal) error.hints.push(...(await hintsFor(api, error, asked)))
    throw error
  } finally {
    await api.close()
  }
}

/**
 * What is named outright counts first: a service, then a store. Then the service that `polaris dev` runs in this project,
 * then the project's store.
 *
 * @throws {@link Trouble}
 */
async function openPlace(io: Io, options: PlaceOptions, need: Need): Promise<Api> {
  const { env, cwd } = io
  const named = options.url ?? (options.store === undefined ? filled(env['POLARIS_URL']) : undefined)
  if (named !== undefined) return remoteApi(serviceOf(named, options.token ?? filled(env['POLARIS_TOKEN'])))
  const settings = readSettings(cwd)
  const dev = readDevFile(cwd)
  const store = options.store ?? filled(env['POLARIS_STORE'])
  const service = store === undefined && options.module === undefined ? dev?.service : undefined
  if (service !== undefined && (await answers(service))) return remoteApi(service)
  const module = options.module ?? filled(env['POLARIS_MODULE']) ?? settings.module ?? dev?.module
  const kept = store ?? settings.store ?? dev?.store
  const needless = module !== undefined && (need === 'reads' || need === 'tries')
  if (kept === undefined && !needless) throw nowhere()
  const loaded = module === undefined ? undefined : await loadModule(module, cwd)
  return localApi({
    cwd,
    store: kept,
    workflows: loaded?.workflows ?? [],
    services: await servicesFor(loaded, need, module),
  })
}

function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

function serviceOf(url: string, token: string | undefined): Service {
  if (!/^https?:\/\/[^\s]+$/.test(url))
    throw new Trouble(`--url takes the address of a service, such as http://127.0.0.1:8787, not ${url}.`)
  return { url, ...(token !== undefined && { token }) }
}

async function answers({ url, token }: Service): Promise<boolean> {
  try {
    const headers = { authorization: `Bearer ${token ?? ''}` }
    await checkAnswer(await fetch(`${url}/api`, { headers, signal: AbortSignal.timeout(2_000) }))
    return true
  } catch {
    return false
  }
}

/** @throws {@link Trouble} if builders may run and lack a service */
async function servicesFor(module: UserModule | undefined, need: Need, path = ''): Promise<object> {
  const wanted = new Set(module?.workflows.flatMap(({ plan }) => plan.builders.flatMap(({ services }) => services)))
  if ((need !== 'acts' && need !== 'tries') || module === undefined)
    return Object.fromEntries(Array.from(wanted, (name) => [name, 'unused']))
  const given = await module.services()
  const missing = [...wanted].filter((name) => given[name] === undefined)
  if (missing.length === 0) return given
  throw new Trouble(
    `Builders of ${path} ask for services that it does not export: ${missing.join(', ')}. ` +
      'Export them from it: `export const services = { … }`, or a function that makes them. ' +
      'Or let a running service do it: name it by --url.',
  )
}

function nowhere(): Trouble {
  return new Trouble(
    [
      'Where are the instances? One of these says it:',
      '  polaris dev <module>    runs a service here; other commands in this folder find it',
      '  --store <url>           postgres://…, redis://…, or the path of a SQLite file; or POLARIS_STORE',
      '  --url <url>             a running service; or POLARIS_URL, with POLARIS_TOKEN',
      '  package.json            "polaris": { "module": "src/workflows.ts", "store": "data/app.db" }',
    ].join('\n'),
  )
}
