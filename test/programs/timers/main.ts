/** Timers in real processes as a program; see `scripts/timers.mjs`. */
import { parseArgs } from 'node:util'
import { STORES } from '../chaos/settings.ts'
import { run } from './run.ts'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    timers: { type: 'string', default: '10000' },
    lease: { type: 'string', default: '1000' },
    lead: { type: 'string' },
    slack: { type: 'string', default: '1' },
    url: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const kind = STORES.find((store) => store === values.store)
if (kind === undefined) throw new Error(`--store must be one of ${STORES.join(', ')}, but is ${values.store}.`)
const timers = Number(values.timers)
const lease = Number(values.lease)
const slack = Number(values.slack)
const lead = values.lead === undefined ? 3_000 + 2 * timers : Number(values.lead)

const outcome = await run({ kind, url: values.url, timers, lease, lead, patience: 120_000 })
const { alone, crowd, shares, takeover } = outcome
const bounds: readonly (readonly [string, number, number])[] = [
  ['due while all were down, from the first start', alone, 2_000],
  [`${timers} due at once, until the last`, crowd, 10_000],
  ['endless loop, until the others had done all', takeover, lease + 2_000],
]
const late = bounds.filter(([, took, given]) => took > given * slack)
const problems = [
  ...outcome.problems,
  ...late.map(([what, took, given]) => `${what}: ${took} ms, given ${given * slack}`),
]
if (values.json) console.log(JSON.stringify({ ...outcome, problems }))
else {
  for (const [what, took, given] of bounds) console.log(`  ${what.padEnd(48)} ${took} ms, given ${given * slack}`)
  console.log(`  ${'spread'.padEnd(48)} ${JSON.stringify(shares)}`)
  for (const problem of problems) console.log(`  ✗ ${problem}`)
}
process.exit(problems.length === 0 ? 0 : 1)
