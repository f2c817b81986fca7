/** The processes of a run. One that is killed is started again at once. */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { FEEDERS } from './feeding.ts'
import { fatalPoints } from './mortal.ts'
import type { Settings } from './settings.ts'

const WORKERS = ['walter', 'xenia', 'yann', 'zoe'] as const
/** Killed earlier, a process has hardly begun. */
const GROWN_UP_MS = 300

type Role = 'worker' | 'feeder'

interface Member {
  readonly name: string
  readonly role: Role
  child: ChildProcess
  startedAt: number
  /** Where it is to kill itself. */
  fatal: string | undefined
  finished: boolean
}

export interface Fleet {
  /** So many processes were killed, by us or by themselves. */
  readonly deaths: number
  /** How many of them by themselves, at a commit point. */
  readonly atCommitPoints: number
  readonly lastDeathAt: number
  /** So often did a feeder write down what it was told. */
  readonly told: number
  readonly fed: boolean
  /** What went wrong with a process, other than that it was killed. */
  readonly trouble: string | undefined
  killOne(): void
  end(): Promise<void>
}

/**
 * @param kills after so many deaths nobody is killed any more
 * @param random from 0 to 1
 */
export function startFleet(settings: Settings, kills: number, random: () => number): Fleet {
  const members = new Map<string, Member>()
  const points: Record<Role, readonly string[]> = { worker: fatalPoints('worker'), feeder: fatalPoints('feeder') }
  const turns: Record<Role, number> = { worker: Math.floor(random() * 33), feeder: Math.floor(random() * 33) }
  const condemned = new Set<ChildProcess>()
  const state = { deaths: 0, atCommitPoints: 0, lastDeathAt: 0, trouble: undefined as string | undefined }
  const told = new Map<string, number>()
  let ending = false

  const alive = (): Member[] => [...members.values()].filter(({ finished }) => !finished)
  const armed = (): Member[] => alive().filter(({ fatal }) => fatal !== undefined)
  /** Whether those who are dead or will be soon are too few. */
  const isWanting = (): boolean =>
    state.deaths + alive().filter(({ child, fatal }) => fatal !== undefined || condemned.has(child)).length < kills
  const nextPoint = (role: Role): string | undefined => points[role][turns[role]++ % points[role].length]

  const start = (name: string, role: Role, fatal: string | undefined): void => {
    const program = fileURLToPath(new URL(role === 'worker' ? './worker.js' : './feeder.js', import.meta.url))
    const env = {
      ...process.env,
      CHAOS_SETTINGS: JSON.stringify(settings),
      CHAOS_PART: JSON.stringify({ name, ...(fatal !== undefined && { fatal }) }),
    }
    const child = spawn(process.execPath, ['--enable-source-maps', program], {
      env,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_000)))
    // The sum so far: what a feeder says last before it is killed may get lost.
    child.on('message', (count) => told.set(name, count as number))
    child.once('close', (code, signal) => ended(child, name, role, { code, signal, said }))
    members.set(name, { name, role, child, fatal, startedAt: Date.now(), finished: false })
  }

  const ended = (
    child: ChildProcess,
    name: string,
    role: Role,
    { code, signal, said }: { code: number | null; signal: NodeJS.Signals | null; said: string },
  ): void => {
    const member = members.get(name)
    if (ending || member === undefined) return
    if (signal !== 'SIGKILL') {
      member.finished = true
      if (code !== 0 || role === 'worker') state.trouble = `${name} ended (${signal ?? code ?? '?'}): ${said}`
      return
    }
    const byUs = condemned.delete(child)
    state.deaths++
    if (!byUs) state.atCommitPoints++
    state.lastDeathAt = Date.now()
    member.fatal = undefined
    // The points have their turn after a kill at random, so that the two kinds alternate.
    const fatal = byUs && isWanting() ? nextPoint(role) : undefined
    start(name, role, fatal)
  }

  for (const name of FEEDERS) start(name, 'feeder', undefined)
  for (const name of WORKERS) start(name, 'worker', undefined)
  return {
    get deaths() {
      return state.deaths
    },
    get atCommitPoints() {
      return state.atCommitPoints
    },
    get lastDeathAt() {
      return state.lastDeathAt
    },
    get told() {
      return [...told.values()].reduce((sum, count) => sum + count, 0)
    },
    get fed() {
      return FEEDERS.every((name) => members.get(name)?.finished === true)
    },
    get trouble() {
      return state.trouble
    },
    killOne() {
      // The last kills are left to those that are to kill themselves, unless they do not get there.
      const left = isWanting() ? alive() : armed()
      const grownUp = left.filter(({ startedAt }) => Date.now() - startedAt > GROWN_UP_MS)
      const victim = grownUp[Math.floor(random() * grownUp.length)]
      if (victim === undefined || condemned.has(victim.child)) return
      condemned.add(victim.child)
      victim.child.kill('SIGKILL')
    },
    async end() {
      ending = true
      const children = [...members.values()].map(({ child }) => child)
      await Promise.all(children.map(gone))
    },
  }
}

function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
