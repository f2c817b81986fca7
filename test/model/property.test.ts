/**
 * The engine against the reference, over random workflows and what is done with them. A failure prints the seed and the
 * path: `POLARIS_SEED=… POLARIS_PATH=… npx vitest run test/model/property.test.ts` plays that case again.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { isPolarisError } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { afterAll, expect, test } from 'vitest'
import { FEATURES, type Feature } from './features.ts'
import { cases, describeCase, type Case } from './generate.ts'
import { isCyclic } from './graph.ts'
import { compareCompute, finalDataSet, runCase, type Medium } from './run.ts'
import { newWorld, realise } from './world.ts'
import { storeTime } from '../support/time.ts'

const RUNS = Number(process.env['POLARIS_RUNS'] ?? 3000)
/** Each feature has to occur in so many cases of a whole run. */
const ENOUGH = 100

const folder = mkdtempSync(join(tmpdir(), 'polaris-model-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0

function mediumFor(store: Case['store']): Medium {
  if (store !== 'sqlite')
    return { lasting: false, open: () => memoryStore({ strict: store === 'strict', now: storeTime.now }) }
  const file = join(folder, `${String(files++)}.db`)
  return { lasting: true, open: () => sqliteStore(file, { synchronous: 'normal', now: storeTime.now }) }
}

const counts = new Map<Feature, number>(FEATURES.map((feature) => [feature, 0]))

async function check(given: Case): Promise<void> {
  const features = await runCase(given, mediumFor(given.store))
  for (const feature of features) counts.set(feature, counts.get(feature)! + 1)
  refusesCycles(given)
  await compareCompute(given)
  const one = await finalDataSet(given, false, memoryStore())
  const other = await finalDataSet(given, true, memoryStore())
  if (one !== undefined && other !== undefined) expect(other).toEqual(one)
}

/** Rule 3: without `loops` a cycle is refused. */
function refusesCycles({ spec }: Case): void {
  if (!isCyclic(spec)) return
  try {
    realise({ ...spec, loops: false }, newWorld(), { dead: false })
  } catch (error) {
    if (isPolarisError(error, 'GRAPH_INVALID')) return
    throw error
  }
  throw new Error('a cycle passed without loops')
}

test(`engine and reference agree in ${String(RUNS)} random cases`, { timeout: 600_000 }, async () => {
  const seed = process.env['POLARIS_SEED']
  const path = process.env['POLARIS_PATH']
  const details = await fc.check(fc.asyncProperty(cases, check), {
    numRuns: RUNS,
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(path !== undefined && { path, endOnFailure: true }),
  })
  if (details.failed) throw new Error(reportOf(details))
  if (path !== undefined) return
  const rare = [...counts].filter(([, count]) => count < ENOUGH)
  if (process.env['POLARIS_COUNTS'] !== undefined) console.log(Object.fromEntries(counts))
  expect(rare, `of ${String(RUNS)} cases (seed ${String(details.seed)}) too few had these features`).toEqual([])
})

function reportOf(details: fc.RunDetails<[Case]>): string {
  const { seed, counterexamplePath, counterexample, errorInstance, numRuns } = details
  const replay = `POLARIS_SEED=${String(seed)} POLARIS_PATH=${String(counterexamplePath)}`
  const shown = counterexample === null ? '' : describeCase(counterexample[0])
  const message =
    errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance)
  return `case ${String(numRuns)} fails; ${replay} plays it again\n${shown}\n\n${message}`
}
