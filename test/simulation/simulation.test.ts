/**
 * Whole processes, clients and a faulty store in virtual time. A failure prints its seed:
 * `npm run simulate -- --schedules 1 --seed … --verbose` shows that schedule step by step.
 */
import { expect, test } from 'vitest'
import { newCounts, tooSeldom } from './counts.ts'
import { simulate } from './simulate.ts'

const SCHEDULES = 1_000
const FIRST_SEED = 1

test(`nothing is lost, done twice or left undone in ${SCHEDULES} schedules`, { timeout: 300_000 }, async () => {
  const counts = newCounts()
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed++) {
    const { problems } = await simulate(seed, counts)
    expect(problems, `seed ${seed}`).toEqual([])
  }
  expect(tooSeldom(counts), 'what these schedules were to show, and did too seldom').toEqual([])
})

test('a seed is a schedule', async () => {
  const [first, second] = [await simulate(9, newCounts()), await simulate(9, newCounts())]
  expect(first.steps).toBeGreaterThan(50)
  expect(second.trace).toEqual(first.trace)
})
