/** Those who feed instances: careful ones, who send a request again until they know what became of it. */
import { BuilderError, isPolarisError } from 'polaris-workflow'
import type { Datum, ErrorCode, Executor } from 'polaris-workflow'
import type { Process } from './process.ts'
import type { Operation } from './workload.ts'
import { headerOf, rowsOf, type World } from './world.ts'

interface AnyResult {
  readonly scope: number
  readonly status: string
  readonly produced: readonly { readonly name: string; readonly value: unknown }[]
}

export type Answer =
  | { readonly kind: 'result'; readonly result: AnyResult }
  | { readonly kind: 'submitted'; readonly scope: number }
  | { readonly kind: 'failed'; readonly result: AnyResult; readonly builder: string }
  /** Given up after too many crashes, or while what was done is being undone; what was fed is kept. */
  | { readonly kind: 'given up' }
  /** Refused, so that nothing of it is stored. */
  | { readonly kind: 'refused' }
  /** Cancelled or removed, and a call on it told so: what was fed is stored, or not. */
  | { readonly kind: 'too late' }
  /** The instance is cancelled, or gone. */
  | { readonly kind: 'done' }
  /** Nobody knows what became of it. */
  | { readonly kind: 'unknown'; readonly code?: ErrorCode | undefined }

export interface Client {
  /** What it has sent last, and to whom, until it is through. */
  readonly open: string | undefined
  readonly answers: ReadonlyMap<Operation, readonly Answer[]>
  /** Sends nothing more that it has not sent already. */
  finish(): void
}

export function startClient(
  world: World,
  operations: readonly Operation[],
  processes: () => readonly Process[],
): Client {
  const answers = new Map<Operation, Answer[]>()
  let open: string | undefined = 'nothing yet'
  let finishing = false
  const go = async (): Promise<void> => {
    for (const operation of operations) {
      await world.scheduler.sleep(operation.pause, undefined, `client sends ${operation.number}`)
      if (finishing) break
      const given: Answer[] = []
      open = `operation ${operation.number} on ${operation.id}`
      answers.set(operation, given)
      given.push(...(await send(world, operation, processes())))
      while (operation.requestId !== undefined && given.every(({ kind }) => kind === 'unknown')) {
        await world.scheduler.sleep(world.random.int(0, 300), undefined, `client sends ${operation.number} again`)
        world.count('request retried')
        given.push(...(await send(world, { ...operation, twice: false }, processes())))
      }
    }
  }
  go().then(
    () => void (open = undefined),
    (error: unknown) => world.blame(`a client ended with ${String((error as Error)?.stack ?? error)}`),
  )
  return {
    get open() {
      return open
    },
    answers,
    finish: () => void (finishing = true),
  }
}

async function send(world: World, operation: Operation, processes: readonly Process[]): Promise<Answer[]> {
  const open = processes.filter((process) => !process.dead && !process.closing)
  const first = world.random.pick(open)
  const others = open.filter((process) => process !== first)
  if (!operation.twice || others.length === 0) return [await call(world, operation, first)]
  world.count('request at two processes at once')
  return Promise.all([call(world, operation, first), call(world, operation, world.random.pick(others))])
}

async function call(world: World, operation: Operation, process: Process): Promise<Answer> {
  countCall(world, operation)
  const began = world.scheduler.now
  process.calls++
  const answering = answerOf(world, operation, process).finally(() => process.calls--)
  const answer = await Promise.race([answering, process.death])
  if (answer === 'died') return { kind: 'unknown' }
  if (answer.kind === 'unknown' && answer.code === 'LEASE_LOST' && world.workload.weather.lossy) {
    // What was fed may have stood before the instance was removed, whoever did that: nobody can tell any more.
    const isGone = headerOf(world.store, operation.id)?.status === 'deleted'
    if (!isGone && world.audit.isAlone(operation.id, process, began))
      world.blame(`${process.name} lost ${operation.id}, which nobody took`)
  }
  return answer
}

function countCall({ count }: World, { kind, delta, isNew, requestId }: Operation): void {
  count(kind === 'sequential' ? 'sequential call' : kind === 'parallel' ? 'parallel call' : kind)
  const feeds = kind === 'sequential' || kind === 'parallel' || kind === 'submit'
  count('call without data', feeds && delta.length === 0)
  count('expect new', isNew)
  count('request id', requestId !== undefined)
}

function executorFor({ number, requestId, isNew, delta, kind }: Operation, process: Process, world: World): Executor {
  // Some calls are known by their data only, as most are: a call's meta is data, too.
  const asks = kind === 'restart' || kind === 'rerun'
  const needsMeta = asks || number % 3 > 0 || delta.some(({ name }) => world.workload.spec.transients.includes(name))
  return process.polaris.executor(process.hooks).with({
    ...(requestId !== undefined && { requestId }),
    ...(isNew && { expect: 'new' as const }),
    ...(needsMeta && kind !== 'resume' && { meta: { operation: number } }),
  })
}

async function answerOf(world: World, operation: Operation, process: Process): Promise<Answer> {
  const executor = executorFor(operation, process, world)
  const { kind, id, builder } = operation
  const delta = operation.delta.map(({ name, value }): Datum => process.data.get(name)!.untyped(value))
  try {
    if (kind === 'submit') {
      const { scope } = await executor.submit(process.workflow, id, ...(delta as never[]))
      return { kind: 'submitted', scope }
    }
    if (kind === 'restart')
      return { kind: 'result', result: (await executor.restart(process.workflow, id)) as AnyResult }
    if (kind === 'rerun') {
      return { kind: 'result', result: (await executor.rerun(process.workflow, id, builder)) as AnyResult }
    }
    if (kind === 'fork') {
      const { length } = rowsOf(world.store, id)
      const at = operation.at === 0 || length === 0 ? {} : { at: 1 + (operation.at % length) }
      await process.polaris.fork(id, operation.to, at)
      return { kind: 'done' }
    }
    if (kind === 'cancel' || kind === 'delete' || kind === 'undo') {
      if (kind === 'delete') await process.polaris.delete(id)
      else await process.polaris.cancel(id, kind === 'undo' ? { compensate: true } : {})
      world.audit.onEnded(operation)
      return { kind: 'done' }
    }
    if (kind === 'resume') return { kind: 'result', result: (await executor.resume(process.workflow, id)) as AnyResult }
    return { kind: 'result', result: (await executor[kind](process.workflow, id, ...(delta as never[]))) as AnyResult }
  } catch (error) {
    return answerTo(world, operation, error)
  }
}

const REFUSED: ReadonlySet<ErrorCode> = new Set(['TRANSIENT_NOT_STORED', 'INSTANCE_EXISTS'])
const UNKNOWN: ReadonlySet<ErrorCode> = new Set(['STORE_UNAVAILABLE', 'LEASE_LOST', 'CLOSED'])

function answerTo(world: World, { kind, number, isNew, id, requestId }: Operation, error: unknown): Answer {
  const { count, blame, workload } = world
  const others = workload.clients.flat().filter((other) => other.id === id)
  const removes = others.some((other) => other.kind === 'delete')
  if (error instanceof BuilderError) {
    count('builder error')
    return { kind: 'failed', result: error.result, builder: error.builder }
  }
  const code = isPolarisError(error) ? error.code : undefined
  if (code === 'OPTION_INVALID' && kind === 'fork' && removes) return { kind: 'refused' }
  count('refused while undoing', code === 'COMPENSATING')
  if (code === 'CRASH_LOOP' || code === 'COMPENSATING') return { kind: 'given up' }
  if (code === 'INSTANCE_DELETED') {
    count('late duplicate refused')
    if (!removes || requestId === undefined || isNew) blame(`operation ${number} on ${id} was refused with ${code}`)
    return { kind: 'too late' }
  }
  if (code === 'CANCELLED' || code === 'INSTANCE_NOT_FOUND') {
    const ends = removes || others.some((other) => other.kind === 'cancel' || other.kind === 'undo')
    const needs = kind !== 'sequential' && kind !== 'parallel' && kind !== 'submit'
    const expected = code === 'CANCELLED' ? ends : removes || needs
    if (!expected) blame(`operation ${number} on ${id} was refused with ${code}`)
    return { kind: 'too late' }
  }
  if (code !== undefined && REFUSED.has(code)) {
    count('transient refused', code === 'TRANSIENT_NOT_STORED')
    const expected = code === 'TRANSIENT_NOT_STORED' || isNew || kind === 'fork'
    if (!expected) blame(`operation ${number} on ${id} was refused with ${code}`)
    return { kind: 'refused' }
  }
  if (code === undefined || !UNKNOWN.has(code)) {
    blame(`operation ${number} on ${id} ended with ${String((error as Error)?.stack ?? error)}`)
  }
  count('lease lost', code === 'LEASE_LOST')
  if (workload.weather.calm) blame(`operation ${number} on ${id} failed without a fault: ${String(error)}`)
  return { kind: 'unknown', code }
}
