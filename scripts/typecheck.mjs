// Type-checks everything: sources, tests, examples, benches, scripts.
//
//   node scripts/typecheck.mjs [--all]
//
// With --all, also on the oldest and the newest TypeScript that users may have.
import { root, tryTool } from './run.mjs'
import { readFileSync } from 'node:fs'

const compilers = process.argv.includes('--all') ? ['typescript', 'typescript-5.9', 'typescript-7'] : ['typescript']
let failed = false
for (const compiler of compilers) {
  const { version } = JSON.parse(readFileSync(`${root}node_modules/${compiler}/package.json`, 'utf8'))
  for (const project of ['tsconfig.build.json', 'test/dashboard/tsconfig.json', 'tsconfig.json']) {
    const started = Date.now()
    const args = ['-p', project, '--noEmit', '--incremental', 'false', '--tsBuildInfoFile', 'null']
    const status = tryTool(`${compiler}/bin/tsc`, args)
    console.log(`TypeScript ${version}, ${project}: ${status === 0 ? 'ok' : 'FAILED'} (${Date.now() - started} ms)`)
    failed ||= status !== 0
  }
}
process.exitCode = failed ? 1 : 0
