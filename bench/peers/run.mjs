// Runs every contender in a process of its own, and prints what each takes, by hand and by ours.
//
//   npm ci && npm start [-- --json]
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CHAINS } from './steps.mjs'

const OURS = 'polaris'
const CONTENDERS = [OURS, 'polaris-compute', 'effect', 'xstate', 'langgraph']
const json = process.argv.includes('--json')

if (!existsSync(new URL('../../dist/index.js', import.meta.url))) {
  console.error('Build the library first: npm run build, two folders up.')
  process.exit(1)
}

const found = new Map(CONTENDERS.map((name) => [name, measure(name)]))
if (!json)
  console.log(
    `${'chain'.padEnd(24)}${'contender'.padEnd(18)}${'µs'.padStart(10)}${'to hand'.padStart(10)}${'to ours'.padStart(10)}`,
  )
for (const { name: chain } of CHAINS) {
  const ours = found.get(OURS).get(chain).ns
  for (const name of CONTENDERS) {
    const { ns, toHand } = found.get(name).get(chain)
    const toOurs = ns / ours
    if (json)
      console.log(
        JSON.stringify({
          name: `${chain}, ${name}`,
          ratio: toHand,
          ours_ns: ns,
          reference_ns: ns / toHand,
          to_ours: toOurs,
        }),
      )
    else {
      console.log(
        `${chain.padEnd(24)}${name.padEnd(18)}${(ns / 1e3).toFixed(2).padStart(10)}${toHand.toFixed(1).padStart(10)}${toOurs.toFixed(1).padStart(10)}`,
      )
    }
  }
}

function measure(name) {
  const { status, stdout } = spawnSync(
    process.execPath,
    [fileURLToPath(new URL('contend.mjs', import.meta.url)), name],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      // LangGraph would report its runs to a server if the machine's environment told it to.
      env: { ...process.env, LANGSMITH_TRACING: 'false', LANGCHAIN_TRACING_V2: 'false', NODE_ENV: 'production' },
    },
  )
  if (status !== 0) throw new Error(`${name} ended with ${status}.`)
  return new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map(({ chain, ...figures }) => [chain, figures]),
  )
}
