/**
 * The store as one process sees it: each call is a message that travels to the store, and its answer one that travels
 * back. Both take their time, in any order; either may be lost; and a process may die at any of them.
 */
import { PolarisError } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import type { Counted } from './counts.ts'
import type { Actor } from './scheduler.ts'
import type { World } from './world.ts'

export interface Mind extends Actor {
  /** Dies at the so-many-th write that reaches the store from now on; 0: at none. */
  fatalWrite: number
  die(): void
}

type Fate = 'well' | 'refused' | 'lost' | 'late'

export function faultyStore(world: World, mind: Mind): DataStore {
  const { store } = world
  const call = <T>(label: string, isWrite: boolean, run: () => T): Promise<T> => send(world, mind, label, isWrite, run)
  return {
    name: 'simulated',
    lanes: world.random.int(1, 2),
    capabilities: store.capabilities,
    read: (id) => call(`read ${id}`, false, () => store.read(id)),
    write: (changes) =>
      call(
        `write ${changes.map(({ header: h }) => `${h.id} scope ${h.scope} pass ${h.pass}`).join(', ')}`,
        true,
        () => {
          const written = store.write(changes)
          for (const { ok } of written) world.count('stale change refused', !ok)
          return written
        },
      ),
    append: (appends) =>
      call(`append ${appends.map(({ header }) => header.id).join()}`, true, () => store.append(appends)),
    remove: (removals) => call(`remove ${removals.map(({ id }) => id).join()}`, true, () => store.remove(removals)),
    mail: (id, query) => call(`mail ${id}`, false, () => store.mail(id, query)),
    request: (id, requestId) => call(`request ${id} ${requestId}`, false, () => store.request(id, requestId)),
    claim: (query) =>
      call(`claim ${query.ids?.join() ?? ''}`, false, () => {
        const claimed = store.claim(query)
        world.count(query.ids === undefined ? 'claimed by a worker' : 'claimed for a caller', claimed.length > 0)
        return claimed
      }),
    list: (query) => call('list', false, () => store.list(query)),
    history: (id, query) => call(`history ${id}`, false, () => store.history(id, query)),
    prune: (handledBefore, limit) => call('prune', false, () => store.prune(handledBefore, limit)),
    meta: (kind, key) => call(`meta ${kind} ${key}`, false, () => store.meta(kind, key)),
    setMeta: (record, expectedRevision) =>
      call(`set meta ${record.kind}`, true, () => store.setMeta(record, expectedRevision)),
    listMeta: (kind, query) => call(`list meta ${kind}`, false, () => store.listMeta(kind, query)),
    close: () => undefined,
    ...(world.workload.timed !== undefined && { now: () => call('now', false, () => world.scheduler.now) }),
    ...(world.workload.news && {
      subscribe: (onMail: (id: string) => void) =>
        store.subscribe((id) => {
          if (mind.dead) return
          if (world.random.chance(world.weather.newsLost)) world.count('news lost')
          else world.scheduler.add(travel(world), mind, `news of ${id}`, () => onMail(id))
        }),
    }),
  }
}

function travel({ random, weather }: World): number {
  return weather.latency === 0 ? 0 : random.int(0, weather.latency)
}

const NAMES: Record<Exclude<Fate, 'well'>, Counted> = {
  refused: 'store refused a call',
  lost: 'answer lost',
  late: 'call done after its error',
}

function fateOf({ random, weather, count }: World): Fate {
  for (const fate of ['refused', 'lost', 'late'] as const) {
    if (!random.chance(weather[fate])) continue
    count(NAMES[fate])
    return fate
  }
  return 'well'
}

function send<T>(world: World, mind: Mind, label: string, isWrite: boolean, run: () => T): Promise<T> {
  const { scheduler, random, weather } = world
  return new Promise((resolve, reject) => {
    if (mind.dead) return
    const fate = fateOf(world)
    const slow = random.chance(weather.slow)
    if (slow) world.count('slow store')
    const delay = travel(world) + (slow ? random.int(50, 1_500) : 0)
    const fail = (): void => {
      const error = new PolarisError(
        'STORE_UNAVAILABLE',
        `The simulated store ${fate === 'refused' ? 'refused' : 'lost'} it.`,
      )
      scheduler.add(travel(world), mind, `${label}: no answer`, () => reject(error))
    }
    const message = { sender: mind, label }
    world.underWay.add(message)
    const reach = (): void => {
      world.underWay.delete(message)
      // What a process has sent before it died may still arrive, or not.
      if (mind.dead && random.chance(0.5)) return
      const fatal = isWrite && !mind.dead && mind.fatalWrite > 0 && --mind.fatalWrite === 0
      if (fatal && random.chance(0.5)) {
        world.count('killed before a commit')
        mind.die()
        return
      }
      const answer = fate === 'refused' ? undefined : attempt(world, mind, run)
      if (fatal) {
        world.count('killed after a commit')
        mind.die()
      } else if (fate === 'well') scheduler.add(travel(world), mind, `${label}: answer`, () => resolve(answer as T))
      else if (fate !== 'late') fail()
    }
    if (fate === 'late') fail()
    // A message under way belongs to nobody: it arrives even if its sender is dead or asleep.
    scheduler.add(delay, undefined, `${mind.name} ${label}${fate === 'well' ? '' : ` (${fate})`}`, reach)
  })
}

function attempt<T>(world: World, mind: Mind, run: () => T): T {
  const answer = run()
  world.audit.look(mind)
  return answer
}
