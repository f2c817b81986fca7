import { workflow } from 'polaris-workflow'
import type { HistoryEntry, Polaris } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { newLab, texts } from '../support/lab.ts'
import { eachStore, sqliteKind } from '../support/media.ts'
import type { StoreKind } from '../support/media.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'
import { auditAfterEach, newBench } from './bench.ts'

expectNoUnhandledRejections()
auditAfterEach()

/** Where each commit waits for a disk, fewer tell the same. */
const FEW = 100

async function wholeHistory(polaris: Polaris, id: string): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = []
  for (;;) {
    const page = await polaris.history(id, { after: entries.length })
    entries.push(...page)
    if (page.length < 1_000) return entries
  }
}

function crowd(kind: StoreKind, each: number): void {
  it(`rule 25, G2, G5: two processes with ${each} calls each on one id: a scope each in one line`, async () => {
    const [A, T] = texts('A', 'T')
    const w = workflow({ name: 'w', builders: [newLab().step('t', [A], T)], target: T })
    const bench = newBench(kind, w)
    const two = [bench.process(), bench.process()]
    const calls = Array.from({ length: 2 * each }, (_, i) => two[i % 2]!.executor().sequential(w, 'i', A(`${i}`)))
    const ends = await Promise.all(calls)
    expect(ends.map(({ target }) => target)).toEqual(ends.map((_, i) => `t(${i})`))
    expect(ends.map(({ scope }) => scope).toSorted((a, b) => a - b)).toEqual(ends.map((_, i) => i + 1))
    for (const own of [0, 1]) {
      const scopes = ends.filter((_, i) => i % 2 === own).map(({ scope }) => scope)
      expect(scopes, 'each process has its calls in order').toEqual(scopes.toSorted((a, b) => a - b))
    }
    const entries = await wholeHistory(two[0]!, 'i')
    expect(entries).toHaveLength(4 * each)
    for (const [i, { scope }] of ends.entries()) {
      const [fed, made] = [entries[2 * scope - 2], entries[2 * scope - 1]]
      expect([fed?.scope, fed?.value, made?.scope, made?.value]).toEqual([scope, `${i}`, scope, `t(${i})`])
    }
  }, 120_000)
}

eachStore((kind) => crowd(kind, kind.name === 'memory (strict)' ? 1_000 : FEW), 'servers')

describe('on SQLite that does not wait for the disk', () => {
  crowd(sqliteKind({ synchronous: 'normal' }), 1_000)
})
