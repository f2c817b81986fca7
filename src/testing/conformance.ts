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
import { closing, ids, sharing, values } from './conformance-medium.ts'
import { histories, reading } from './conformance-read.ts'
import { comparing, writing } from './conformance-write.ts'

export type { Medium } from './conformance-kit.ts'

/** Makes a medium for one case: empty, and out of reach of all other cases, which may run at the same time. */
export type MakeStore = () => Awaitable<Medium>

export interface ConformanceOptions {
  /** What the store under test declares; a case compares. Default: durable, with values as text. */
  readonly capabilities?: StoreCapabilities
  /**
   * Whether a medium's `open` called again gives a store on the same contents, also after all were closed. A store in
   * the memory of a process has none to share. Default: true.
   */
  readonly shared?: boolean
}

export interface ConformanceCase {
  readonly group: string
  readonly name: string
  /** Why the case does not apply to this store. Run nevertheless, it rejects with this. */
  readonly skipped?: string
  /** Rejects with an error that says what was expected and what came. */
  readonly run: () => Promise<void>
}

const GROUPS: readonly Group[] = [writing, comparing, reading, histories, listing, ids, values, sharing, closing]

/** Every case of the suite, those that the store does not declare with the reason why they are skipped. */
export function storeConformance(makeStore: MakeStore, options: ConformanceOptions = {}): readonly ConformanceCase[] {
  const { capabilities = { durable: true, values: 'text' }, shared = true } = options
  const lacks = (need: Need | undefined): string | undefined => {
    if (need === 'shared' && !shared) return 'every store has contents of its own (shared: false)'
    if (need === 'text' && capabilities.values !== 'text') return "the store keeps live values (values: 'live')"
    return undefined
  }
  const groups = [...GROUPS, declaration(capabilities)]
  return groups.flatMap(({ group, cases }) =>
    cases.map(({ name, needs, run }): ConformanceCase => {
      const skipped = lacks(needs)
      if (skipped !== undefined) {
        return { group, name, skipped, run: () => Promise.reject(new Error(`Skipped: ${skipped}`)) }
      }
      return { group, name, run: async () => useMedium(await makeStore(), run) }
    }),
  )
}

function declaration(capabilities: StoreCapabilities): Group {
  const run: Group['cases'][number]['run'] = async ({ store }) => {
    same(store.capabilities, capabilities, 'the capabilities')
    same(typeof store.name === 'string' && store.name !== '', true, 'whether it has a name')
  }
  return { group: 'capabilities', cases: [{ name: 'the store declares what the suite was told', run }] }
}
