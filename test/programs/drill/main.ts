/** The drill as a program; see `scripts/deploy-drill.mjs`. */
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import colors from 'picocolors'
import { startPostgres } from '../../support/server-embedded.ts'
import { drill } from './run.ts'

const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '20000' },
    concurrency: { type: 'string', default: '16' },
    rate: { type: 'string', default: '200' },
    url: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const numberOf = (option: string, text: string): number => {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`--${option} must be a whole number from 1, but is ${text}.`)
  return Number(text)
}
const instances = numberOf('instances', values.instances)
const concurrency = numberOf('concurrency', values.concurrency)
const rate = numberOf('rate', values.rate)
const server = values.url === undefined ? await startPostgres() : undefined
const place = { url: values.url ?? server?.url ?? '', schema: `drill_${randomUUID().slice(0, 8)}` }
const onProgress = (words: string): void => {
  if (!values.json) console.log(colors.dim(`  ${words}`))
}
const outcome = await drill({ place, instances, concurrency, rate, onProgress })
await server?.stop()
if (values.json) console.log(JSON.stringify(outcome))
else {
  const { problems, ...figures } = outcome
  console.log(figures)
  for (const problem of problems.slice(0, 20)) console.log(colors.red(`  ✗ ${problem}`))
  if (problems.length > 0) console.log(colors.red(`${problems.length} problems`))
  else console.log(colors.green('✓ nothing lost, doubled or stuck, and everything as it was forecast'))
}
process.exit(outcome.problems.length === 0 ? 0 : 1)
