/** One run: feeds, kills, waits until everything is done, and has it checked. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Polaris } from 'polaris-workflow'
import type { DataStore, Header } from 'polaris-workflow'
import { check, isUnsettled, unsettled } from './check.ts'
import type { Findings } from './check.ts'
import { stepsIn } from './feeding.ts'
import { startFleet } from './fleet.ts'
import type { Fleet } from './fleet.ts'
import { parcel } from './parcel.ts'
import { openMedium } from './servers.ts'
import type { Medium } from './servers.ts'
import { openStore } from './settings.ts'
import type { Settings, StoreKind } from './settings.ts'

export interface RunOptions {
  readonly kind: StoreKind
  /** Of a server that others use too; without it, one is started, and killed now and then. */
  readonly url: string | undefined
  readonly kills: number
  readonly workflows: number
  readonly lease: number
  readonly seed: number
  /** How often the server is killed, where it is ours. */
  readonly crashes: number
  /** How long after the last kill everything has to be done, in milliseconds. */
  readonly within: number
  readonly onProgress: (progress: Progress) => void
}

export interface Progress {
  readonly told: number
  readonly steps: number
  readonly deaths: number
  readonly crashes: number
}

export interface Outcome extends Findings {
  readonly kills: number
  readonly atCommitPoints: number
  readonly crashes: number
  readonly workflows: number
  /** From the start of the processes until everything was done. */
  readonly seconds: number
  /** How long after the last kill everything was done, in milliseconds. */
  readonly doneAfter: number
}

/** Between two kills at random, at least. */
const SHORTEST_GAP_MS = 50
/** So much is left to be fed when the last process is killed. */
const LEFT_OVER = 100
/** A run that does not get on any more ends, and shows what is left. */
const STANDSTILL_MS = 60_000

export async function run(options: RunOptions): Promise<Outcome> {
  const { kind, url, workflows, lease } = options
  const folder = mkdtempSync(join(tmpdir(), 'polaris-chaos-'))
  let medium: Medium | undefined
  try {
    medium = await openMedium(kind, folder, url)
    const settings: Settings = { place: medium.place, folder, workflows, lease }
    return await perform(options, settings, medium)
  } finally {
    await medium?.dispose()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function perform(options: RunOptions, settings: Settings, medium: Medium): Promise<Outcome> {
  const { kills, within, workflows } = options
  const startedAt = Date.now()
  const fleet = startFleet(settings, kills, randomFrom(options.seed))
  const store = openStore(settings.place)
  // It has no worker, so it only looks.
  const polaris = new Polaris({ store, services: { ledger: { add: () => undefined } } }).register(parcel)
  const problems: string[] = []
  try {
    const crashes = await strike(options, fleet, medium)
    const left = await finish(store, fleet)
    const doneAt = Date.now()
    for (const header of left) problems.push(`${header.id}: it is left behind`)
    await fleet.end()
    const doneAfter = doneAt - fleet.lastDeathAt
    if (doneAfter > within) problems.push(`done ${doneAfter} ms after the last kill, but ${within} were given`)
    const findings = await check(store, polaris, settings)
    return {
      kills: fleet.deaths,
      atCommitPoints: fleet.atCommitPoints,
      crashes,
      workflows,
      seconds: (doneAt - startedAt) / 1_000,
      doneAfter,
      ...findings,
      problems: [...problems, ...findings.problems],
    }
  } finally {
    await fleet.end()
    await polaris.close()
  }
}

/** Kills processes, and the server, in step with what is fed. Answers how often the server was. */
async function strike(options: RunOptions, fleet: Fleet, medium: Medium): Promise<number> {
  const { kills, workflows, onProgress } = options
  const steps = stepsIn(workflows)
  const most = medium.crash === undefined ? 0 : options.crashes
  let crashes = 0
  const stands = standstill(fleet)
  for (let struckAt = Date.now(); fleet.deaths < kills && !stands(); await sleep(10)) {
    onProgress({ told: fleet.told, steps, deaths: fleet.deaths, crashes })
    if (crashes < most && fleet.deaths >= ((crashes + 0.5) / most) * kills) {
      await medium.crash?.()
      crashes++
      struckAt = Date.now()
    }
    const since = Date.now() - Math.max(struckAt, fleet.lastDeathAt)
    const due = fleet.fed || fleet.told >= ((fleet.deaths + 1) / kills) * Math.max(0, steps - LEFT_OVER)
    if (since < SHORTEST_GAP_MS || !due) continue
    struckAt = Date.now()
    fleet.killOne()
  }
  return crashes
}

/** Waits until everything is fed and handled. Answers what is not, where it does not get on. */
async function finish(store: DataStore, fleet: Fleet): Promise<readonly Header[]> {
  const stands = standstill(fleet)
  while (!fleet.fed) {
    if (stands()) return unsettled(store)
    await sleep(5)
  }
  let left = await unsettled(store)
  for (let since = Date.now(); left.length > 0; await sleep(5)) {
    if (Date.now() - since > STANDSTILL_MS) return left
    const [first] = left
    const header = first && (await store.read(first.id))?.header
    if (header !== undefined && isUnsettled(header)) continue
    left = left.slice(1)
  }
  return left
}

/** Answers whether the feeders have not got on for long. Throws if a process ended by itself. */
function standstill(fleet: Fleet): () => boolean {
  let told = -1
  let since = 0
  return () => {
    if (fleet.trouble !== undefined) throw new Error(fleet.trouble)
    if (fleet.told > told) [told, since] = [fleet.told, Date.now()]
    return Date.now() - since > STANDSTILL_MS
  }
}

function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
