import { symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newCliLab } from './lab.ts'
import type { CliLab, Ran } from './lab.ts'

const OLD = `
import { builder, data, step, type, workflow } from 'polaris-workflow'
import * as z from 'zod'

const older = z.object({ from: z.string() })
const newer = z.object({ from: z.string(), to: z.string() })
const Ride = data('Ride', older)
const Ended = data('Ended', type())
const Quote = data('Quote', type())
const Receipt = data('Receipt', type())
const quote = builder({ name: 'quote', consumes: { ride: Ride }, produces: Quote, process: ({ ride }) => {
  if (ride.from === 'nowhere') throw new Error('nobody goes there')
  return ride.from.length
} })
const charge = builder({ name: 'charge', consumes: { quote: Quote, ended: Ended }, produces: Receipt, process: ({ quote }) => quote })
export const rides = workflow({ name: 'rides', builders: [quote, charge], target: Receipt })
`
const NEW = `
const Ride2 = data('Ride', newer, { version: 2, from: { 1: step(older, (ride) => ({ ...ride, to: 'Zoo' })) } })
const Insurance = data('Insurance', type())
const quote2 = builder({ name: 'quote', consumes: { ride: Ride2 }, produces: Quote, process: ({ ride }) => ride.to.length })
const insure = builder({ name: 'insure', consumes: { quote: Quote }, produces: Insurance, process: () => 'yes' })
const charge2 = builder({ ...charge, consumes: { quote: Quote, ended: Ended, insurance: Insurance }, process: ({ quote }) => quote })
export const rides2 = workflow({ name: 'rides', version: 2, builders: [quote2, insure, charge2], target: Receipt, policy: 'upgrade' })
`
const STRANDING = `
const Ride3 = data('Ride', newer, { version: 2 })
const quote3 = builder({ name: 'quote', consumes: { ride: Ride3 }, produces: Quote, process: () => 1 })
export const rides3 = workflow({ name: 'rides', version: 3, builders: [quote3, charge], target: Receipt })
`

let lab: CliLab
const on = (module: string, ...args: string[]): Promise<Ran> =>
  lab.run(...args, '--module', module, '--store', 'rides.db')
const polaris = (...args: string[]): Promise<Ran> => on('both.ts', ...args)

beforeAll(async () => {
  lab = newCliLab()
  // For the schemas' library.
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), `${lab.folder}/node_modules`)
  lab.file('old.ts', OLD)
  lab.file('both.ts', OLD + NEW)
  lab.file('all.ts', OLD + NEW + STRANDING)
  lab.file('other.ts', OLD.replace("'rides'", "'tours'"))
  lab.file('rides.db', '')
  await on('old.ts', 'feed', 'ride-1', 'Ride={"from": "Harbour"}')
  await on('old.ts', 'feed', 'ride-2', 'Ride={"from": "nowhere"}')
})
afterAll(() => lab.remove())

describe('polaris preview', () => {
  it('says what a move to the newest version would do, and does none of it', async () => {
    const { code, out, err } = await polaris('preview', 'ride-1')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.split('\n')).toEqual([
      'ride-1  rides 1 → 2',
      `  - builder 'insure' is new: it makes 'Insurance' of 'Quote'`,
      `  - builder 'charge' consumes 'Insurance' now`,
      `  - data 'Ride' has version 2 instead of 1`,
      expect.stringMatching(/^ {2}data: .*Ride/),
      '  would run at once: insure',
      '  then, as far as data are there: charge',
      '  data after the move:',
      '  Ride   { "from": "Harbour", "to": "Zoo" }',
      '  Quote  7',
      '  Nothing was done.',
      '',
    ])
    expect((await polaris('get', 'ride-1')).out).toContain('ride-1  rides 1  waiting for Ended')
  })

  it('says why a move is not possible, and ends with 1', async () => {
    const { code, out } = await on('all.ts', 'preview', 'ride-1', '--to', '3')
    expect(code).toBe(1)
    expect(out).toContain('It is not possible to move:')
    expect(out).toMatch(/- .*'Ride'.*step/)
  })

  it('says what resume, restart and rerun would run', async () => {
    const resumed = await on('old.ts', 'preview', 'ride-2', 'resume')
    expect(resumed.out).toContain('  would run at once: quote\n  then, as far as data are there: charge\n')
    expect((await on('old.ts', 'preview', 'ride-1', 'resume')).out).toContain('no builder would run')
    expect((await on('old.ts', 'preview', 'ride-1', 'rerun', 'quote')).out).toContain('would run at once: quote')
    expect(await on('old.ts', 'preview', 'ride-1', 'restart')).toMatchObject({ code: 0 })
    expect((await on('old.ts', 'preview', 'ride-1')).out).toContain('It is of this version already')
    const history = JSON.parse((await on('old.ts', 'history', 'ride-1', '--json')).out) as { entries: unknown[] }
    expect(history.entries).toHaveLength(2)
  })

  it.each<[string, string[], string]>([
    ['rerun of nothing', ['rerun'], 'Which builder? Such as: polaris preview <id> rerun quoteFare.'],
    ['a slip of the pen', ['rerun', 'qoute'], 'Did you mean quote?'],
    ['another operation', ['reset'], 'Allowed choices are upgrade, resume, restart, rerun.'],
    ['a builder too many', ['resume', 'quote'], 'No builder is named with resume.'],
    ['a version of what has none', ['resume', '--to', '2'], '--to is of an upgrade, not of resume.'],
    ['a version that is not there', ['--to', '9'], 'rides'],
  ])('refuses %s, and says what to do', async (_, args, said) => {
    const { code, err } = await polaris('preview', 'ride-1', ...args)
    expect(code).toBe(2)
    expect(err).toContain(said)
  })
})

describe('polaris compare', () => {
  it('says in words what is different between the two newest versions, or two that are named', async () => {
    const { out } = await polaris('compare')
    expect(out).toContain(`rides  1 → 2\n  - builder 'insure' is new: it makes 'Insurance' of 'Quote'\n`)
    expect((await on('all.ts', 'compare', 'rides', '--from', '1', '--to', '3')).out).toContain('rides  1 → 3')
    expect((await polaris('compare', 'rides', '--from', '2', '--to', '1')).out).toContain(`builder 'insure' is gone`)
    expect((await on('old.ts', 'compare')).out).toContain('This is one version')
    expect((await polaris('compare', 'ridse')).err).toContain('Did you mean rides?')
    expect(JSON.parse((await polaris('compare', '--json')).out)).toMatchObject({ from: 1, to: 2, same: false })
  })
})

describe('polaris explain', () => {
  it('tells of an instance whose version nobody here serves, and of mail that waits for it', async () => {
    await on('old.ts', 'feed', 'ride-3', 'Ride={"from": "Zoo"}')
    // Nobody works on what is submitted.
    await on('old.ts', 'feed', 'ride-3', 'Ended=5', '--submit')
    const waits = await on('old.ts', 'explain', 'ride-3')
    expect(waits.out).toMatch(/data wait for their turn as scope 2, fed .* ago to version 1\n/)
    expect(waits.out).not.toContain('nobody here serves')
    const foreign = await on('other.ts', 'explain', 'ride-3')
    expect(foreign.out).toContain('nobody here serves version 1 of rides')
    expect(foreign.out).toContain('data wait for their turn')
  })

  it('does not say that a target lacks itself', async () => {
    const { out } = await on('old.ts', 'explain', 'ride-2')
    expect(out).toMatch(/^ride-2 {2}rides 1 {2}failed; lacks Ended\n {2}target Receipt is not there/)
    expect(out).toContain('it lacks Ended\n')
    await on('old.ts', 'feed', 'ride-2', 'Ended=1')
    expect((await on('old.ts', 'explain', 'ride-2')).out).toMatch(
      /^ride-2 {2}rides 1 {2}failed\n {2}target Receipt is not there\n/,
    )
  })
})

describe('polaris diff, lineage, builders, overview', () => {
  it('show what became of data, what came of what, and how builders fared', async () => {
    await on('old.ts', 'feed', 'ride-4', 'Ride={"from": "Zoo"}')
    await on('old.ts', 'feed', 'ride-4', 'Ride={"from": "Harbour"}', 'Ended=1')
    expect((await on('old.ts', 'diff', 'ride-4')).out).toContain('ride-4  the beginning → entry 6\n')
    const { out } = await on('old.ts', 'diff', 'ride-4', '--from', '2')
    expect(out.split('\n').slice(1, 4)).toEqual([
      '  - Ride     { "from": "Zoo" }',
      '  + Ride     { "from": "Harbour" }',
      '  - Quote    3',
    ])
    expect((await on('old.ts', 'diff', 'ride-4', '--from', '6')).out).toContain('Nothing is different.')
    expect((await on('old.ts', 'diff', 'ride-4', '--to', '99')).err).toContain('OPTION_INVALID')

    const lineage = (await on('old.ts', 'lineage', 'ride-4', '5')).out
    expect(lineage).toMatch(/made of +3 .*fed Ride/)
    expect(lineage).toMatch(/▶ +5 .*quote → Quote +Ride#3/)
    expect(lineage).toMatch(/went into +6 .*charge → Receipt/)
    expect((await on('old.ts', 'lineage', 'ride-4', '77')).err).toContain('There is no entry 77')

    expect((await on('old.ts', 'builders', 'ride-4')).out).toMatch(/\nquote +2 +0 .*\ncharge +1 +0 /)
    expect((await on('old.ts', 'builders', 'ride-2')).out).toMatch(/\nquote +2 +2 /)
  })

  it('overview counts instances, and says where those of a workflow stand', async () => {
    const { out } = await polaris('overview')
    expect(out).toMatch(/^workflow +running +waiting +retrying +failed +completed +cancelled /)
    expect(out).toMatch(/\nrides 1 +[01] +\d +0 +1 +1 +0 /)
    expect((await on('other.ts', 'overview')).out).toContain('its code is not here')
    const standing = (await on('old.ts', 'overview', 'rides')).out
    expect(standing).toMatch(/^rides 1 {2}\d open instances\n/)
    expect(standing).toMatch(/wait for Ended\n/)
    expect(standing).toMatch(/\nquote +2 +1 +6 +2 /)
  })

  it('list begins with the newest where that is asked for', async () => {
    const ids = async (...args: string[]): Promise<unknown> => {
      const { out } = await on('old.ts', 'list', '--json', ...args)
      return (JSON.parse(out) as { instances: { id: string }[] }).instances.map(({ id }) => id)
    }
    expect(await ids('--newest')).toEqual(['ride-4', 'ride-3', 'ride-2', 'ride-1'])
    expect(await ids('--newest', '--limit', '1')).toEqual(['ride-4'])
    expect(await ids('--limit', '1')).toEqual(['ride-1'])
  })

  it('list finds by the beginning of ids and by what is waited for', async () => {
    expect((await on('old.ts', 'list', '--id-prefix', 'ride-1')).out.split('\n')).toHaveLength(3)
    const { out } = await on('old.ts', 'list', '--waiting-for', 'Ended', '--waiting')
    expect(out).toMatch(/waits for\nride-1 .*Ended\n/)
    expect(out).not.toContain('ride-4')
  })
})
