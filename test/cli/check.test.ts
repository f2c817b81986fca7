import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { builder, data, Polaris, type, workflow } from 'polaris-workflow'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newCliLab } from './lab.ts'
import type { CliLab } from './lab.ts'

let folder: string
let store: string

const code = (options: string): string => `
import { builder, data, type, workflow } from 'polaris-workflow'
const In = data('In', type<string>())
const Go = data('Go', type<true>())
const Out = data('Out', type<string>())
const out = builder({ name: 'out', consumes: { x: In, go: Go }, produces: Out, process: ({ x }) => x })
export const flow = workflow({ name: 'w', builders: [out], target: Out${options} })
`

let lab: CliLab
const run = (...args: string[]) => lab.run(...args)

beforeAll(async () => {
  lab = newCliLab()
  folder = lab.folder
  store = join(folder, 'w.db')
  writeFileSync(join(folder, 'one.ts'), code(''))
  writeFileSync(join(folder, 'pins.ts'), code(', version: 2'))
  const both = code('').replace('export const flow', 'export const older')
  const newer = "workflow({ name: 'w', builders: [out], target: Out, version: 2, policy: 'upgrade' })"
  writeFileSync(join(folder, 'moves.ts'), `${both}export const flow = ${newer}\n`)
  writeFileSync(join(folder, 'broken.ts'), 'export const x = (')
  writeFileSync(join(folder, 'empty.ts'), 'export const answer = 42')
  const In = data('In', type<string>())
  const Go = data('Go', type<true>())
  const Out = data('Out', type<string>())
  const out = builder({ name: 'out', consumes: { x: In, go: Go }, produces: Out, process: ({ x }) => x })
  const flow = workflow({ name: 'w', builders: [out], target: Out })
  const polaris = new Polaris({ store: sqliteStore(store) }).register(flow)
  for (const id of ['a', 'b']) await polaris.executor().sequential(flow, id, In(id))
  await polaris.close()
})

afterAll(() => lab.remove())

describe('polaris check', () => {
  it('ends with 0 where nothing would be stranded, and with 1 where something would', async () => {
    const fine = await run('check', 'one.ts', '--store', store)
    expect(fine).toMatchObject({ code: 0, err: '' })
    expect(fine.out).toContain('version 1: 2 open — 2 go on as they are')
    const pins = await run('check', 'pins.ts', '--store', `sqlite:${store}`)
    expect(pins.code).toBe(1)
    expect(pins.out).toContain('2: the code does not have version 1: keep it registered')
    const moves = await run('check', 'moves.ts', '--store', store, '--sample', '1')
    expect(moves).toMatchObject({ code: 0 })
    expect(moves.out).toContain('1 of 2 open instances were looked at; none would be stranded.')
  })

  it('answers in JSON, and checks against a manifest instead of a store', async () => {
    const report = await run('check', 'moves.ts', '--store', store, '--json')
    expect(JSON.parse(report.out)).toMatchObject({ ok: true, open: 2, workflows: [{ versions: [{ move: 2 }] }] })
    expect(await run('manifest', 'one.ts', '--out', 'graphs.json')).toEqual({ code: 0, out: '', err: '' })
    expect(JSON.parse(readFileSync(join(folder, 'graphs.json'), 'utf8'))).toMatchObject({ workflows: [{ version: 1 }] })
    expect(await run('check', 'moves.ts', '--manifest', 'graphs.json')).toMatchObject({ code: 0 })
    const pins = await run('check', 'pins.ts', '--manifest', 'graphs.json')
    expect(pins).toMatchObject({ code: 1 })
    expect(pins.out).toContain('version 1: instances may be stranded')
  })

  it.each<[string, string[], RegExp]>([
    ['no store', ['check', 'one.ts'], /Which store\? Name it by --store or POLARIS_STORE/],
    ['a store that is none', ['check', 'one.ts', '--store', 'mysql://x/y'], /No store is known for mysql:\/\/x\/y/],
    ['a file that is not there', ['check', 'one.ts', '--store', 'no.db'], /There is no SQLite file no\.db/],
    ['no such module', ['check', 'none.ts'], /There is no module none\.ts \(looked at /],
    ['a module without workflows', ['check', 'empty.ts'], /exports no workflow .*; it exports answer/],
    ['a module that is broken', ['check', 'broken.ts'], /broken\.ts cannot be loaded:/],
    ['a sample that is no number', ['check', 'one.ts', '--sample', 'few'], /must be a whole number from 1/],
    [
      'a manifest that is not there',
      ['check', 'one.ts', '--manifest', 'no.json'],
      /The manifest .*no\.json cannot be read/,
    ],
    ['a manifest that is none', ['check', 'one.ts', '--manifest', 'one.ts'], /cannot be read/],
    ['an unknown command', ['chekc'], /unknown command 'chekc'/],
  ])('ends with 2 and says what to do with %s', async (_, args, says) => {
    const { code: exit, err } = await run(...args)
    expect(exit).toBe(2)
    expect(err).toMatch(says)
  })
})

describe('polaris versions', () => {
  it('counts open instances, and says which code nobody needs', async () => {
    const counts = await run('versions', '--store', store)
    expect(counts).toMatchObject({ code: 0 })
    expect(counts.out).toContain('w 1: 2 open, the oldest of ')
    writeFileSync(join(folder, 'both.ts'), `export * from './moves.ts'\nexport { flow as zero } from './three.ts'`)
    writeFileSync(join(folder, 'three.ts'), code(', version: 3'))
    const json = await run('versions', 'both.ts', '--store', store, '--json')
    expect(JSON.parse(json.out)).toMatchObject({ versions: [{ version: 1, open: 2 }], deletable: [{ version: 2 }] })
  })
})
