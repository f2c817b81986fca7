// Runs the tests on every Node line that the package supports; npm's package `node` brings each.
//
//   node scripts/test-nodes.mjs [20 22 24]
import { spawn } from 'node:child_process'
import { root, runTool } from './run.mjs'

const lines = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24']
runTool('../scripts/build.mjs', [])

/** @type {string[]} */
const summary = []
for (const line of lines) {
  console.log(`\n=== Node ${line} ===`)
  const { status, output } = await testOn(line)
  const version = /^Node (v[\d.]+)$/m.exec(output)?.[1]
  // A run on another version than the one asked for would prove nothing.
  const ok = status === 0 && version?.startsWith(`v${line}.`)
  const counts = /^\d+ passed, \d+ failed, \d+ skipped$/gm
  summary.push(
    `${ok ? 'ok    ' : 'FAILED'} ${version ?? `v${line} did not start`}: ${output.match(counts)?.at(-1) ?? 'no result'}`,
  )
  if (!ok) process.exitCode = 1
}
console.log(`\n${summary.join('\n')}`)

/**
 * @param {string} line
 * @returns {Promise<{ status: number, output: string }>}
 */
function testOn(line) {
  const args = ['--yes', '--package', `node@${line}`, '--', 'node', 'scripts/test.mjs', '--skip-build']
  return new Promise((resolve, reject) => {
    const child = spawn('npx', args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      output += text
      process.stdout.write(text)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ status: code ?? 1, output }))
  })
}
