// What people get wrong in the first hour: each answer says what was meant, and what to do.
import { mkdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newCliLab } from './lab.ts'
import type { CliLab } from './lab.ts'

const FLOW = `
import { builder, data, type, workflow } from 'polaris-workflow'
const Ride = data('Ride', { '~standard': { version: 1, vendor: 'test', validate: (value) =>
  typeof value.to === 'string' ? { value } : { issues: [{ message: 'a text is wanted', path: ['to'] }] } } })
const quote = builder({ name: 'quote', consumes: { ride: Ride }, produces: data('Quote', type()), process: ({ ride }) => ride })
export const rides = workflow({ name: 'rides', builders: [quote], target: quote.produces })
`

let lab: CliLab
beforeAll(() => {
  lab = newCliLab()
  mkdirSync(`${lab.folder}/flows`)
  lab.file('flow.ts', FLOW)
  lab.file('flows/flow.ts', FLOW)
  lab.file('flow.db', '')
  lab.file('README.md', '')
  lab.file('lacks.ts', `import * as z from '@some/package/part'\n${FLOW}export const part = z`)
  lab.file('throws.ts', `export const rides = (() => {\n  throw new Error('no luck')\n})()\n`)
})
afterAll(() => lab.remove())

const place = ['--module', 'flow.ts', '--store', 'flow.db']

describe('a mistake of the first hour', () => {
  it.each<[string, string[], string]>([
    [
      'names without quotes',
      ['feed', 'r', 'Ride={to: "Zoo"}', ...place],
      `Names of members need double quotes, and all of it`,
    ],
    ['single quotes', ['feed', 'r', `{'Ride': {}}`, ...place], 'JSON takes double quotes only.'],
    ['no id', ['feed', 'Ride={"to":"Zoo"}', ...place], 'Its id comes first: polaris feed <id> Ride={"to":"Zoo"}\n'],
    ['no id before an object', ['feed', '{"Ride":{}}', ...place], 'Of which instance?'],
    ['an option before the command', ['--json', 'list'], '(Options come after the command: polaris list --json)\n'],
    ['no argument', ['get'], `missing required argument 'id'\n(--help says what it takes.)\n`],
    [
      'a folder',
      ['check', 'flows', '--store', 'flow.db'],
      'is a folder: name the file in it that exports the workflows: one of flows/flow.ts.',
    ],
    [
      'no module at all',
      ['check', 'README.md', '--store', 'flow.db'],
      'README.md is no module: name a file that exports workflows (.ts,',
    ],
    [
      'no module named',
      ['check', '--store', 'flow.db'],
      'Which module? Such as: polaris check src/workflows.ts; or POLARIS_MODULE.',
    ],
    [
      'a package that is not there',
      ['check', 'lacks.ts', '--store', 'flow.db'],
      'the package @some/package is not installed. npm install @some/package\n',
    ],
    ['a file that is not there', ['list', '--store', 'none.db'], 'Who begins a new one: polaris dev, or a service.'],
  ])('%s', async (_, args, said) => {
    const { code, err, out } = await lab.run(...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(said)
    expect(err).not.toMatch(/^ {4}at /m)
  })

  it('a module that throws: where in the own file, and nothing of the way there', async () => {
    const { err } = await lab.run('check', 'throws.ts', '--store', 'flow.db')
    const [first, second, ...frames] = err.trimEnd().split('\n')
    expect([first, second]).toEqual(['throws.ts cannot be loaded:', 'Error: no luck'])
    expect(frames.length).toBeGreaterThan(0)
    for (const frame of frames) expect(frame).toMatch(/^ {4}at .*throws\.ts:\d+:\d+\)?$/)
  })

  it('data that a schema refuses: what is wrong is said once', async () => {
    const { err } = await lab.run('feed', 'r', 'Ride={}', ...place)
    expect(err).toBe(`DATA_INVALID: Data 'Ride' was refused. Nothing was stored.\n  Ride.to: a text is wanted\n`)
  })

  it('check and manifest take the module of the project', async () => {
    const env = { POLARIS_MODULE: 'flow.ts' }
    expect(await lab.runWith({ env }, 'check', '--store', 'flow.db')).toMatchObject({ code: 0, err: '' })
    expect((await lab.runWith({ env }, 'manifest')).out).toContain('"rides"')
  })

  it('an id that only looks a little like data is taken', async () => {
    expect((await lab.run('feed', 'a=b', 'Ride={"to":"Zoo"}', ...place)).code).toBe(0)
    expect((await lab.run('get', 'a=b', ...place)).code).toBe(0)
  })
})
