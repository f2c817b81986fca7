import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { gatherStatistics, interrogate, loadInstances, plansOf } from '../../bench/million.ts'
import type { Answer } from '../../bench/million.ts'
import { openStore } from '../../bench/stores-servers.ts'
import type { Place } from '../../bench/stores-servers.ts'
import { needsServer, postgresMedium, serverUrl } from '../support/server-media.ts'

const [FEW, MANY] = [5_000, 50_000]
/** At a million none may take longer than 50 ms: in ms for each instance more, with tenfold slack. */
const ALLOWED_SLOPE = (10 * 50) / 1_000_000
/** Ten pages of 100. */
const ALLOWED_ROWS = 1_000

/** What `get`, claims and pages take among few instances, and among ten times as many. */
async function grow(
  place: Place,
): Promise<{ readonly answers: readonly Answer[][]; readonly plans: readonly string[] }> {
  const store = openStore(place)
  const answers: Answer[][] = []
  try {
    for (const [from, to] of [
      [0, FEW],
      [FEW, MANY],
    ] as const) {
      await loadInstances(store, from, to)
      await gatherStatistics(place)
      answers.push(await interrogate(store, to, 100))
    }
  } finally {
    await store.close()
  }
  return { answers, plans: await plansOf(place, MANY) }
}

function expectNoGrowth([few = [], many = []]: readonly Answer[][]): void {
  expect(few.length).toBeGreaterThan(0)
  for (const [i, { name, p50 }] of few.entries()) {
    const slope = ((many[i]?.p50 ?? NaN) - p50) / (MANY - FEW)
    expect(slope, `${name}, ms for each instance more`).toBeLessThan(ALLOWED_SLOPE)
  }
}

describe('ten times as many instances take no longer to ask', () => {
  const folder = mkdtempSync(join(tmpdir(), 'polaris-size-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('on SQLite, which goes through no table', { timeout: 120_000 }, async () => {
    const { answers, plans } = await grow({ store: 'sqlite', at: join(folder, 'size.db'), name: 'size' })
    expectNoGrowth(answers)
    expect(plans.length).toBeGreaterThan(5)
    for (const plan of plans) {
      expect(plan).not.toMatch(/SCAN polaris_/)
      // Only what belongs to one instance is ever sorted.
      if (plan.includes('TEMP B-TREE'))
        expect(plan).toMatch(/SEARCH polaris_rows USING PRIMARY KEY \(created_at=\? AND id=\?/)
    }
  })
})

describe('ten times as many instances take no longer to ask', () => {
  needsServer('postgres')

  it('on Postgres, which looks at no more rows than a few pages have', { timeout: 120_000 }, async () => {
    const medium = postgresMedium()
    try {
      const { answers, plans } = await grow({ store: 'postgres', at: serverUrl('postgres'), name: medium.schema })
      expectNoGrowth(answers)
      expect(plans.length).toBeGreaterThan(5)
      for (const plan of plans) {
        const rows = Array.from(plan.matchAll(/actual time=\S+ rows=(\d+)/g), ([, count]) => Number(count))
        expect(rows.length, plan).toBeGreaterThan(0)
        expect(Math.max(...rows), plan).toBeLessThan(ALLOWED_ROWS)
      }
    } finally {
      await medium.dispose()
    }
  })
})
