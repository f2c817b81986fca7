/** `npm run simulate -- [--schedules N] [--seed S] [--verbose]`: schedules from seed S on, until one fails. */
import { newCounts, tooSeldom } from './counts.ts'
import { simulate, type Report } from './simulate.ts'

const options = readOptions(process.argv.slice(2))
const counts = newCounts()
let steps = 0
let recovery = 0
const began = performance.now()
const seconds = (): number => (performance.now() - began) / 1_000

let failed = 0
for (let done = 0; done < options.schedules; done++) {
  const seed = options.seed + done
  const report = await simulate(seed, counts)
  steps += report.steps
  recovery = Math.max(recovery, report.recovery)
  if (options.verbose) for (const line of report.trace) console.log(line)
  if (report.problems.length > 0) {
    tell(seed, report, done + 1)
    failed++
    if (!options.goOn) break
  }
  if (process.stdout.isTTY && done % 50 === 49) {
    process.stdout.write(`\r${done + 1} of ${options.schedules}, ${Math.round((done + 1) / seconds())} a second `)
  }
}
if (failed > 0) process.exitCode = 1
summarise()

function tell(seed: number, { problems }: Report, number: number): void {
  console.log(`\nSchedule ${number} fails: npm run simulate -- --schedules 1 --seed ${seed} --verbose`)
  for (const problem of problems) console.log(`  ${problem}`)
}

function summarise(): void {
  if (process.stdout.isTTY) console.log()
  for (const [name, number] of counts) console.log(`${String(number).padStart(9)}  ${name}`)
  const rate = `${Math.round(steps / seconds())} steps a second`
  console.log(
    `\n${steps} steps in ${seconds().toFixed(1)} s, ${rate}; the longest recovery took ${recovery} virtual ms.`,
  )
  const seldom = tooSeldom(counts)
  if (seldom.length === 0 || options.schedules < 1_000 || failed > 0) return
  console.log(`Tested too seldom: ${seldom.join(', ')}`)
  process.exitCode = 1
}

function readOptions(args: readonly string[]): { schedules: number; seed: number; verbose: boolean; goOn: boolean } {
  const valueOf = (name: string, otherwise: number): number => {
    const at = args.indexOf(name)
    const value = at < 0 ? otherwise : Number(args[at + 1])
    if (Number.isSafeInteger(value) && value > 0) return value
    console.error(`${name} takes a whole number from 1, but got ${args[at + 1] ?? 'nothing'}.`)
    return process.exit(2)
  }
  const seed = valueOf('--seed', 1 + Math.floor(Math.random() * 1e9))
  const schedules = valueOf('--schedules', 1_000)
  return { schedules, seed, verbose: args.includes('--verbose'), goOn: args.includes('--go-on') }
}
