/**
 * One schedule: some processes and clients over one store, everything in an order and with faults that follow from the
 * seed. Once the faults stop, everything has to come to its end, soon.
 */
import type { Row } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { graphOf } from '../model/graph.ts'
import { accountForAll } from './accounts.ts'
import { newAudit } from './audit.ts'
import type { AuditFacts } from './subject.ts'
import { referenceJudge } from './reference.ts'
import { startClient, type Client } from './clients.ts'
import { count, type Counts } from './counts.ts'
import { startProcess, startWorker, type Process } from './process.ts'
import { randomOf, type Random } from './random.ts'
import { scheduler as newScheduler } from './scheduler.ts'
import { timedJudge, type TimedFacts } from './timed-judge.ts'
import { newOutside } from './undo-rules.ts'
import { LEASE_MS, POLL_MS, workloadOf, type Workload } from './workload.ts'
import { fairWeather, headerOf, rowsOf, type World } from './world.ts'

export interface Report {
  readonly problems: readonly string[]
  readonly trace: readonly string[]
  readonly steps: number
  /** Virtual milliseconds from the last fault to the end. */
  readonly recovery: number
}

/** Far more than anything needs that comes to an end at all. */
const MOST_STEPS = 30_000
/** From the last fault on, and from the last thing on that sets off something later: a lease that a dead process holds, a look of a worker, and the work itself. */
const MOST_RECOVERY_MS = LEASE_MS + 2 * POLL_MS + 1_500

interface Simulation extends World {
  readonly problems: string[]
  readonly processes: Process[]
  readonly clients: readonly Client[]
  started: number
}

export async function simulate(seed: number, counts: Counts): Promise<Report> {
  const random = randomOf(seed)
  const workload = workloadOf(random)
  const trace: string[] = []
  const problems: string[] = []
  const unhandled = (reason: unknown): void =>
    void problems.push(`unhandled: ${String((reason as Error)?.stack ?? reason)}`)
  process.on('unhandledRejection', unhandled)
  const dice = Math.random
  // The engine spreads the looks of its workers by chance.
  Math.random = () => 0.5
  try {
    const simulation = newSimulation(random, workload, problems, trace, counts)
    const recovery = await play(simulation)
    if (problems.length > 0) trace.push(...describe(simulation))
    return { problems, trace, steps: simulation.scheduler.steps, recovery }
  } finally {
    Math.random = dice
    process.off('unhandledRejection', unhandled)
  }
}

function newSimulation(
  random: Random,
  workload: Workload,
  problems: string[],
  trace: string[],
  counts: Counts,
): Simulation {
  const blame = (problem: string): void => {
    problems.push(problem)
    trace.push(`!!! ${problem}`)
  }
  let simulation: Simulation | undefined = undefined as Simulation | undefined
  const weather = (): World['weather'] => simulation?.weather ?? workload.weather
  const tell = (event: string): void => void trace.push(event)
  const scheduler = newScheduler(random, () => weather().eager, tell)
  const store = memoryStore({ strict: true, now: () => scheduler.now })
  const graph = graphOf(workload.spec)
  const operations = workload.clients.flat()
  const tally: World['count'] = (name, holds) => count(counts, name, holds)
  const facts: AuditFacts = {
    ...{ store, graph, operations, blame, count: tally, calm: workload.weather.calm },
    ids: [...new Set(operations.flatMap(({ id, kind, to }) => (kind === 'fork' ? [id, to] : [id])))],
    now: () => scheduler.now,
  }
  const historiesOf: TimedFacts['historiesOf'] = (id) => simulation!.audit.histories(id)
  const { timed } = workload
  const outside = timed && newOutside(facts, timed)
  const judge = timed && outside ? timedJudge({ ...facts, timed, outside, historiesOf }) : referenceJudge(facts)
  const audit = newAudit(facts, judge)
  tally('schedule with time', timed !== undefined)
  const processes: Process[] = []
  const underWay: World['underWay'] = new Set()
  const base = {
    random,
    scheduler,
    workload,
    graph,
    store,
    audit,
    outside,
    underWay,
    weather: workload.weather,
    count: tally,
    blame,
    tell,
  }
  const clients: Client[] = []
  simulation = Object.assign(base, { problems, processes, clients, started: 0 })
  tally('calm schedule', workload.weather.calm)
  tally('lossy schedule', workload.weather.lossy)
  for (let i = 0; i < workload.processes; i++) begin(simulation, random.chance(workload.workers))
  for (const plan of workload.clients) clients.push(startClient(simulation, plan, () => processes))
  return simulation
}

function begin(simulation: Simulation, withWorker: boolean): Process {
  const process = startProcess(simulation, `p${++simulation.started}`)
  simulation.processes.push(process)
  if (withWorker) startWorker(simulation, process)
  return process
}

/** For people: what is stored of every instance. */
function describe({ store, audit }: Simulation): string[] {
  return audit.ids.flatMap((id) => [
    `    ${id} ${JSON.stringify(headerOf(store, id))}`,
    ...rowsOf(store, id).map((row) => `      ${describeRow(row)}`),
  ])
}

function describeRow({
  seq,
  scope,
  pass,
  builder,
  outcome,
  data,
  value,
  inputs,
  startedAt,
  endedAt,
  note,
}: Row): string {
  const place = `${seq}: scope ${scope} pass ${pass} ${builder ?? ''} ${outcome} ${data ?? ''} ${JSON.stringify(value) ?? ''}`
  return `${place} of ${inputs.join()} at ${startedAt} to ${endedAt} ${JSON.stringify(note)}`
}

/** Plays it to the end; answers how long it took to recover. */
async function play(simulation: Simulation): Promise<number> {
  const { scheduler, workload, problems } = simulation
  while (scheduler.steps < workload.faultySteps && !isOver(simulation) && problems.length === 0) {
    strike(simulation)
    replaceTheDead(simulation)
    if (!(await scheduler.step())) break
  }
  heal(simulation)
  const healed = scheduler.now
  const latest = scheduler.steps + MOST_STEPS
  while (!isOver(simulation) && problems.length === 0) {
    const stuck = !(await scheduler.step())
    const since = Math.max(healed, simulation.audit.nextAt())
    if (stuck || scheduler.steps > latest || scheduler.now - since > MOST_RECOVERY_MS) {
      simulation.blame(
        `after ${scheduler.now - since} ms without faults there is still ${openEnds(simulation).join('; ')}`,
      )
    }
  }
  const recovery = scheduler.now - healed
  if (problems.length === 0) await closeAll(simulation)
  if (problems.length === 0) accountForAll(simulation, simulation.clients)
  if (problems.length === 0) simulation.audit.rest()
  return recovery
}

const isOver = (simulation: Simulation): boolean => openEnds(simulation).length === 0

function openEnds({ clients, audit, underWay }: Simulation): string[] {
  const waiting = clients.flatMap(({ open }) => (open === undefined ? [] : [`no answer to ${open}`]))
  // What a dead process has sent may begin something yet, which somebody else then has to end.
  const adrift = [...underWay].filter(({ sender }) => sender.dead).map(({ label }) => `${label} of the dead under way`)
  return [...waiting, ...adrift, ...audit.unfinished()]
}

/** Perhaps something bad happens to a process. */
function strike(simulation: Simulation): void {
  const { random, weather, scheduler, count, processes } = simulation
  const living = processes.filter((process) => !process.dead && !process.closing)
  if (living.length > 1 && random.chance(weather.kill)) {
    count('process killed')
    living.splice(random.int(0, living.length - 1), 1)[0]!.die()
  }
  if (living.length === 0) return
  if (random.chance(weather.pause)) {
    count('process paused')
    const process = random.pick(living)
    const ms = random.int(LEASE_MS / 2, 6 * LEASE_MS)
    process.pausedUntil = scheduler.now + ms
    simulation.tell(`    ${process.name} sleeps for ${ms} ms`)
  }
  if (random.chance(weather.jump)) {
    count('time jumped')
    scheduler.jump(random.int(LEASE_MS / 2, 3 * LEASE_MS))
    simulation.tell('    time jumps')
  }
  if (random.chance(weather.workerStop)) {
    const process = random.pick(living)
    const { worker } = process
    if (worker === undefined) startWorker(simulation, process)
    else {
      count('worker stopped')
      process.worker = undefined
      void worker.stop()
    }
  }
  if (random.chance(weather.close)) close(simulation, random.pick(living))
}

function close({ count, blame, tell }: Simulation, process: Process): void {
  tell(`    ${process.name} closes`)
  count('process closed')
  process.closing = true
  process.polaris.close().then(
    () =>
      // What it has answered by then reaches the callers first.
      setImmediate(() => {
        if (process.calls > 0) blame(`${process.name} closed before it had answered ${process.calls} calls`)
        process.die()
      }),
    (error: unknown) => blame(`closing ${process.name} failed: ${String(error)}`),
  )
}

function replaceTheDead(simulation: Simulation): void {
  const { processes, random, workload } = simulation
  const open = processes.filter((process) => !process.dead && !process.closing)
  for (const process of processes) if (process.dead) simulation.scheduler.forget(process)
  processes.splice(0, processes.length, ...processes.filter((process) => !process.dead))
  if (open.length < workload.processes && (open.length === 0 || random.chance(0.05))) {
    begin(simulation, random.chance(workload.workers))
  }
}

/** The faults stop. Whoever hung or slept goes on; a process with a worker is there. */
function heal(simulation: Simulation): void {
  simulation.tell('    the faults stop')
  const { scheduler, processes, clients } = simulation
  simulation.weather = fairWeather
  for (const process of processes) {
    process.pausedUntil = 0
    process.fatalWrite = 0
  }
  scheduler.hurry(10)
  for (const client of clients) client.finish()
  replaceTheDead(simulation)
  begin(simulation, true)
}

async function closeAll(simulation: Simulation): Promise<void> {
  const { processes, scheduler, blame } = simulation
  for (const process of processes) if (!process.closing) close(simulation, process)
  const latest = scheduler.steps + MOST_STEPS
  while (processes.some((process) => !process.dead) && simulation.problems.length === 0) {
    const stuck = !(await scheduler.step()) && processes.some((process) => !process.dead)
    if (stuck || scheduler.steps > latest) {
      blame(
        `these never closed: ${processes
          .filter(({ dead }) => !dead)
          .map(({ name }) => name)
          .join()}`,
      )
    }
  }
}
