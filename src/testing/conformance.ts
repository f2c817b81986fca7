/**
 * The conformance suite of stores: cases as data, for any test runner.
 *
 * ```ts
 * for (const { group, name, skipped, run } of storeConformance(makeStore)) {
 *   test.skipIf(skipped !== undefined)(`${group}: ${name}`, run)
 * }
 * ```
 */
import type { Awaitable, StoreCapabilities } from '../stores/contract.ts'
import { type Group, type Medium, type Need, same, useMedium } from './conformance-kit.ts'
import { listing } from './conformance-list.ts'
import { appending, repeating } from './conformance-append.ts'
import { counting } from './conformance-counts.ts'
import { cancelling } from './conformance-cancel.ts'
import { letters, told } from './conformance-letters.ts'
import { metas } from './conformance-meta.ts'
import { mixed } from './conformance-mixed.ts'
import { atOnce } from './conformance-race.ts'
import { claims, leases } from './conformance-claim.ts'
import { clocks } from './conformance-clock.ts'
import { counters, mailbox, mailing, prune } from './conformance-mail.ts'
import { closing, ids, sharing, values } from './conformance-medium.ts'
import { held } from './conformance-held.ts'
import { histories, reading } from './conformance-read.ts'
import { removing } from './conformance-remove.ts'
import { comparing, writing } from './conformance-write.ts'

export type { Medium } from './conformance-kit.ts'

/** Makes a medium for one case: empty, and out of reach of all other cases, which may run at the same time. */
export type MakeStore = () => Awaitable<Medium>

/** What {@link storeConformance} expects of a store. */
export interface ConformanceOptions {
  /** What the store under test declares; a case compares. Default: durable, with values as text, and it lists. */
  readonly capabilities?: StoreCapabilities
  /** Whether the store has `subscribe`. Default: true. */
  readonly subscribes?: boolean
  /** Whether the store has `now`. Default: false. */
  readonly clock?: boolean
  /** Whether the store has `tally`. Default: false. */
  readonly tallies?: boolean
  /** Whether the store has `find`. Default: false. */
  readonly finds?: boolean
  /**
   * Whether a medium's `open` called again gives a store on the same contents, also after all were closed. A store in
   * the memory of a process has none to share. Default: true.
   */
  readonly shared?: boolean
}

/** One case of {@link storeConformance}: hand its name and `run` to your test runner. */
export interface ConformanceCase {
  readonly group: string
  readonly name: string
  /** Why the case does not apply to this store. Run nevertheless, it rejects with this. */
  readonly skipped?: string
  /** Rejects with an error that says what was expected and what came. */
  readonly run: () => Promise<void>
}

const GROUPS: readonly Group[] = [
  writing,
  comparing,
  held,
  reading,
  histories,
  listing,
  counting,
  ids,
  values,
  appending,
  repeating,
  cancelling,
  counters,
  mailing,
  mailbox,
  prune,
  letters,
  told,
  leases,
  claims,
  clocks,
  metas,
  removing,
  mixed,
  atOnce,
  sharing,
  closing,
]

/** Every case of the suite, those that the store does not declare with the reason why they are skipped. */
export function storeConformance(makeStore: MakeStore, options: ConformanceOptions = {}): readonly ConformanceCase[] {
  const {
    capabilities = { durable: true, values: 'text', lists: true },
    shared = true,
    subscribes = true,
    clock = false,
    tallies = false,
    finds = false,
  } = options
  const missing: Readonly<Record<Need, string | false>> = {
    shared: !shared && 'every store has contents of its own (shared: false)',
    text: capabilities.values !== 'text' && "the store keeps live values (values: 'live')",
    lists: !capabilities.lists && 'the store cannot go through all instances (lists: false)',
    unlisted: capabilities.lists && 'the store can go through all instances (lists: true)',
    subscribes: !subscribes && 'the store tells nobody of mail (subscribes: false)',
    tallies: !tallies && 'the store does not count (tallies: false)',
    finds: !finds && 'the store has no order of ids (finds: false)',
    clock: !clock && 'the clock of the process is the store’s (clock: false)',
  }
  const groups = [...GROUPS, declaration({ capabilities, subscribes, clock, tallies, finds })]
  return groups.flatMap(({ group, cases }) =>
    cases.map(({ name, needs = [], run }): ConformanceCase => {
      const skipped = [needs].flat().flatMap((need) => missing[need] || [])[0]
      if (skipped !== undefined) {
        return { group, name, skipped, run: () => Promise.reject(new Error(`Skipped: ${skipped}`)) }
      }
      return { group, name, run: async () => useMedium(await makeStore(), shared, run) }
    }),
  )
}

function declaration(declared: Required<Omit<ConformanceOptions, 'shared'>>): Group {
  const run: Group['cases'][number]['run'] = async ({ store }) => {
    same(store.capabilities, declared.capabilities, 'the capabilities')
    same(store.subscribe !== undefined, declared.subscribes, 'whether it has subscribe')
    same(store.now !== undefined, declared.clock, 'whether it has now')
    same(store.tally !== undefined, declared.tallies, 'whether it has tally')
    same(store.find !== undefined, declared.finds, 'whether it has find')
    same(typeof store.name === 'string' && store.name !== '', true, 'whether it has a name')
  }
  return { group: 'capabilities', cases: [{ name: 'the store declares what the suite was told', run }] }
}
