import { describe, expect, it } from 'vitest'
import { findUnused } from '../scripts/unused.mjs'

const manifest = {
  name: 'polaris-workflow',
  exports: { '.': { types: './dist/index.d.ts' } },
  scripts: { start: 'node .build/examples/ride/server.js' },
}
const index = { 'src/index.ts': `export { data } from './data.ts'` }

describe('the unused-code check', () => {
  it('accepts what is exported to users, imported, started or tested', () => {
    const texts = {
      ...index,
      'src/data.ts': `import { one, unit } from './one.ts'\nexport const data = [one, unit()]`,
      'src/one.ts': `export const one = 1\nexport function unit() { return hidden() }
        export interface Options { deep?: Options }\nexport function hidden() { return unit }`,
      'examples/ride/server.ts': `import { start } from './start.ts'\nimport { data } from 'polaris-workflow'\nstart(data)`,
      'examples/ride/start.ts': 'export const start = console.log',
      'test/one.test.ts': `import * as one from '../src/one.ts'\nspawn('programs/child.js')`,
      'test/programs/child.ts': '',
    }
    expect(findUnused(manifest, texts)).toEqual([])
  })

  it('finds a file that nothing imports', () => {
    expect(findUnused(manifest, { ...index, 'src/data.ts': 'export const data = 1', 'src/old.ts': '' })).toEqual([
      'src/old.ts: nothing imports this file',
    ])
  })

  it('finds exports that nobody uses, through re-exports too', () => {
    const texts = {
      ...index,
      'src/data.ts': `import { a } from './barrel.ts'\nexport const data = a\nexport type Orphan = 1`,
      'src/barrel.ts': `export { a, b } from './ab.ts'`,
      'src/ab.ts': `export const a = 1\nexport const b = 2\nexport const c = 3\nconsole.log(c)`,
    }
    expect(findUnused(manifest, texts)).toEqual([
      'src/data.ts:3: nothing uses the export Orphan',
      'src/barrel.ts:1: nothing uses the export b',
      'src/ab.ts:2: nothing uses the export b',
      'src/ab.ts:3: no other file uses the export c',
    ])
  })

  it('finds sources that only their tests keep alive', () => {
    const texts = {
      ...index,
      'src/data.ts': `export const data = 1\nexport const dead = 2`,
      'src/old.ts': 'export const old = 1',
      'test/data.test.ts': `import { dead } from '../src/data.ts'\nimport { old } from '../src/old.ts'`,
    }
    expect(findUnused(manifest, texts)).toEqual([
      'src/old.ts: only tests or examples import this file',
      'src/data.ts:2: only tests or examples use the export dead',
      'src/old.ts:1: only tests or examples use the export old',
    ])
  })

  it('finds dependencies that nothing uses, and imports that are not declared', () => {
    const texts = {
      'src/index.ts': `export { data } from './data.ts'`,
      'src/data.ts': `import { z } from 'zod'\nimport 'node:fs'\nimport '@scope/known/deep'\nexport const data = z`,
      'test/data.test.ts': `import 'zod'`,
    }
    const dependencies = { '@scope/known': '1.0.0', idle: '1.0.0' }
    expect(findUnused({ ...manifest, dependencies, devDependencies: { zod: '1.0.0' } }, texts)).toEqual([
      'src/data.ts:1: zod is not among the dependencies',
      'package.json: nothing uses the dependency idle',
    ])
  })
})
