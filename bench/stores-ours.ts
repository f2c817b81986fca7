/** Scopes of a chain, each on an id of its own, on a store with everything switched on: commits per builder, leases, a worker. */
import { randomUUID } from 'node:crypto'
import { Polaris } from 'polaris-workflow'
import type { Change, DataStore } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { chain, feed } from './chains.ts'
import type { Sample } from './chains.ts'
import type { Contender, Counts } from './stores-load.ts'

/**
 * @param requests whether each call names its request, which leaves a record of it with the first commit and the last
 */
export function ours(inner: DataStore, requests: boolean): Contender {
  const { store, counts } = counted(inner)
  const samples = new Map([3, 10].map((length) => [length, chain(length, 'awaiting')]))
  const polaris = new Polaris({ store })
  for (const { workflow } of samples.values()) polaris.register(workflow)
  polaris.worker().start()
  const executor = polaris.executor()
  let n = 0
  return {
    load({ length }) {
      const { workflow, first } = samples.get(length) as Sample
      return {
        async run() {
          const named = requests ? executor.with({ requestId: randomUUID() }) : executor
          const { status } = await named.sequential(workflow, randomUUID(), feed(first, ++n))
          if (status !== 'completed') throw new Error(`A scope is ${status}.`)
        },
      }
    },
    counts,
    close: () => polaris.close(),
  }
}

function counted(inner: DataStore): { readonly store: DataStore; readonly counts: () => Counts } {
  let calls = 0
  let writes = 0
  let changes = 0
  const counting = <A extends readonly unknown[], R>(call: (...args: A) => R): ((...args: A) => R) => {
    return (...args) => {
      calls++
      return call(...args)
    }
  }
  const store: DataStore = {
    ...inner,
    read: counting((id) => inner.read(id)),
    append: counting((appends) => inner.append(appends)),
    mail: counting((id, query) => inner.mail(id, query)),
    request: counting((id, requestId) => inner.request(id, requestId)),
    claim: counting((query) => inner.claim(query)),
    write: counting((batch) => {
      writes++
      changes += batch.length
      return inner.write(batch)
    }),
  }
  return {
    store,
    counts() {
      const found = { calls, writes, changes }
      calls = writes = changes = 0
      return found
    },
  }
}

/** What a scope writes to a store that keeps text, commit by commit. */
export async function recordScope(length: number): Promise<readonly Change[]> {
  const inner = memoryStore({ strict: true })
  const changes: Change[] = []
  const store: DataStore = {
    ...inner,
    // One that is not gets a single commit.
    capabilities: { ...inner.capabilities, durable: true },
    write(batch) {
      changes.push(...batch)
      return inner.write(batch)
    },
  }
  const { workflow, first } = chain(length, 'sync')
  const polaris = new Polaris({ store }).register(workflow)
  await polaris.executor().sequential(workflow, randomUUID(), feed(first, 1))
  await polaris.close()
  return changes
}
