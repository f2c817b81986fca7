import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): unknown => JSON.parse(readFileSync(root + path, 'utf8'))
const manifest = read('package.json') as {
  exports: Record<string, string | { types: string; default: string }>
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}
const subpaths = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === 'string' ? [] : [{ name: `polaris-workflow${subpath.slice(1)}`, target }],
)

function node(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  expect(stderr + (status === 0 ? '' : stdout)).toBe('')
  return stdout
}

describe('package', () => {
  beforeAll(() => void node('scripts/build.mjs'))

  it.each(subpaths)('$name is built from a source of its own, with types', async ({ name, target }) => {
    expect(target.default).toBe(target.types.replace(/\.d\.ts$/, '.js'))
    expect(existsSync(root + target.types)).toBe(true)

    // By its name, under plain node, this is the built package; the import below is what the tests see.
    const program = `console.log(JSON.stringify(Object.keys(await import('${name}'))))`
    const built = JSON.parse(node('--input-type=module', '--eval', program)) as string[]
    const source = target.default.replace('./dist/', '../src/').replace(/\.js$/, '.ts')
    const sources = (await import(source)) as object
    expect(built).not.toEqual([])
    expect(built.sort()).toEqual(Object.keys(sources).sort())
  })

  it('pins every version', () => {
    for (const range of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(range).toMatch(/^(npm:.+@)?\d+\.\d+\.\d+(-beta\.\d+)?$/)
    }
  })

  it('has a lock file that names no registry, so that it can be installed from any', () => {
    expect(readFileSync(`${root}package-lock.json`, 'utf8')).not.toMatch(/"resolved": "http/)
  })
})
