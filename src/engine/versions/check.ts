import { differences } from '../../graph/difference.ts'
import type { Graph } from '../../graph/graph.ts'
import { fingerprintOf } from '../../graph/manifest.ts'
import type { AnyWorkflow } from '../../graph/workflow.ts'
import type { DataStore, Header } from '../../stores/contract.ts'
import { headersOf, OPEN_STATUSES } from './census.ts'
import type { Form } from '../values/intake.ts'
import { changedMessage, lineups, unservedMessage } from './lineup.ts'
import type { Lineup } from './lineup.ts'
import { moveInstance } from './move.ts'
import { reachedFrom } from './preview.ts'
import { sampler } from './sampler.ts'
import { Grouping } from './stranding-groups.ts'
import type { StrandedGroup, StrandedReason } from './stranding-groups.ts'

/** What new code means for the open instances of one version of a workflow. */
export interface VersionReport {
  readonly version: number
  /** How many there are. */
  readonly open: number
  /** How many of them were looked at. The counts below are of these. */
  readonly checked: number
  /** Go on as they are, on their own version. */
  readonly continue: number
  /** Would move to the newest version with their next scope. */
  readonly move: number
  /** Would stay on their own version, though they are to move: why is in `blocked`. */
  readonly stay: number
  readonly strand: number
  /** What is different about the newest version's graph, in words. */
  readonly differences: readonly string[]
  /** What would be done to data, and to how many instances. */
  readonly steps: Readonly<Record<string, number>>
  /** Data that would go, as `migrate` says. */
  readonly dropped: Readonly<Record<string, number>>
  /** Builders that would run at once, and in how many instances. */
  readonly due: Readonly<Record<string, number>>
  /** Those, and all that would or could run after them. */
  readonly wouldRun: Readonly<Record<string, number>>
  readonly blocked: readonly StrandedGroup[]
  readonly stranded: readonly StrandedGroup[]
}

/** What new code means for the open instances of one workflow. */
export interface WorkflowReport {
  readonly workflow: string
  /** The newest version in the code. */
  readonly newest: number
  readonly versions: readonly VersionReport[]
}

/** What new code means for the open instances in a store. */
export interface CheckReport {
  /** Nothing would be stranded. */
  readonly ok: boolean
  readonly open: number
  readonly checked: number
  readonly workflows: readonly WorkflowReport[]
}

/** How {@link Polaris.check} looks. */
export interface CheckOptions {
  /** Look at so many instances, chosen by chance, instead of at all. All are counted in any case. */
  readonly sample?: number
  /** Called now and then. `total` is known once all have been counted. */
  readonly onProgress?: (progress: CheckProgress) => void
  /** Ends it: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** How far {@link Polaris.check} is, in instances. */
export interface CheckProgress {
  readonly counted: number
  readonly checked: number
  readonly total: number | undefined
}

export interface CheckFacts {
  readonly store: DataStore
  readonly form: Form
  readonly decode: (stored: unknown) => unknown
  /** The graph that an instance was begun with, from what the store keeps. */
  readonly graphOf: (header: Header) => Promise<Graph | undefined>
}

/** So many instances are read at once. */
const AT_ONCE = 32
const PROGRESS_EVERY = 1000

type Verdict =
  | { readonly kind: 'continue' }
  | {
      readonly kind: 'move'
      readonly steps: readonly string[]
      readonly dropped: readonly string[]
      readonly due: readonly string[]
      readonly wouldRun: readonly string[]
    }
  | { readonly kind: 'stay' | 'strand'; readonly because: readonly StrandedReason[] }
  /** It is through, or gone, since it was counted. */
  | { readonly kind: 'gone' }

/**
 * Says what code means for the open instances of its workflows. It reads only; steps, migrations and schemas really run.
 * Memory does not grow with the number of instances.
 */
export async function checkStore(
  facts: CheckFacts,
  workflows: readonly AnyWorkflow[],
  options: CheckOptions,
): Promise<CheckReport> {
  const reports: WorkflowReport[] = []
  let open = 0
  let checked = 0
  for (const [name, lineup] of lineups(workflows)) {
    const check = new Check(facts, lineup, options)
    const versions = await check.run(name)
    reports.push({ workflow: name, newest: lineup.newest.version, versions })
    for (const version of versions) {
      open += version.open
      checked += version.checked
    }
  }
  const ok = reports.every(({ versions }) => versions.every(({ strand }) => strand === 0))
  return { ok, open, checked, workflows: reports }
}

class Check {
  private readonly facts: CheckFacts
  private readonly lineup: Lineup
  private readonly options: CheckOptions
  private readonly tallies = new Map<string, Tally>()
  private counted = 0
  private checked = 0
  private total: number | undefined

  constructor(facts: CheckFacts, lineup: Lineup, options: CheckOptions) {
    this.facts = facts
    this.lineup = lineup
    this.options = options
  }

  async run(workflow: string): Promise<VersionReport[]> {
    const { sample, signal } = this.options
    const { store } = this.facts
    const drawn = sampler<Header>(sample ?? 0)
    for await (const { headers } of headersOf(store, { workflow, status: OPEN_STATUSES }, signal)) {
      for (const header of headers) {
        this.tallyOf(header).open++
        if (sample !== undefined) drawn.offer(header)
      }
      this.counted += headers.length
      this.report()
    }
    if (sample === undefined) {
      this.total = this.counted
      for await (const { headers } of headersOf(store, { workflow, status: OPEN_STATUSES }, signal))
        await this.look(headers)
    } else {
      this.total = drawn.items.length
      await this.look(drawn.items)
    }
    return [...this.tallies.values()].sort((a, b) => a.version - b.version).map((tally) => tally.report())
  }

  private async look(headers: readonly Header[]): Promise<void> {
    const { signal } = this.options
    for (let at = 0; at < headers.length; at += AT_ONCE) {
      signal?.throwIfAborted()
      const some = headers.slice(at, at + AT_ONCE)
      const verdicts = await Promise.all(some.map((header) => this.verdict(header)))
      some.forEach((header, i) => this.tallyOf(header).add(header.id, verdicts[i] as Verdict))
      const before = this.checked
      this.checked += some.length
      if (Math.floor(before / PROGRESS_EVERY) !== Math.floor(this.checked / PROGRESS_EVERY)) this.report()
    }
    this.report()
  }

  private report(): void {
    const { counted, checked, total } = this
    this.options.onProgress?.({ counted, checked, total })
  }

  private tallyOf({ version, fingerprint }: Header): Tally {
    const key = `${version}/${fingerprint}`
    const tally = this.tallies.get(key) ?? new Tally(version)
    this.tallies.set(key, tally)
    return tally
  }

  private async verdict({ id, version, fingerprint }: Header): Promise<Verdict> {
    const own = this.lineup.version(version)
    const { newest } = this.lineup
    const serves = own !== undefined && fingerprintOf(own) === fingerprint
    const moves = newest.policy !== 'pin' && newest.version > version
    if (serves && !moves) return { kind: 'continue' }
    const snapshot = await this.facts.store.read(id)
    if (snapshot === undefined || !isOpen(snapshot.header)) return { kind: 'gone' }
    // It may have moved on since it was listed.
    if (snapshot.header.version !== version) return this.verdict(snapshot.header)
    const from = serves ? own : await this.facts.graphOf(snapshot.header)
    const tally = this.tallyOf(snapshot.header)
    if (from !== undefined) tally.differences ??= differences(from, newest)
    if (own !== undefined && !serves) return strand('changed', changedMessage(own, from))
    if (own === undefined) return strand('unserved', unservedMessage(version, newest))
    const { form, decode } = this.facts
    const moved = await moveInstance(this.lineup.crossing(own), snapshot, { form, decode, now: 0 })
    if ('strandings' in moved) return { kind: 'stay', because: moved.strandings }
    const { steps, dropped } = moved.move
    return { kind: 'move', steps, dropped, due: moved.due, wouldRun: reachedFrom(moved.state, moved.due) }
  }
}

function isOpen({ status }: Header): boolean {
  return OPEN_STATUSES.includes(status)
}

function strand(reason: StrandedGroup['reason'], message: string): Verdict {
  return { kind: 'strand', because: [{ reason, message }] }
}

/** What was found about the instances of one graph. */
class Tally {
  readonly version: number
  open = 0
  differences: readonly string[] | undefined
  private readonly kinds = { continue: 0, move: 0, stay: 0, strand: 0, gone: 0 }
  private readonly counts = {
    ...{ steps: new Map<string, number>(), dropped: new Map<string, number>() },
    ...{ due: new Map<string, number>(), wouldRun: new Map<string, number>() },
  }
  private readonly groups = { stay: new Grouping(), strand: new Grouping() }

  constructor(version: number) {
    this.version = version
  }

  add(id: string, verdict: Verdict): void {
    this.kinds[verdict.kind]++
    if (verdict.kind === 'move') {
      for (const what of ['steps', 'dropped', 'due', 'wouldRun'] as const) {
        const counts = this.counts[what]
        for (const name of verdict[what]) counts.set(name, (counts.get(name) ?? 0) + 1)
      }
    } else if (verdict.kind === 'stay' || verdict.kind === 'strand') {
      this.groups[verdict.kind].add(id, verdict.because)
    }
  }

  report(): VersionReport {
    const { version, open, kinds, counts, groups } = this
    const { gone, ...rest } = kinds
    const record = (map: ReadonlyMap<string, number>): Record<string, number> => Object.fromEntries(map)
    return {
      ...{ version, open: open - gone, checked: rest.continue + rest.move + rest.stay + rest.strand, ...rest },
      differences: this.differences ?? [],
      ...{ steps: record(counts.steps), dropped: record(counts.dropped) },
      ...{ due: record(counts.due), wouldRun: record(counts.wouldRun) },
      ...{ blocked: groups.stay.result(), stranded: groups.strand.result() },
    }
  }
}
