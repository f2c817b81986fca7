import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { checkLayers, type Sources } from './support/layers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

function readSources(): Sources {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).map((file) =>
    file.replaceAll('\\', '/'),
  )
  const sources = files.filter((file) => /\.tsx?$/.test(file)).map((file) => `src/${file}`)
  return Object.fromEntries(sources.map((path) => [path, readFileSync(root + path, 'utf8')]))
}

describe('layers', () => {
  it('hold in the sources', () => {
    const sources = readSources()
    expect(Object.keys(sources)).toContain('src/index.ts')
    expect(checkLayers(sources)).toEqual([])
  })

  const allowed: [string, Sources][] = [
    ['graph imports graph and packages', { 'src/graph/plan.ts': `import { a } from './data.ts'\nimport 'zod'` }],
    [
      'engine imports graph, engine, contract, codec and node',
      {
        'src/engine/a.ts': `import { b } from '../graph/b.ts'\nimport { c } from './c.ts'\nimport 'node:crypto'
          import type { Store } from '../stores/contract.ts'\nimport { encode } from '../stores/codec.ts'`,
      },
    ],
    [
      'a store imports the contract, the codec, errors and its own folder',
      {
        'src/stores/sqlite.ts': `import { a } from './sqlite/schema.ts'\nimport type { S } from './contract.ts'`,
        'src/stores/sqlite/schema.ts': `import { e } from '../../graph/errors.ts'\nimport { c } from '../codec.ts'`,
      },
    ],
    [
      'testing imports the public index and stores',
      { 'src/testing/index.ts': `import { a } from '../index.ts'\nimport { b } from '../stores/memory.ts'` },
    ],
    ['http imports the public index', { 'src/http/app.ts': `import { a } from '../index.ts'\nimport './routes.ts'` }],
    [
      'the dashboard imports types of the public index, components and styles',
      { 'src/dashboard/main.tsx': `import type { A } from '../index.ts'\nimport './app.tsx'\nimport './base.css'` },
    ],
    ['the index re-exports by name', { 'src/index.ts': `export { data, type Data } from './graph/data.ts'` }],
    [
      'two files know each other by type, or at call time',
      {
        'src/graph/a.ts': `import type { B } from './b.ts'`,
        'src/graph/b.ts': `import { a } from './a.ts'\nconst c = () => import('./c.ts')`,
        'src/graph/c.ts': `import { b } from './b.ts'`,
      },
    ],
  ]
  it.each(allowed)('allow: %s', (_, sources) => {
    expect(checkLayers(sources)).toEqual([])
  })

  const refused: [string, Sources, string][] = [
    [
      'dashboard imports more than types',
      { 'src/dashboard/main.tsx': `import { data } from '../index.ts'` },
      'src/dashboard/main.tsx:1: dashboard may import types only of src/index.ts',
    ],
    [
      'graph imports engine',
      { 'src/graph/plan.ts': `import { run } from '../engine/run.ts'` },
      'src/graph/plan.ts:1: graph may not import src/engine/run.ts',
    ],
    [
      'graph imports a type of the engine',
      { 'src/graph/plan.ts': `import type { Run } from '../engine/run.ts'` },
      'src/graph/plan.ts:1: graph may not import src/engine/run.ts',
    ],
    [
      'graph names a type of the engine in place',
      { 'src/graph/plan.ts': `\nexport type R = import('../engine/run.ts').Run` },
      'src/graph/plan.ts:2: graph may not import src/engine/run.ts',
    ],
    [
      'graph imports from node',
      { 'src/graph/plan.ts': `import { randomUUID } from 'node:crypto'` },
      'src/graph/plan.ts:1: graph is pure and may not import node:crypto',
    ],
    [
      'graph imports from node without its prefix',
      { 'src/graph/plan.ts': `const fs = await import('fs')` },
      'src/graph/plan.ts:1: graph is pure and may not import fs',
    ],
    [
      'engine imports a store',
      { 'src/engine/run.ts': `export { memoryStore } from '../stores/memory.ts'` },
      'src/engine/run.ts:1: engine may not import src/stores/memory.ts',
    ],
    [
      'engine loads a store at call time',
      { 'src/engine/run.ts': `const load = () => import('../stores/sqlite.ts')` },
      'src/engine/run.ts:1: engine may not import src/stores/sqlite.ts',
    ],
    [
      'engine imports the public index',
      { 'src/engine/run.ts': `import { data } from '../index.ts'` },
      'src/engine/run.ts:1: engine may not import src/index.ts',
    ],
    [
      'a store imports another store',
      { 'src/stores/sqlite.ts': `import { memoryStore } from './memory.ts'` },
      'src/stores/sqlite.ts:1: store may not import src/stores/memory.ts',
    ],
    [
      "a store imports another store's folder",
      { 'src/stores/sqlite.ts': `import { open } from './sqlite-worker/open.ts'` },
      'src/stores/sqlite.ts:1: store may not import src/stores/sqlite-worker/open.ts',
    ],
    [
      'a store imports the engine',
      { 'src/stores/sqlite/batch.ts': `import { run } from '../../engine/run.ts'` },
      'src/stores/sqlite/batch.ts:1: store may not import src/engine/run.ts',
    ],
    [
      'a store imports more of the graph than its errors',
      { 'src/stores/memory.ts': `import { plan } from '../graph/plan.ts'` },
      'src/stores/memory.ts:1: store may not import src/graph/plan.ts',
    ],
    [
      'the contract imports a store',
      { 'src/stores/contract.ts': `import type { M } from './memory.ts'` },
      'src/stores/contract.ts:1: contract may not import src/stores/memory.ts',
    ],
    [
      'testing imports the engine',
      { 'src/testing/index.ts': `import { run } from '../engine/run.ts'` },
      'src/testing/index.ts:1: testing may not import src/engine/run.ts',
    ],
    ...['http', 'cli', 'dashboard', 'opentelemetry'].map((layer): [string, Sources, string] => [
      `${layer} imports past the public index`,
      { [`src/${layer}/main.ts`]: `import { run } from '../engine/run.ts'` },
      `src/${layer}/main.ts:1: ${layer} may not import src/engine/run.ts`,
    ]),
    [
      'the index hides what is public',
      { 'src/index.ts': `export * from './graph/data.ts'` },
      `src/index.ts: export * from './graph/data.ts' hides what is public`,
    ],
    [
      'the index has code',
      { 'src/index.ts': `export const version = '1'` },
      'src/index.ts:1: version is not a named re-export',
    ],
    [
      'the index imports',
      { 'src/index.ts': `import './graph/data.ts'` },
      `src/index.ts:1: imports './graph/data.ts', but may only re-export`,
    ],
    [
      'the index pulls in a driver',
      { 'src/index.ts': `export { sqliteStore } from './stores/sqlite.ts'` },
      'src/index.ts:1: index may not import src/stores/sqlite.ts',
    ],
    ['a file outside of the layers', { 'src/util/misc.ts': '' }, 'src/util/misc.ts: belongs to no layer'],
    ['a loose file', { 'src/helpers.ts': '' }, 'src/helpers.ts: belongs to no layer'],
    [
      'an import by the own name',
      { 'src/http/app.ts': `import { data } from 'polaris-workflow'` },
      'src/http/app.ts:1: polaris-workflow: sources name each other by relative path',
    ],
    [
      'an import without its ending',
      { 'src/graph/plan.ts': `import { a } from './data'` },
      'src/graph/plan.ts:1: ./data: relative imports end in .ts',
    ],
    [
      'a cycle of two',
      { 'src/graph/a.ts': `import { b } from './b.ts'`, 'src/graph/b.ts': `export { a } from './a.ts'` },
      'cycle: src/graph/a.ts -> src/graph/b.ts -> src/graph/a.ts',
    ],
    [
      'a cycle that an import of nothing but types leaves behind',
      { 'src/graph/a.ts': `import { type B } from './b.ts'`, 'src/graph/b.ts': `import { a } from './a.ts'` },
      'cycle: src/graph/a.ts -> src/graph/b.ts -> src/graph/a.ts',
    ],
    [
      'a longer cycle, entered from outside',
      {
        'src/engine/a.ts': `import './b.ts'`,
        'src/engine/b.ts': `import './c.ts'`,
        'src/engine/c.ts': `import './d.ts'`,
        'src/engine/d.ts': `import './b.ts'`,
      },
      'cycle: src/engine/b.ts -> src/engine/c.ts -> src/engine/d.ts -> src/engine/b.ts',
    ],
  ]
  it.each(refused)('refuse: %s', (_, sources, problem) => {
    expect(checkLayers(sources)).toContain(problem)
    expect(checkLayers(sources)).toHaveLength(1)
  })
})
