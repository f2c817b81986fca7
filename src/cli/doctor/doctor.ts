/** Looks whether a store, and those who work on it, are as they should be. Reads only. */
import type { DataStore } from '../../index.ts'
import { isPolarisError } from '../../index.ts'
import type { UserModule } from '../load.ts'
import type { ProgressBar } from '../progress.ts'
import { spanText } from '../term/time.ts'
import { countWork } from './lease-count.ts'
import type { Work } from './lease-count.ts'

export interface Finding {
  readonly check: 'module' | 'services' | 'store' | 'clock' | 'instances' | 'leases' | 'due' | 'versions'
  /** `note`: nothing is wrong, and somebody should know. */
  readonly is: 'well' | 'note' | 'wrong'
  readonly says: string
  /** What to do about it. */
  readonly todo?: string
}

const PAGE = 1_000
const CLOSE_ENOUGH_MS = 1_000
const PROBES = 3

export async function examineModule(module: UserModule): Promise<Finding[]> {
  const names = module.workflows.map(({ name, version }) => `${name} ${version}`).join(', ')
  const found: Finding = { check: 'module', is: 'well', says: `exports ${names}` }
  const wanted = new Set(module.workflows.flatMap(({ plan }) => plan.builders.flatMap(({ services }) => services)))
  const given = await module.services()
  const missing = [...wanted].filter((name) => given[name] === undefined)
  if (wanted.size === 0) return [found]
  const services: Finding =
    missing.length === 0
      ? { check: 'services', is: 'well', says: `all are given: ${[...wanted].join(', ')}` }
      : {
          check: 'services',
          is: 'note',
          says: `not exported: ${missing.join(', ')}`,
          todo: 'Without them this command line only looks, and polaris dev does not start: export const services = { … }',
        }
  return [found, services]
}

/** @param module absent: which versions are served is not known */
export async function examineStore(
  store: DataStore,
  module: UserModule | undefined,
  bar: ProgressBar,
): Promise<Finding[]> {
  let ms: number
  let skew: number
  let now: number
  try {
    await store.read('polaris-doctor')
    ;({ ms, skew, now } = await probe(store))
  } catch (error) {
    return [unreachable(error)]
  }
  const reached: Finding = {
    check: 'store',
    is: 'well',
    says: `${store.name}: open, with a schema that this version knows; answers in ${spanText(ms)}`,
  }
  if (!store.capabilities.lists) {
    const says = 'this store cannot list what it has, so nothing can be said of them, and there are no workers'
    return [reached, clockFinding(skew), { check: 'instances', is: 'note', says }]
  }
  const serves = module && new Set(module.workflows.map(({ name, version }) => `${name} ${version}`))
  const counter = countWork(now, serves)
  let counted = 0
  for (let cursor: string | undefined; ;) {
    const page = await store.list({
      status: ['running', 'waiting', 'retrying', 'failed'],
      limit: PAGE,
      ...(cursor !== undefined && { cursor }),
    })
    page.items.forEach((header) => counter.take(header))
    counted += page.items.length
    bar.at(0, undefined, `${counted} open instances`)
    cursor = page.next
    if (cursor === undefined) break
  }
  return [reached, clockFinding(skew), ...workFindings(counter.result(), serves !== undefined)]
}

function unreachable(error: unknown): Finding {
  const says = error instanceof Error ? error.message : String(error)
  if (isPolarisError(error, 'STORE_NEWER')) {
    return {
      check: 'store',
      is: 'wrong',
      says,
      todo: 'Install the version of polaris-workflow that wrote it, or a newer one.',
    }
  }
  return { check: 'store', is: 'wrong', says, todo: 'Is the server running, and is the URL right?' }
}

/** How long the store takes to answer, and by how much its clock is ahead. */
async function probe(store: DataStore): Promise<{ readonly ms: number; readonly skew: number; readonly now: number }> {
  let best = { ms: Infinity, skew: 0, now: Date.now() }
  for (let i = 0; i < PROBES; i++) {
    const before = Date.now()
    await store.read('polaris-doctor')
    const asked = Date.now()
    const now = store.now === undefined ? asked : await store.now()
    const skew = store.now === undefined ? 0 : now - (asked + Date.now()) / 2
    if (asked - before < best.ms) best = { ms: asked - before, skew, now }
  }
  return best
}

function clockFinding(skew: number): Finding {
  if (Math.abs(skew) < CLOSE_ENOUGH_MS)
    return { check: 'clock', is: 'well', says: "this machine's is that of the store" }
  const way = skew > 0 ? 'behind' : 'ahead of'
  return {
    check: 'clock',
    is: 'note',
    says: `this machine's is ${spanText(Math.abs(skew))} ${way} that of the store`,
    todo: "Timers and leases go by the store's clock, so nothing breaks; times that builders make do not fit those shown.",
  }
}

function workFindings({ statuses, held, expired, overdue, unserved }: Work, known: boolean): Finding[] {
  const counts = Array.from(statuses, ([status, count]) => `${count} ${status}`).join(', ')
  const failed = statuses.get('failed') ?? 0
  const worker = 'Is a process with a worker running, `polaris.worker().start()`, that has their versions?'
  return [
    {
      check: 'instances',
      is: failed > 0 ? 'note' : 'well',
      says: counts === '' ? 'none is open' : `open: ${counts}`,
      ...(failed > 0 && { todo: 'polaris list --status failed, then polaris explain <id>' }),
    },
    expired.length === 0
      ? { check: 'leases', is: 'well', says: `${held.length} held, none has run out` }
      : {
          check: 'leases',
          is: 'wrong',
          says: `${held.length} held; ${expired.length} have run out and nobody took over: ${some(expired)}`,
          todo: worker,
        },
    overdue.length === 0
      ? { check: 'due', is: 'well', says: 'nothing waits for a worker' }
      : {
          check: 'due',
          is: 'wrong',
          says: `${overdue.length} are due and nobody works on them: ${some(overdue)}`,
          todo: worker,
        },
    ...(known ? [versionFinding(unserved)] : []),
  ]
}

function versionFinding(unserved: ReadonlyMap<string, number>): Finding {
  if (unserved.size === 0) return { check: 'versions', is: 'well', says: 'the module has those of all open instances' }
  const which = Array.from(unserved, ([code, count]) => `${code} (${count} open)`).join(', ')
  return {
    check: 'versions',
    is: 'wrong',
    says: `the module does not have ${which}`,
    todo: 'Register them too, or move the instances: polaris check <module>, polaris upgrade <workflow>.',
  }
}

function some(ids: readonly string[]): string {
  return `${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ', …' : ''}`
}
