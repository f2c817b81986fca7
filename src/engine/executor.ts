import type { Datum, DatumOf } from '../graph/data.ts'
import { checkOption, checkOptions } from '../graph/naming.ts'
import type { AnyWorkflow, Workflow } from '../graph/workflow.ts'
import type { Mode } from '../stores/contract.ts'
import type { Endurance } from './scope/care.ts'
import { compute } from './scope/compute.ts'
import { checkHooks } from './scope/hooks.ts'
import type { Hooks, Watching } from './scope/hooks.ts'
import { quietly } from './scope/telemetry.ts'
import type { Telemetry } from './scope/telemetry.ts'
import type { Call, Submitted } from './instances/call.ts'
import type { Instances } from './instances/instances.ts'
import { checkMeta, NO_META } from './values/meta.ts'
import { checkReason } from './instances/operation.ts'
import type { Operation, WithReason } from './instances/operation.ts'
import { checkRequestId, noStore } from './refusals.ts'
import type { Registry } from './instances/registry.ts'
import type { ResultOf } from './scope/result.ts'

/**
 * What may be fed to a workflow: any of its data. To one given by name, anything. `& {}` changes nothing but the
 * compiler's messages, which then list the data instead of naming this type.
 */
export type DeltaOf<W> = W extends AnyWorkflow
  ? W extends Workflow<infer Reads, infer Makes, infer _Target, infer _Uses>
    ? DatumOf<Reads | Makes> & {}
    : never
  : Datum

export interface ExecutorOptions extends Hooks {
  /** At most so many builders of a scope at once, in `parallel` and `compute`. Default: no bound. */
  readonly concurrency?: number
}

/** Options of single calls. */
export interface CallOptions {
  /** `'new'`: `INSTANCE_EXISTS` if the id is taken. `'existing'`: `INSTANCE_NOT_FOUND` if it is not. */
  readonly expect?: 'new' | 'existing'
  /**
   * Names the request: sent again under the same name, in whatever process, it is handled once and gets the same answer.
   * 1 to 512 characters, unique within the instance. A worker forgets requests after a day, unless told otherwise.
   */
  readonly requestId?: string
  /**
   * The version that the instance begins on, if it does not exist yet; `compute` runs it. It has to be registered. Default: the
   * newest that all processes serve that are alive.
   */
  readonly version?: number
  /** Who, why, within which trace: small plain JSON, kept with the delta, shown to builders, hooks and the history. */
  readonly meta?: Readonly<Record<string, unknown>>
  /** Ends the scope early: no further builder starts, running ones get the signal and are waited for, `ABORTED`. */
  readonly signal?: AbortSignal
}

/** What an executor needs of the `Polaris` it belongs to. */
export interface Host {
  readonly registry: Registry
  /** Absent where there is no store. */
  readonly entries: Instances | undefined
  readonly telemetry: Telemetry | undefined
  ids(): string
  /** Of `compute`, which cannot be parked. */
  readonly endurance: Endurance
}

/** Runs workflows. Any number may share a `Polaris`. */
export class Executor {
  private readonly host: Host
  private readonly hooks: Watching
  private readonly limit: number
  private readonly options: CallOptions

  /** @throws `OPTION_INVALID` */
  constructor(host: Host, options: ExecutorOptions, call: CallOptions = {}) {
    checkOptions('executor', options, ['before', 'after', 'onError', 'concurrency'])
    this.host = host
    this.hooks = host.telemetry === undefined ? options : { ...options, telemetry: host.telemetry }
    this.limit = options.concurrency === undefined ? Infinity : options.concurrency
    const limitPasses = this.limit === Infinity || (Number.isSafeInteger(this.limit) && this.limit >= 1)
    checkOption('concurrency', limitPasses, 'a whole number from 1', this.limit)
    checkHooks(options)
    this.options = call
  }

  /**
   * The same executor with options for the calls made on what it returns.
   *
   * @throws `OPTION_INVALID`
   */
  with(options: CallOptions): Executor {
    checkOptions('with', options, ['requestId', 'expect', 'version', 'meta', 'signal'])
    const { requestId, expect, version, meta, signal } = options
    if (requestId !== undefined) checkRequestId(requestId)
    const expectPasses = expect === undefined || expect === 'new' || expect === 'existing'
    checkOption('expect', expectPasses, "'new' or 'existing'", expect)
    const versionPasses = version === undefined || (Number.isSafeInteger(version) && version >= 1)
    checkOption('version', versionPasses, 'a whole number from 1', version)
    checkOption('signal', signal === undefined || signal instanceof AbortSignal, 'an AbortSignal', signal)
    const checked: CallOptions = meta === undefined ? options : { ...options, meta: checkMeta(meta) }
    return new Executor(this.host, this.executorOptions(), { ...this.options, ...checked })
  }

  private executorOptions(): ExecutorOptions {
    const { before, after, onError } = this.hooks
    return {
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
      ...(onError !== undefined && { onError }),
      ...(this.limit !== Infinity && { concurrency: this.limit }),
    }
  }

  /**
   * Feeds data to an instance, which is created if need be, and runs every builder that can run, one at a time in rank
   * order. Calls on one id run one after the other in order of arrival.
   *
   * Where another process works on the instance, or deltas wait already, this one waits in the mailbox for its turn, and
   * the call for its result, wherever that is made.
   *
   * Throws `WORKFLOW_NOT_FOUND`, `ID_INVALID`, `DATA_UNKNOWN`, `DATA_INVALID`, `WORKFLOW_MISMATCH`, `INSTANCE_EXISTS`,
   * `INSTANCE_NOT_FOUND`, `CANCELLED`, `VERSION_CHANGED`, `VERSION_NOT_SERVED`, `REQUEST_CONFLICT`, `TRANSIENT_NOT_STORED`
   * before anything is stored; `BUILDER_FAILED`, `BUILDER_TIMEOUT` and `PRODUCT_INVALID` as a `BuilderError`, `LEASE_LOST`, `CRASH_LOOP`,
   * `ABORTED`, `STORE_UNAVAILABLE` and `STORE_FULL` later, with everything kept that was committed.
   */
  sequential<W extends AnyWorkflow | string>(workflow: W, id: string, ...delta: DeltaOf<W>[]): Promise<ResultOf<W>> {
    return this.feed(workflow, id, delta, 'sequential')
  }

  /** Like {@link sequential}, but starts each builder as soon as all it waits for has run or cannot run. */
  parallel<W extends AnyWorkflow | string>(workflow: W, id: string, ...delta: DeltaOf<W>[]): Promise<ResultOf<W>> {
    return this.feed(workflow, id, delta, 'parallel')
  }

  /**
   * A scope without an instance: nothing is read, nothing stored. Runs in `parallel`.
   *
   * Throws like {@link sequential}, as far as it applies.
   */
  compute<W extends AnyWorkflow | string>(workflow: W, ...delta: DeltaOf<W>[]): Promise<ResultOf<W>> {
    const { host, hooks, limit } = this
    const { version, meta, signal } = this.options
    return compute({ host, workflow, delta, hooks, limit, version, meta, signal }) as Promise<unknown> as Promise<
      ResultOf<W>
    >
  }

  /**
   * Goes on with an instance: finishes what a crash cut short, or runs what is still due after a failure. Runs in
   * `parallel`. Throws like {@link sequential}; `INSTANCE_NOT_FOUND` for an unknown id.
   */
  resume<W extends AnyWorkflow | string>(workflow: W, id: string): Promise<ResultOf<W>> {
    return this.feed(workflow, id, [], 'parallel', true)
  }

  /**
   * Begins again from the newest fed datum of each data: products count as absent, sources and `once` builders run again,
   * every idempotency key is new. The history is kept. Takes its turn behind what is under way or waits. Runs in
   * `parallel`. Throws like {@link resume}.
   */
  restart<W extends AnyWorkflow | string>(workflow: W, id: string, options: WithReason = {}): Promise<ResultOf<W>> {
    return this.operate(workflow, id, 'restart', options, (reason) => ({ kind: 'restart', ...reason }))
  }

  /**
   * Runs one builder again, also if it is `once`, and all that depends on it; but for `once` builders downstream that have
   * made their product, which a rerun of their own runs again. Takes its turn behind what is under way or waits. Runs in
   * `parallel`. Throws like {@link resume}; `BUILDER_UNKNOWN` for a builder that the instance's version does not have.
   */
  rerun<W extends AnyWorkflow | string>(
    workflow: W,
    id: string,
    builder: string,
    options: WithReason = {},
  ): Promise<ResultOf<W>> {
    return this.operate(workflow, id, 'rerun', options, (reason) => ({ kind: 'rerun', builder, ...reason }))
  }

  private async operate<W extends AnyWorkflow | string>(
    workflow: W,
    id: string,
    what: string,
    options: WithReason,
    make: (reason: WithReason) => Operation,
  ): Promise<ResultOf<W>> {
    return this.feed(workflow, id, [], 'parallel', true, make(checkReason(what, options)))
  }

  /**
   * Stores a delta and resolves as soon as it is durable, with the number of the scope it gets. A worker handles it, in this
   * process or another; or whoever calls on the same instance next. Its mode is `parallel`.
   *
   * Throws like {@link sequential} before anything is stored; `TRANSIENT_NOT_STORED` for transient data, which could not
   * wait.
   */
  submit<W extends AnyWorkflow | string>(workflow: W, id: string, ...delta: DeltaOf<W>[]): Promise<Submitted> {
    const { entries } = this.host
    if (entries === undefined) return Promise.reject(noStore())
    return entries.submit(this.call(workflow, id, delta, 'parallel', false))
  }

  private feed<W extends AnyWorkflow | string>(
    workflow: W,
    id: string,
    delta: readonly Datum[],
    mode: Mode,
    resume = false,
    operation?: Operation,
  ): Promise<ResultOf<W>> {
    const { entries } = this.host
    if (entries === undefined) return Promise.reject(noStore())
    const call = this.call(workflow, id, delta, mode, resume, operation)
    return entries.run(call) as Promise<unknown> as Promise<ResultOf<W>>
  }

  private call(
    workflow: AnyWorkflow | string,
    id: string,
    delta: readonly Datum[],
    mode: Mode,
    resume: boolean,
    operation?: Operation,
  ): Call {
    const { hooks, limit } = this
    const { expect, requestId, version, signal } = this.options
    const { telemetry } = this.host
    const meta = telemetry?.carry === undefined ? this.options.meta : this.carried(telemetry.carry)
    return { workflow, id, delta, mode, limit, hooks, resume, operation, expect, requestId, version, meta, signal }
  }

  /** The call's `meta`, with what telemetry has to go with it. */
  private carried(carry: NonNullable<Telemetry['carry']>): Readonly<Record<string, unknown>> | undefined {
    const { meta } = this.options
    const given = quietly(() => checkMeta(carry(meta ?? NO_META)))
    return given === undefined || Object.keys(given).length === 0 ? meta : given
  }
}
