import type { Graph } from '../graph/graph.ts'
import { checkOption, checkOptions } from '../graph/naming.ts'
import type { Schedule } from '../graph/schedule.ts'
import type { AnyWorkflow } from '../graph/workflow.ts'
import { decode } from '../stores/codec.ts'
import type { DataStore, Page, Snapshot } from '../stores/contract.ts'
import { checkAfter, checkLimit, checkQuery, LONGEST_PAGE } from './checks.ts'
import { idSource } from './clock.ts'
import type { VersionCount } from './versions/census.ts'
import type { CheckOptions, CheckReport } from './versions/check.ts'
import { manifest } from './versions/check-manifest.ts'
import type { ManifestFile } from './versions/check-manifest.ts'
import { Executor } from './executor.ts'
import type { ExecutorOptions, Host } from './executor.ts'
import { historyEntry, summarise, viewInstance } from './look/inspect.ts'
import type { Explanation, HistoryEntry, InstanceSummary, InstanceView } from './look/views.ts'
import { countAll } from './look/counts.ts'
import type { Counts } from './look/counts.ts'
import { keepCounts, readCounts } from './look/kept-counts.ts'
import { readLiving } from './instances/living.ts'
import { LISTED_BY } from './look/query.ts'
import type { InstanceQuery } from './look/query.ts'
import { checkTerms, search } from './look/search.ts'
import type { SearchPage, SearchTerms } from './look/search.ts'
import { checkIntent, foresee } from './look/foresee.ts'
import type { Foresight, Intent } from './look/foresee.ts'
import { checkSpan, differencesOf, pictureAt } from './look/past.ts'
import type { InstanceDifference } from './look/past.ts'
import { checkFork } from './instances/fork.ts'
import type { ForkOptions } from './instances/fork.ts'
import { Instances } from './instances/instances.ts'
import type { Lives } from './instances/lives.ts'
import { checkMeta } from './values/meta.ts'
import { checkReason } from './instances/operation.ts'
import type { CancelOptions } from './instances/operation.ts'
import { readOptions } from './options.ts'
import type { PolarisOptions } from './options.ts'
import { cancelledAsItWas, checkId, closed, noStore, notFound } from './refusals.ts'
import type { Preview } from './versions/preview.ts'
import { Registry } from './instances/registry.ts'
import { Schedules } from './schedules/schedules.ts'
import type { ScheduleView } from './schedules/schedules.ts'
import type { Shadow } from './versions/shadow.ts'
import type { UpgradeOptions, UpgradeQuery, UpgradeReport } from './versions/upgrades.ts'
import type { ShadowQuery } from './upkeep.ts'
import { Watches } from './look/watch.ts'
import type { InstanceChange, WatchOptions } from './look/watch.ts'
import type { Served } from './services.ts'
import { storeClock } from './store-clock.ts'
import { Worker } from './mail/worker.ts'
import type { WorkerFacts, WorkerOptions } from './mail/worker.ts'

const PAGE = 100

/**
 * A process's workflows, their store and their services. Nothing is shared between two of them but the store.
 *
 * Every method that answers a promise may reject with `CLOSED`, with `STORE_INVALID` where it needs a store and there is none,
 * and with what the store throws: `STORE_UNAVAILABLE`, `STORE_FULL`, `STORE_NEWER`, `DRIVER_MISSING`. What else it throws, each says.
 */
export class Polaris<Services extends object = {}> {
  private readonly store: DataStore | undefined
  private readonly registry: Registry
  private readonly entries: Instances | undefined
  private readonly host: Host
  private readonly workerFacts: WorkerFacts | undefined
  private readonly timetable: Schedules | undefined
  private readonly watches: Watches | undefined
  private readonly workers = new Set<Worker>()
  private readonly reads = new Map<string, Promise<Snapshot | undefined>>()
  private closed: Promise<void> | undefined

  /** @throws `OPTION_INVALID`, `STORE_INVALID` */
  constructor(options: PolarisOptions<Services> = {}) {
    const { services, clock, telemetry, warm, lease, longestWait, ...times } = readOptions(options)
    const observed = options.store && (clock.observe?.(options.store) ?? options.store)
    const store = observed && (telemetry?.store?.(observed) ?? observed)
    const ids = idSource()
    this.store = store
    this.registry = new Registry(services)
    const { registry } = this
    const tenure = { holder: ids(), ms: lease }
    const atRest = (id: string): void => this.watches?.told(id)
    const time = store && storeClock(store, clock)
    this.entries =
      store && time && new Instances({ store, registry, clock: time, ids, warm, tenure, atRest, longestWait, ...times })
    const { mailbox } = this.entries ?? {}
    const { live } = this
    this.watches = store && mailbox && new Watches({ store, clock, live, listen: (onMail) => mailbox.listen(onMail) })
    const facts = store && time && this.entries && { store, registry, instances: this.entries, clock: time }
    this.timetable = facts && new Schedules(facts)
    this.workerFacts = facts && this.timetable && { ...facts, schedules: this.timetable, tenure, telemetry }
    this.host = {
      registry: this.registry,
      entries: this.entries,
      telemetry,
      ids,
      endurance: { clock, longestWait, parks: false, patient: false },
    }
  }

  /**
   * Serves workflows. Several versions of one may be registered side by side: instances stay on the version they began
   * with, new ones begin on the newest that all processes serve that are alive.
   *
   * @throws `WORKFLOW_NOT_FOUND`, `GRAPH_INVALID`, `SERVICE_MISSING`
   */
  register<W extends readonly AnyWorkflow[]>(...workflows: { [I in keyof W]: Served<W[I], Services> }): this {
    for (const workflow of workflows as readonly AnyWorkflow[]) this.registry.add(workflow)
    return this
  }

  /**
   * Has the workers of this process start instances at the times of schedules (`polaris-workflow/schedules`), whose workflows
   * have to be registered. Any number of processes may be given the same schedule: each of its ticks is started at most once.
   *
   * @throws `OPTION_INVALID`, `WORKFLOW_NOT_FOUND`, `STORE_INVALID`, `GRAPH_INVALID` for two schedules of one name
   */
  schedule(...schedules: readonly Schedule[]): this {
    this.openStore()
    for (const schedule of schedules) this.timetable?.add(schedule)
    return this
  }

  /** The schedules of this process: up to when each is dealt with, and when it is due next. */
  async schedules(): Promise<ScheduleView[]> {
    this.openStore()
    return (this.timetable as Schedules).views()
  }

  /** The workflows that were registered, every version of each, in that order. */
  get workflows(): readonly AnyWorkflow[] {
    return this.registry.workflows()
  }

  /** @throws `OPTION_INVALID` */
  executor(options: ExecutorOptions = {}): Executor {
    return new Executor(this.host, options)
  }

  /**
   * Makes a worker: it handles submitted deltas and finishes what other processes left unfinished, once started.
   *
   * @throws `OPTION_INVALID`, `STORE_INVALID`, `CLOSED`
   */
  worker(options: WorkerOptions = {}): Worker {
    if (this.closed !== undefined) throw closed()
    if (this.workerFacts === undefined) throw noStore()
    const worker = new Worker(this.workerFacts, options)
    this.workers.add(worker)
    return worker
  }

  /**
   * Opens the store, compares the graphs of what is registered with those kept there, and says what this process serves: so that
   * what is wrong shows now and not with the first call, which does the same.
   *
   * Throws `VERSION_CHANGED` where a graph changed without its version and open instances depend on the older one;
   * `STORE_INVALID`, `STORE_UNAVAILABLE`, `CLOSED`.
   */
  async start(): Promise<this> {
    await this.openStore().read('polaris-start')
    await this.entries?.startup.ready()
    return this
  }

  /**
   * Stops the workers, waits for the calls under way, then closes the store. Further calls are refused with `CLOSED`. Calls
   * that run their own scope are waited for without a limit, since ending them would throw away what their callers still get:
   * give them a `signal`, and abort it, where that may take too long. What a killed process leaves is finished by another.
   */
  close(): Promise<void> {
    this.closed ??= (async () => {
      this.watches?.close()
      await Promise.all(Array.from(this.workers, (worker) => worker.stop()))
      await this.entries?.close()
      await this.store?.close()
    })()
    return this.closed
  }

  /**
   * The instance as it stands, or `undefined`.
   *
   * @param options `at`: as it stood after the entry of its history with this `seq` instead
   * @throws `ID_INVALID`, `VERSION_NOT_SERVED`, and `OPTION_INVALID` if there is no entry `at`.
   */
  async get(id: string, options: { readonly at?: number } = {}): Promise<InstanceView | undefined> {
    checkOptions('get', options, ['at'])
    const { at } = options
    checkOption('at', at === undefined || (Number.isSafeInteger(at) && at >= 1), 'the seq of a history entry', at)
    const snapshot = await this.read(id)
    if (snapshot === undefined || at === undefined) return snapshot && this.view(snapshot)
    return this.view(await this.pictureAt(snapshot, at))
  }

  /**
   * What is different about an instance's data between two entries of its history; `undefined` for an unknown id.
   *
   * @param options `from`: `seq` of an entry, 0 (the default) for before the first; `to`: of another, default the newest
   * @throws `ID_INVALID`, `VERSION_NOT_SERVED`, and `OPTION_INVALID` if there is no such entry.
   */
  async differences(
    id: string,
    options: { readonly from?: number; readonly to?: number } = {},
  ): Promise<InstanceDifference | undefined> {
    checkSpan(options)
    const snapshot = await this.read(id)
    if (snapshot === undefined) return undefined
    const { from = 0, to = snapshot.header.rows } = options
    const dataAt = async (at: number): Promise<InstanceView['data']> =>
      at === 0 ? {} : this.view(await this.pictureAt(snapshot, at)).data
    return { id, from, to, ...differencesOf(await dataAt(from), await dataAt(to)) }
  }

  /**
   * The instance in short, also where this process does not serve its version; `undefined` for an unknown id. Throws
   * `ID_INVALID`.
   */
  async summary(id: string): Promise<InstanceSummary | undefined> {
    const snapshot = await this.read(id)
    return snapshot && summarise(snapshot.header)
  }

  /** Instances in order of creation, a page at a time. Throws `OPTION_INVALID`. */
  async list(query: InstanceQuery = {}): Promise<Page<InstanceSummary>> {
    checkOptions('list', query, LISTED_BY)
    const { limit = PAGE } = query
    checkLimit(limit)
    checkQuery(query)
    const { items, next } = await this.openStore().list({ ...query, limit })
    return { items: items.map(summarise), ...(next !== undefined && { next }) }
  }

  /**
   * Looks for instances by what their ids begin with, or by what they wait for, besides what `list` takes. It looks at a bounded
   * number for one page: a page may be short, or empty, and still have a `next`.
   *
   * Throws `OPTION_INVALID`.
   */
  async search(query: InstanceQuery & SearchTerms): Promise<SearchPage> {
    checkOptions('search', query, [...LISTED_BY, 'prefix', 'waitingFor'])
    const { limit = PAGE } = query
    checkLimit(limit)
    checkQuery(query)
    checkTerms(query)
    return search(this.openStore(), { ...query, limit }, (snapshot) => {
      const { workflow, version } = snapshot.header
      const graph = this.registry.version(workflow, version)?.program.graph
      return graph && viewInstance(graph, snapshot, this.live).waitingFor
    })
  }

  /**
   * How many instances there are, by workflow, version and status. On SQLite and Postgres all are counted, away from this
   * process's event loop; elsewhere the first 100,000, open ones first. Throws `OPTION_INVALID`, and what the signal says.
   */
  async counts(options: { readonly signal?: AbortSignal } = {}): Promise<Counts> {
    checkOptions('counts', options, ['signal'])
    const store = this.openStore()
    const { clock } = this.host.endurance
    const now = (await store.now?.()) ?? clock.now()
    const began = clock.now()
    const counts = await countAll(store, now, options.signal)
    // Whoever may not write can count all the same.
    await keepCounts(store, counts, clock.now() - began).catch(() => undefined)
    return counts
  }

  /**
   * What `counts` of any process came to last, `asOf` its time, where counting takes long: for those who would rather see that
   * at once. `undefined` where it does not, and where nobody has counted for a week.
   */
  async countsKept(): Promise<Counts | undefined> {
    return readCounts(this.openStore())
  }

  /**
   * What happened to an instance, oldest first: who built what, when, from which inputs. Empty for an unknown id.
   *
   * @param query `after`: only entries with a greater `seq`; `limit`: 1 to 1000, default 1000
   * @throws `ID_INVALID`, `OPTION_INVALID`
   */
  async history(id: string, query: { readonly after?: number; readonly limit?: number } = {}): Promise<HistoryEntry[]> {
    checkId(id)
    checkOptions('history', query, ['after', 'limit'])
    const { after = 0, limit = LONGEST_PAGE } = query
    checkLimit(limit)
    checkAfter(after)
    const store = this.openStore()
    const rows = await store.history(id, { after, limit })
    const names = new Map(rows.map(({ seq, data }) => [seq, data ?? undefined]))
    const wanted = rows.some(({ inputs }) => inputs.some((seq) => seq > 0 && !names.has(seq)))
    if (wanted) for (const row of await store.history(id, { limit: after })) names.set(row.seq, row.data ?? undefined)
    return rows.map((row) => historyEntry(row, (seq) => names.get(seq), this.live))
  }

  /**
   * What an instance has done, what it would do next and what it waits for, mail that nobody handles included; `undefined` for an
   * unknown id. Of one whose version is not served here as well, as long as the store keeps its graph; else
   * `VERSION_NOT_SERVED`. Throws `ID_INVALID`.
   */
  async explain(id: string): Promise<Explanation | undefined> {
    const snapshot = await this.read(id)
    return snapshot && this.open().upkeep.explain(snapshot, this.live)
  }

  /**
   * What would become of an instance if it moved to another version now: its data set, what would run, or why it cannot.
   * Steps, `migrate` and schemas really run; nothing is stored. `undefined` for an unknown id.
   *
   * @param options `to`: the version, which has to be registered. Default: the newest
   * @throws `ID_INVALID`, `VERSION_NOT_SERVED`, `WORKFLOW_NOT_FOUND`.
   */
  async preview(id: string, options: { readonly to?: number } = {}): Promise<Preview | undefined> {
    checkOptions('preview', options, ['to'])
    const snapshot = await this.read(id)
    return snapshot && this.open().upkeep.preview(snapshot, options.to)
  }

  /**
   * What `resume`, `restart` or the rerun of a builder would run on an instance as it stands; nothing runs. `undefined` for an
   * unknown id.
   *
   * Throws `ID_INVALID`, `VERSION_NOT_SERVED`, `BUILDER_UNKNOWN`, `CANCELLED`, `OPTION_INVALID`.
   */
  async foresee(id: string, intent: Intent): Promise<Foresight | undefined> {
    checkIntent(intent)
    const snapshot = await this.read(id)
    return snapshot && foresee(this.graphFor(snapshot), snapshot, intent, this.decode)
  }

  /**
   * Moves open instances to another version at once, in batches: those at rest; what becomes due by that runs. How far it is
   * stands in the store: to ask the same again after a crash or a signal goes on with the rest, and its report counts what was
   * done before.
   *
   * @param which an instance's id, or what to move. One that is over, or is there already, counts as nothing.
   * Throws `WORKFLOW_NOT_FOUND`, `INSTANCE_NOT_FOUND`, `VERSION_NOT_SERVED`, `OPTION_INVALID`.
   */
  async upgrade(which: string | UpgradeQuery, options: UpgradeOptions = {}): Promise<UpgradeReport> {
    const query = typeof which === 'string' ? await this.read(which) : which
    if (query === undefined) throw notFound(which as string)
    checkOptions('upgrade', options, ['to', 'concurrency', 'onProgress', 'signal'])
    const { startup, upgrades } = this.open()
    if ('header' in query) {
      await startup.ready()
      return upgrades.single(query.header, options)
    }
    checkOptions('upgrade', query, ['workflow', 'version', 'status', 'createdFrom', 'createdBefore'])
    checkQuery(query)
    await startup.ready()
    return upgrades.all(query, options)
  }

  /**
   * What code means for the open instances in the store, version by version: how many go on as they are, move, or would be
   * stranded, and why. It reads only; steps, `migrate` and schemas really run on what is stored.
   *
   * @param workflows the new code's, all versions that it is to serve; they need not be registered. Default: those that are
   * @throws `WORKFLOW_NOT_FOUND`, `GRAPH_INVALID`, `OPTION_INVALID`, and what the signal says.
   */
  async check(workflows: readonly AnyWorkflow[] = this.workflows, options: CheckOptions = {}): Promise<CheckReport> {
    return this.open().upkeep.check(workflows, options)
  }

  /** The graphs of the registered workflows as plain JSON, to be committed beside the code: see {@link checkManifest}. */
  manifest(): ManifestFile {
    return manifest(this.workflows)
  }

  /**
   * Runs the pure builders of a workflow over stored data, and says where their products differ from the stored ones.
   * Changes nothing. For an unknown id the answer is empty.
   *
   * @param which an instance's id, or open instances of the workflow
   * @throws `WORKFLOW_NOT_FOUND`, `SERVICE_MISSING`, `OPTION_INVALID`.
   */
  async shadow(which: string | ShadowQuery, workflow: AnyWorkflow): Promise<Shadow[]> {
    if (typeof which === 'string') checkId(which)
    return this.open().upkeep.shadow(which, workflow)
  }

  /**
   * The open instances of each version: code of versions that are not among them is needed no more. Throws `OPTION_INVALID`, and
   * what the signal says.
   */
  async versions(options: { readonly signal?: AbortSignal } = {}): Promise<VersionCount[]> {
    checkOptions('versions', options, ['signal'])
    return this.open().upkeep.versions(options.signal)
  }

  /**
   * Copies an instance under a new id, with its history up to an entry: to try another way, or to look into what went wrong.
   * Neither mail that waits nor records of requests are copied, and nothing runs; `resume` or data set the copy off.
   *
   * Throws `ID_INVALID`, `INSTANCE_NOT_FOUND`, `INSTANCE_EXISTS`, `VERSION_NOT_SERVED`, and `OPTION_INVALID` if there is no
   * entry `at`.
   */
  async fork(id: string, newId: string, options: ForkOptions = {}): Promise<InstanceView> {
    checkId(id)
    checkId(newId)
    const checked = checkFork(options)
    return this.doing(async (lives) => {
      await lives.fork(id, newId, checked)
      return this.found(newId)
    })
  }

  /**
   * What becomes of an instance, as it happens; what comes while nobody asks is given as one change. The first is how it
   * stands now; that of an unknown id comes once it exists. Ends when the instance is deleted, with the signal, and when
   * this Polaris is closed. Changes that other processes make show within a second.
   *
   * Throws `ID_INVALID` and `OPTION_INVALID` at once, `STORE_UNAVAILABLE` and the like while it goes on.
   */
  watch(id: string, options: WatchOptions = {}): AsyncGenerator<InstanceChange, void, undefined> {
    checkId(id)
    checkOptions('watch', options, ['after', 'interval', 'signal'])
    const { after, interval = 0, signal } = options
    if (after !== undefined) checkAfter(after)
    const passes = typeof interval === 'function' || (Number.isFinite(interval) && interval >= 0)
    checkOption('interval', passes, 'milliseconds from 0, or a function that tells them', interval)
    checkOption('signal', signal === undefined || signal instanceof AbortSignal, 'an AbortSignal', signal)
    this.openStore()
    return (this.watches as Watches).watch(id, options)
  }

  /**
   * Ends an instance for good: the builders that run get their signal and at most a lease's time to end, what has finished is
   * kept, what waits is not run, and data that come later are refused with `CANCELLED`, as are the calls under way. Resolves
   * once that is done, wherever the instance is worked on. To ask twice is harmless.
   *
   * With `compensate`, what builders with `compensate` have done is undone, the newest first. A try that fails is made again
   * by a worker, for ever; where that takes longer than a call should, this resolves with status `retrying` and
   * `compensation` says how far it is.
   *
   * Throws `ID_INVALID`, `INSTANCE_NOT_FOUND`, `VERSION_NOT_SERVED`; `CANCELLED` if `compensate` comes too late: it was
   * cancelled without.
   */
  async cancel(id: string, options: CancelOptions = {}): Promise<InstanceView> {
    checkId(id)
    checkOptions('cancel', options, ['reason', 'meta', 'compensate'])
    const { meta, compensate = false, ...rest } = options
    checkOption('compensate', typeof compensate === 'boolean', 'true or false', compensate)
    const operation = { kind: 'cancel', compensate, ...checkReason('cancel', rest) } as const
    const checked = meta === undefined ? undefined : checkMeta(meta)
    const view = await this.doing(async (lives) => {
      await lives.cancel(id, operation, checked)
      return this.found(id)
    })
    if (compensate && view.compensation === undefined) throw cancelledAsItWas(id)
    return view
  }

  /**
   * Removes an instance, its history and the records of its requests, all or nothing. One that is worked on, or for which
   * data wait, is cancelled first. What is still to be undone is not undone then: see `compensation` before. The id is remembered for the time of `tombstones`: a late duplicate of a request
   * (`requestId`) is refused with `INSTANCE_DELETED`; a call without one, or with `expect: 'new'`, begins anew, but for the very
   * request that had begun it.
   *
   * Throws `ID_INVALID`, `INSTANCE_NOT_FOUND`, `VERSION_NOT_SERVED`.
   */
  async delete(id: string): Promise<void> {
    checkId(id)
    await this.open().lives.delete(id)
  }

  private open(): Instances {
    this.openStore()
    return this.entries as Instances
  }

  /** Closing waits until it is done, and told. */
  private doing<T>(what: (lives: Lives) => Promise<T>): Promise<T> {
    const { lives } = this.open()
    return lives.track(what(lives))
  }

  /** An instance that was there a moment ago. */
  private async found(id: string): Promise<InstanceView> {
    const view = await this.get(id)
    if (view === undefined) throw notFound(id)
    return view
  }

  private get live(): boolean {
    return this.store?.capabilities.values === 'live'
  }

  private get decode(): (stored: unknown) => unknown {
    return this.live ? (stored) => stored : (stored) => decode(stored as string)
  }

  private view(snapshot: Snapshot): InstanceView {
    return viewInstance(this.graphFor(snapshot), snapshot, this.live)
  }

  private pictureAt({ header }: Snapshot, at: number): Promise<Snapshot> {
    const graphOf = (version: number): Graph => this.registry.serving(header.id, header.workflow, version).program.graph
    return pictureAt(this.openStore(), header, at, graphOf, this.decode)
  }

  /** Those who ask for the same instance in the same turn share a read, which begins after all of them have asked. */
  private async read(id: string): Promise<Snapshot | undefined> {
    checkId(id)
    const store = this.openStore()
    const reading =
      this.reads.get(id) ??
      Promise.resolve().then(() => {
        this.reads.delete(id)
        return readLiving(store, id)
      })
    this.reads.set(id, reading)
    return reading
  }

  private graphFor({ header: { id, workflow, version } }: Snapshot): Graph {
    return this.registry.serving(id, workflow, version).program.graph
  }

  private openStore(): DataStore {
    if (this.closed !== undefined) throw closed()
    if (this.store === undefined) throw noStore()
    return this.store
  }
}
