/** The process that runs the service of `polaris dev`: one for each state of the user's files. */
import type { AddressInfo } from 'node:net'
import { BuilderError, isPolarisError, Polaris } from '../../index.ts'
import type { AnyBuilder, AnyWorkflow, Datum, HookInfo, Hooks } from '../../index.ts'
import { serve } from '../../http/index.ts'
import type { Served } from '../../http/index.ts'
import type { Io } from '../io.ts'
import { loadModule } from '../load.ts'
import { openStore } from '../store.ts'
import { line, paint, span } from '../term/text.ts'
import type { Style } from '../term/text.ts'
import { clockText, spanText } from '../term/time.ts'
import { Trouble } from '../trouble.ts'
import type { DevSettings, Order, Report } from './messages.ts'

/** The other process, as far as it is needed. */
export interface Channel {
  readonly tell: (report: Report) => void
  /** Orders as they come; ends when the other process is gone. */
  readonly orders: AsyncIterable<Order>
  /** Nothing is left to say: as long as they are connected, the process stays. */
  readonly close: () => void
}

interface Running {
  readonly polaris: Polaris
  readonly settings: DevSettings
  readonly hooks: Hooks
  served?: Served
}

export async function runService(io: Io, { tell, orders, close }: Channel): Promise<void> {
  let running: Running | undefined
  for await (const order of orders) {
    if (order.kind === 'stop') break
    try {
      if (order.kind === 'load') running = await load(io, order.settings, tell)
      else if (running !== undefined) await serveOn(io, running, order.port, tell)
    } catch (error) {
      tell({ kind: 'failed', ...wordsOf(error) })
    }
  }
  await running?.served?.close()
  await running?.polaris.close()
  close()
}

function wordsOf(error: unknown): { readonly message: string; readonly code?: string } {
  const code = (error as { readonly code?: unknown } | null)?.code
  const said = error instanceof Trouble || isPolarisError(error)
  const message = error instanceof Error ? (said ? error.message : (error.stack ?? error.message)) : 'It failed.'
  return { message, ...(typeof code === 'string' && { code }) }
}

/** Everything that can be wrong with the user's files shows here, before the process that serves the older ones is stopped. */
async function load(io: Io, settings: DevSettings, tell: Channel['tell']): Promise<Running> {
  const { module: path, store, cwd, acceptChanged } = settings
  const module = await loadModule(path, cwd, (files) => tell({ kind: 'files', files }))
  const polaris = new Polaris({
    store: await openStore(store, { cwd, create: true }),
    services: await module.services(),
    acceptChanged,
  })
  try {
    polaris.register(...(module.workflows as readonly never[])).schedule(...module.schedules)
    await polaris.start()
  } catch (error) {
    await polaris.close()
    throw isPolarisError(error, 'SERVICE_MISSING') ? withoutServices(path, error) : error
  }
  const workflows = module.workflows.map(({ name, version, plan }) => {
    return { name, version, inputs: plan.inputs, targets: plan.targets, builders: plan.builders.length }
  })
  tell({ kind: 'loaded', workflows })
  return { polaris, settings, hooks: logging(io) }
}

function withoutServices(path: string, { message }: Error): Trouble {
  return new Trouble(
    `${message.replace(/ Give them to .*$/, '')} Export them from ${path}: ` +
      '`export const services = { … }`, or a function that makes them.',
  )
}

async function serveOn(io: Io, running: Running, port: number, tell: Channel['tell']): Promise<void> {
  const { polaris, settings, hooks } = running
  const onError = (error: unknown): void => log(io, faultText(error, polaris.workflows), 'red')
  running.served = await serve(polaris, { port, token: settings.token, executor: polaris.executor(hooks), onError })
  const worker = polaris.worker({ ...hooks, onTrouble: (error) => log(io, wordsOf(error).message, 'red') })
  worker.start()
  const { url, server } = running.served
  tell({ kind: 'serving', url, port: (server.address() as AddressInfo).port })
}

/** A line for each builder that ran, without values. */
function logging(io: Io): Hooks {
  const began = new Map<string, number>()
  const keyOf = ({ name }: AnyBuilder, { id, scope, pass }: HookInfo): string => JSON.stringify([id, scope, pass, name])
  return {
    before: (builder, _delta, info) => void began.set(keyOf(builder, info), Date.now()),
    after(builder, produced: Datum | undefined, info) {
      const key = keyOf(builder, info)
      const took = Date.now() - (began.get(key) ?? Date.now())
      began.delete(key)
      const made = produced === undefined ? 'no product' : produced.name
      log(io, `${info.id}  ${builder.name} → ${made}  ${spanText(took)}`)
    },
    onError: (error) => log(io, wordsOf(error).message, 'red'),
  }
}

function log({ out, colors }: Io, text: string, style?: Style): void {
  const now = clockText(new Date().toISOString())
  for (const each of text.split('\n')) out(`${paint(line(span(`${now}  `, 'dim'), span(each, style)), colors)}\n`)
}

/** Of a builder that has to do with sensitive data, only that it failed. */
function faultText(error: unknown, workflows: readonly AnyWorkflow[]): string {
  if (!(error instanceof BuilderError)) return wordsOf(error).message
  const { builder: name, result, cause } = error
  const plan = workflows.find((each) => each.name === result.workflow && each.version === result.version)?.plan
  const builder = plan?.builders.find((each) => each.name === name)
  const sensitive = new Set(plan?.data.filter((each) => each.sensitive).map((each) => each.name))
  const reads =
    builder === undefined ? [] : [...builder.consumes, ...builder.optionals, ...builder.accesses, builder.produces]
  const open = builder !== undefined && !reads.some((data) => sensitive.has(data))
  const why = !open ? 'why is withheld, since it has to do with sensitive data' : wordsOf(cause).message
  return `${result.id}  ${name} failed: ${why}`
}
