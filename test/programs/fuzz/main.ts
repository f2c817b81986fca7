/** `npm run fuzz -- [--requests N] [--seed S] [--wired PART] [--json]` */
import { parseArgs } from 'node:util'
import { fuzz } from './run.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1e9)) },
    wired: { type: 'string', default: '0.05' },
    json: { type: 'boolean', default: false },
  },
})
/** What the heap may have grown by at the end, in bytes. */
const ALLOWED = 8 * 2 ** 20

const [requests, seed, wired] = [Number(values.requests), Number(values.seed), Number(values.wired)]
if (![requests, seed].every((value) => Number.isSafeInteger(value) && value > 0) || !(wired >= 0 && wired <= 1)) {
  console.error('--requests and --seed take whole numbers from 1, --wired a number from 0 to 1.')
  process.exit(2)
}
const began = performance.now()
const report = await fuzz(
  { requests, seed, wired },
  values.json
    ? undefined
    : ({ scopes, heap, handles }) => {
        console.log(
          `${String(scopes).padStart(9)} requests  ${(heap / 2 ** 20).toFixed(2).padStart(8)} MiB  ${handles} handles`,
        )
      },
)
const seconds = (performance.now() - began) / 1_000
const grown = (report.looks.at(-1)?.heap ?? NaN) - (report.looks[0]?.heap ?? NaN)
const leaks = !(grown <= ALLOWED)
if (values.json) {
  console.log(
    JSON.stringify({ ...report, answers: Object.fromEntries(report.answers), seconds, grown, allowed: ALLOWED }),
  )
} else {
  console.log()
  for (const [name, count] of [...report.answers].sort(([, a], [, b]) => b - a))
    console.log(`${String(count).padStart(9)}  ${name}`)
  console.log(
    `\nseed ${seed}: ${requests} requests in ${seconds.toFixed(0)} s, ${report.wired} by socket; ${report.slope.toFixed(2)} bytes a request stay`,
  )
  for (const problem of report.problems) console.log(`  ${problem}`)
  if (leaks) console.log(`  The heap grew by ${(grown / 2 ** 20).toFixed(1)} MiB.`)
}
process.exitCode = report.problems.length > 0 || leaks ? 1 : 0
