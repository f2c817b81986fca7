/** The chaos run as a program; see `scripts/chaos.mjs`. */
import { parseArgs } from 'node:util'
import colors from 'picocolors'
import { run } from './run.ts'
import type { Outcome, Progress } from './run.ts'
import { STORES } from './settings.ts'
import type { StoreKind } from './settings.ts'

// Each start of a server adds one that ends it with this process.
process.setMaxListeners(0)

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    kills: { type: 'string', default: '200' },
    workflows: { type: 'string', default: '20000' },
    lease: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    crashes: { type: 'string' },
    within: { type: 'string' },
    url: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
if (!STORES.includes(values.store as StoreKind)) {
  throw new Error(`--store must be one of ${STORES.join(', ')}, but is ${values.store}.`)
}
const kind = values.store as StoreKind
const kills = numberOf('kills', values.kills)
const workflows = numberOf('workflows', values.workflows)
const lease = numberOf('lease', values.lease)
const seed = numberOf('seed', values.seed)
const crashes = values.crashes === undefined ? Math.ceil(kills / 20) : numberOf('crashes', values.crashes)
const within = values.within === undefined ? lease + 2_000 : numberOf('within', values.within)

if (!values.json) {
  console.log(colors.bold(`Chaos on ${kind}: ${kills} kills, ${workflows} workflows, lease ${lease} ms, seed ${seed}`))
}
const onProgress = values.json ? () => undefined : show()
const outcome = await run({ kind, url: values.url, kills, workflows, lease, seed, crashes, within, onProgress })
if (values.json) console.log(JSON.stringify({ seed, ...outcome }))
else summarise(outcome)
process.exit(outcome.problems.length === 0 ? 0 : 1)

function numberOf(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${option} must be a whole number, but is ${text}.`)
  return Number(text)
}

/** One line that changes in a terminal; elsewhere a line now and then. */
function show(): (progress: Progress) => void {
  let shownAt = 0
  const pause = process.stdout.isTTY ? 200 : 10_000
  return ({ told, steps, deaths, crashes: crashed }) => {
    if (Date.now() - shownAt < pause) return
    shownAt = Date.now()
    const line = `${told} of ${steps} deltas answered, ${deaths} killed, server killed ${crashed} times`
    process.stdout.write(process.stdout.isTTY ? `\r${colors.cyan(line)}\u001b[K` : `${line}\n`)
  }
}

function summarise(found: Outcome): void {
  const troubles = Object.entries(found.troubles).map(([code, count]) => `${count} ${code}`)
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K')
  const figures: readonly (readonly [string, string | number])[] = [
    ['killed', `${found.kills}, of them ${found.atCommitPoints} at a commit point`],
    ['server killed', found.crashes],
    ['workflows', found.workflows],
    ['scopes', found.scopes],
    ['products', found.products],
    ['effects outside', `${found.effects}, of them ${found.repeated} repeated under their key`],
    ['borne by processes', troubles.join(', ') || 'nothing'],
    ['took', `${found.seconds.toFixed(1)} s`],
    ['done', `${found.doneAfter} ms after the last kill, ${within} were given`],
  ]
  for (const [name, figure] of figures) console.log(`  ${colors.dim(name.padEnd(20))} ${figure}`)
  for (const problem of found.problems.slice(0, 20)) console.log(colors.red(`  ✗ ${problem}`))
  const { length } = found.problems
  if (length > 0) console.log(colors.red(`${length} problems. Repeat with --seed ${seed}, as far as kills repeat.`))
  else console.log(colors.green('✓ nothing lost, nothing doubled, nothing left behind'))
}
