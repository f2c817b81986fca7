import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import type { ConformanceOptions, MakeStore } from '../../src/testing/conformance.ts'
import { storeConformance } from '../../src/testing/conformance.ts'

const nothing = () => undefined

const files: MakeStore = () => {
  const folder = mkdtempSync(join(tmpdir(), 'polaris-'))
  return {
    open: () => sqliteStore(join(folder, 'store.db')),
    dispose: () => rmSync(folder, { recursive: true }),
  }
}

const stores: readonly (readonly [name: string, makeStore: MakeStore, options: ConformanceOptions])[] = [
  [
    'memory',
    () => ({ open: () => memoryStore(), dispose: nothing }),
    { shared: false, capabilities: { durable: false, values: 'live' } },
  ],
  ['memory, strict', () => ({ open: () => memoryStore({ strict: true }), dispose: nothing }), { shared: false }],
  ['sqlite', files, {}],
  [
    'sqlite in memory',
    () => ({ open: () => sqliteStore(':memory:'), dispose: nothing }),
    { shared: false, capabilities: { durable: false, values: 'text' } },
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

describe('the suite', () => {
  const makeStore: MakeStore = () => ({ open: () => memoryStore(), dispose: nothing })

  it('has at least 40 cases, each with a name of its own', () => {
    const names = storeConformance(makeStore).map(({ group, name }) => `${group}: ${name}`)
    expect(names.length).toBeGreaterThanOrEqual(40)
    expect(new Set(names).size).toBe(names.length)
  })

  it('names what a store does not declare', async () => {
    const skipped = storeConformance(makeStore, { shared: false }).filter((one) => one.skipped !== undefined)
    expect(skipped.map(({ group }) => group)).toContain('shared')
    await expect(skipped[0]?.run()).rejects.toThrow(/Skipped: every store has contents of its own/)
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
