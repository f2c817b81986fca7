// Builds the dashboard, src/dashboard to dist/dashboard, where its sources or its dependencies changed since.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { root } from './run.mjs'

const SOURCE = `${root}src/dashboard`
const OUTPUT = `${root}dist/dashboard`
const STAMP = `${root}.build/dashboard.stamp`
/** What goes into the bundle, or makes it. */
const PACKAGES = ['vite', 'preact', '@dagrejs/dagre']

export async function buildDashboard() {
  const stamp = stampOf()
  if (existsSync(`${OUTPUT}/index.html`) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp) return
  // It takes longer to load than the rest takes to find that there is nothing to build.
  const { build } = await import('vite')
  await build({
    configFile: false,
    root: SOURCE,
    // The handler knows the path that it is mounted at, and puts it here.
    base: '/__polaris__/',
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: OUTPUT,
      emptyOutDir: true,
      target: 'es2022',
      // What is inlined would be refused by the Content-Security-Policy.
      assetsInlineLimit: 0,
      modulePreload: false,
      cssCodeSplit: false,
      chunkSizeWarningLimit: 800,
    },
  })
  mkdirSync(`${root}.build`, { recursive: true })
  writeFileSync(STAMP, stamp)
}

/** What decides how the output looks. */
function stampOf() {
  const hash = createHash('sha256')
  const files = readdirSync(SOURCE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => `${parentPath}/${name}`).sort()
  for (const path of [...paths, `${root}scripts/dashboard.mjs`]) {
    hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0')
  }
  for (const name of PACKAGES) {
    const { version } = JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, 'utf8'))
    hash.update(`${name}@${version}\0`)
  }
  return hash.digest('hex')
}
