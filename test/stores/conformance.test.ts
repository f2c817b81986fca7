import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PolarisError } from '../../src/graph/errors.ts'
import type { Append, DataStore } from '../../src/stores/contract.ts'
import type { MemoryOptions, MemoryStore } from '../../src/stores/memory.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import type { ConformanceOptions, MakeStore } from '../../src/testing/conformance.ts'
import { storeConformance } from '../../src/testing/conformance.ts'
import { tinyStore } from './conformance-example.ts'

const nothing = () => undefined

/** A clock that a medium moves on. */
function movable(): { now(): number; advance(ms: number): void } {
  let ahead = 0
  return { now: () => Date.now() + ahead, advance: (ms) => void (ahead += ms) }
}

const files: MakeStore = () => {
  const folder = mkdtempSync(join(tmpdir(), 'polaris-'))
  const { now, advance } = movable()
  return {
    open: () => sqliteStore(join(folder, 'store.db'), { now }),
    dispose: () => rmSync(folder, { recursive: true }),
    advance,
  }
}

const inMemory: MakeStore = () => {
  const { now, advance } = movable()
  return { open: () => sqliteStore(':memory:', { now }), dispose: nothing, advance }
}

function memory(options: MemoryOptions = {}): MakeStore {
  return () => {
    const { now, advance } = movable()
    return { open: () => memoryStore({ ...options, now }), dispose: nothing, advance }
  }
}

/** Two stores of one memory, each with a life of its own: what is shared is tested without a server as well. */
const shared: MakeStore = () => {
  const { now, advance } = movable()
  const store = memoryStore({ strict: true, now })
  return { open: () => guest(store), dispose: () => store.close(), advance }
}

function guest(store: DataStore): DataStore {
  let closed = false
  return new Proxy(store, {
    get(target, key: keyof DataStore) {
      if (key === 'close') return () => void (closed = true)
      const member = target[key]
      if (!closed || typeof member !== 'function') return member
      return () => {
        throw new PolarisError('CLOSED', 'This guest has left.')
      }
    },
  })
}

const tiny: MakeStore = () => {
  const tables: Parameters<typeof tinyStore>[0] = { instances: new Map(), metas: new Map() }
  const { now, advance } = movable()
  return { open: () => tinyStore(tables, now), dispose: () => tables.instances.clear(), advance }
}

/** Cannot move its clock, like a server. */
const unmoved: MakeStore = async () => {
  const { open, dispose } = await shared()
  return { open, dispose }
}

const stores: readonly (readonly [name: string, makeStore: MakeStore, options: ConformanceOptions])[] = [
  ['memory', memory(), { clock: true, shared: false, capabilities: { durable: false, values: 'live', lists: true } }],
  ['memory, strict', memory({ strict: true }), { clock: true, shared: false }],
  ['memory, shared', shared, { clock: true }],
  ['memory, with a clock of its own', unmoved, { clock: true }],
  ['tiny', tiny, { subscribes: false, capabilities: { durable: true, values: 'text', lists: false } }],
  ['sqlite', files, { clock: true, tallies: true, finds: true }],
  [
    'sqlite in memory',
    inMemory,
    { clock: true, shared: false, finds: true, capabilities: { durable: false, values: 'text', lists: true } },
  ],
]

for (const [name, makeStore, options] of stores) {
  describe(`the ${name} store`, () => {
    for (const one of storeConformance(makeStore, options)) {
      const title = `${one.group}: ${one.name}${one.skipped === undefined ? '' : ` (${one.skipped})`}`
      it.skipIf(one.skipped !== undefined)(title, one.run)
    }
  })
}

describe('the guide', () => {
  it('shows the store that passes', () => {
    const guide = readFileSync(new URL('../../docs/write-a-store.md', import.meta.url), 'utf8')
    const example = readFileSync(new URL('conformance-example.ts', import.meta.url), 'utf8')
    expect(guide).toContain(`\`\`\`ts\n${example}\`\`\``)
  })
})

describe('the suite', () => {
  const makeStore: MakeStore = () => ({ open: () => memoryStore(), dispose: nothing })

  it('has at least 190 cases, each with a name of its own', () => {
    const names = storeConformance(makeStore).map(({ group, name }) => `${group}: ${name}`)
    expect(names.length).toBeGreaterThanOrEqual(190)
    expect(new Set(names).size).toBe(names.length)
  })

  it('names what a store does not declare', async () => {
    const skipped = storeConformance(makeStore, { shared: false }).filter((one) => one.skipped !== undefined)
    expect(skipped.map(({ group }) => group)).toContain('shared')
    const first = skipped.find(({ group }) => group === 'shared')
    await expect(first?.run()).rejects.toThrow(/Skipped: every store has contents of its own/)
  })

  it('finds a store that does not compare', async () => {
    const blind: MakeStore = () => {
      const store = memoryStore({ strict: true })
      const write: typeof store.write = (changes) =>
        store.write(
          changes.map((change) => {
            const current = store.read(change.header.id)?.header
            return current === undefined || change.expected === null ? change : { ...change, expected: current }
          }),
        )
      return { open: () => ({ ...store, write }), dispose: nothing }
    }
    const failed: string[] = []
    for (const one of storeConformance(blind, { shared: false })) {
      if (one.group === 'compare') await one.run().catch((error: Error) => failed.push(`${one.name}\n${error.message}`))
    }
    expect(failed.length).toBeGreaterThanOrEqual(8)
    expect(failed.join('\n')).toMatch(/the answer: expected \[\s+\{\s+ok: false/)
  })

  const blunders: readonly (readonly [
    what: string,
    group: string,
    blunder: (store: MemoryStore) => Partial<DataStore>,
  ])[] = [
    [
      'does not compare the counter of mail',
      'mail counter',
      (store) => ({
        write: (changes) =>
          store.write(
            changes.map((change) => {
              const appended = store.read(change.header.id)?.header.mailAppended
              if (change.expected?.mailAppended === undefined || appended === undefined) return change
              return { ...change, expected: { ...change.expected, mailAppended: appended } }
            }),
          ),
      }),
    ],
    [
      'appends a request as often as it is sent',
      'append again',
      (store) => {
        let count = 0
        const rename = ({ mail, ...rest }: Append): Append => {
          return { ...rest, mail: { ...mail, requestId: `${mail.requestId} ${++count}` } }
        }
        return { append: (appends) => store.append(appends.map(rename)) }
      },
    ],
    [
      'keeps no outcome',
      'mail in changes',
      (store) => ({ write: (changes) => store.write(changes.map(({ handled: _, ...change }) => change)) }),
    ],
    [
      'forgets leases',
      'lease',
      (store) => ({ write: (changes) => store.write(changes.map(({ lease: _, ...change }) => change)) }),
    ],
    ['gives what others hold', 'claim', (store) => ({ claim: (query) => store.claim({ ...query, lease: -1 }) })],
  ]

  it.each(blunders)('finds a store that %s', async (_, group, blunder) => {
    const blundering: MakeStore = () => {
      const store = memoryStore({ strict: true })
      return { open: () => ({ ...store, ...blunder(store) }), dispose: nothing, advance: nothing }
    }
    const cases = storeConformance(blundering, { shared: false }).filter((one) => one.group === group)
    await expect(Promise.all(cases.map(({ run }) => run()))).rejects.toThrow(/expected|it is not so/)
  })

  it('finds a store that tears header and rows apart', async () => {
    const torn: MakeStore = () => {
      const store = memoryStore({ strict: true })
      const write: typeof store.write = (changes) => {
        const written = store.write(changes)
        changes.forEach(({ header, rows }, index) => {
          const current = store.read(header.id)?.header
          if (written[index]?.ok || current === undefined) return
          store.write([{ expected: current, header: current, rows }])
        })
        return written
      }
      return { open: () => ({ ...store, write }), dispose: nothing }
    }
    const outcomes = await Promise.all(
      storeConformance(torn, { shared: false })
        .filter(({ name }) => /leaves no trace/.test(name) && !name.startsWith('a bad change'))
        .map((one) => one.run().then(nothing, (error: Error) => error.message)),
    )
    expect(outcomes.every((message) => /the history of 'a'/.test(message ?? ''))).toBe(true)
  })
})
