import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { root, textOf } from './snippets.ts'

/** As it colours them, also where nobody sees it. */
// eslint-disable-next-line no-control-regex -- that is how colours begin
const COLOURS = /\x1b\[\d+m/g

describe('the API reference', () => {
  it('has a page for each path that the package exports', () => {
    const { exports } = JSON.parse(textOf('package.json')) as { exports: Record<string, string | { types: string }> }
    const { entryPoints } = JSON.parse(textOf('typedoc.json')) as { entryPoints: string[] }
    const sources = Object.entries(exports).flatMap(([subpath, target]) => {
      if (typeof target === 'string') return []
      return [{ subpath, source: target.types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts') }]
    })
    expect(entryPoints).toEqual(sources.map(({ source }) => source))
    for (const { subpath, source } of sources) {
      expect(textOf(source)).toContain(` * @module polaris-workflow${subpath.slice(1)}\n`)
    }
  })

  // The compiler reads all of the library: 6 s of CPU, and minutes where twenty others want some.
  it('leaves out nothing that is exported, and each has a docstring', { timeout: 300_000 }, () => {
    const args = ['node_modules/typedoc/bin/typedoc', '--plugin', 'typedoc-plugin-markdown', '--emit', 'none']
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
    const said = `${stdout}${stderr}`.replace(COLOURS, '').split('\n')
    expect(said.filter((line) => line !== '' && !line.startsWith('[info]'))).toEqual([])
    expect(status).toBe(0)
  })
})
