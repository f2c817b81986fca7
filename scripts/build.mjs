// Builds the package to dist, its dashboard to dist/dashboard, and what node runs beside it (examples, benches, programs
// that tests start) to .build.
//
//   node scripts/build.mjs [--clean | --quick]
//
// --quick builds the package alone, if it is older than its sources, with the compiler that is fastest at it: 1.6 s of CPU
// where the other takes 11 s. So `npm ci` is enough for `npx polaris`, and what was built to be published stays.
//
// All are incremental: a second run writes nothing. `.bin/tsc` is not used, since several TypeScript versions are
// installed and each would like to be called that.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { buildDashboard } from './dashboard.mjs'
import { root, runTool } from './run.mjs'

const clean = process.argv.includes('--clean')
if (clean || !existsSync(`${root}dist`)) rmSync(`${root}.build/dist.tsbuildinfo`, { force: true })
if (clean) for (const output of ['dist', '.build']) rmSync(root + output, { recursive: true, force: true })

const quick = process.argv.includes('--quick')
// npm ci --omit=dev has left out what builds it.
if (quick && !existsSync(`${root}node_modules/typescript-7`)) process.exit()
if (!quick || newest('src') > newest('dist')) {
  runTool(quick ? 'typescript-7/bin/tsc' : 'typescript/bin/tsc', ['-p', 'tsconfig.build.json'])
  removeOrphans('dist', 'src')
}
await buildDashboard()

const programs = quick ? [] : ['examples', 'bench', 'test/programs'].filter((folder) => existsSync(root + folder))
if (programs.length > 0) runTool('typescript/bin/tsc', ['-p', 'tsconfig.examples.json'])
for (const folder of programs) removeOrphans(`.build/${folder}`, folder)

/**
 * When the newest file of a folder was written; 0 without any.
 *
 * @param {string} folder
 */
function newest(folder) {
  if (!existsSync(root + folder)) return 0
  const entries = readdirSync(root + folder, { recursive: true, withFileTypes: true })
  const times = entries.filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`)
  return Math.max(0, ...times.map((path) => statSync(path).mtimeMs))
}

/**
 * Deletes outputs whose source is gone, so that nothing stale is published or run.
 *
 * @param {string} output
 * @param {string} source
 */
function removeOrphans(output, source) {
  if (!existsSync(root + output)) return
  for (const entry of readdirSync(root + output, { recursive: true, withFileTypes: true })) {
    const path = `${entry.parentPath}/${entry.name}`
    const stem = path.slice(root.length + output.length).replace(/(\.d\.ts|\.js)(\.map)?$/, '')
    if (path.startsWith(`${root}dist/dashboard/`)) continue
    if (entry.isFile() && !existsSync(`${root}${source}${stem}.ts`)) rmSync(path)
  }
}
