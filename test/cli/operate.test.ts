import { builder, data, Polaris, type, workflow } from 'polaris-workflow'
import { httpHandler, nodeListener } from 'polaris-workflow/http'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newCliLab } from './lab.ts'
import type { CliLab } from './lab.ts'

const code = (more = '', policy = ''): string => `
import { builder, data, type, workflow } from 'polaris-workflow'
const In = data('In', type())
const Go = data('Go', type())
const Mid = data('Mid', type())
const Out = data('Out', type())
const runs = globalThis.runs ??= []
const first = builder({ name: 'first', consumes: { x: In }, produces: Mid, once: true, process({ x }) {
  runs.push(x)
  if (x === 'bad' && runs.filter((each) => each === 'bad').length < 2) throw new Error('no luck')
  return x + runs.length
} })
const last = builder({ name: 'last', consumes: { x: Mid, go: Go }, produces: Out, process: ({ x }) => x })
export const flow = workflow({ name: 'flow', builders: [first, last], target: Out })
${more.replace('POLICY', policy)}
`
const NEXT = `export const next = workflow({ name: 'flow', version: 2, builders: [first, last], target: Out POLICY })`

let lab: CliLab
const place = ['--module', 'flow.ts', '--store', 'flow.db']
const polaris = (...args: string[]) => lab.run(...args, ...place)
const statusOf = async (id: string): Promise<unknown> =>
  (JSON.parse((await polaris('get', id, '--json')).out) as { status: unknown }).status

beforeEach(() => {
  ;(globalThis as { runs?: unknown[] }).runs = []
  lab = newCliLab()
  lab.file('flow.ts', code())
  lab.file('flow.db', '')
})
afterEach(() => lab.remove())

describe('polaris resume, rerun, restart', () => {
  it('go on after a failure, run a builder again, and begin again', async () => {
    expect((await polaris('feed', 'a', 'In="bad"', 'Go=1')).code).toBe(1)
    const resumed = await polaris('resume', 'a')
    expect(resumed).toMatchObject({ code: 0, out: 'a  flow 1  completed with Out\n  Mid  "bad2"\n  Out  "bad2"\n' })
    const again = await polaris('rerun', 'a', 'first', '--reason', 'a typo')
    expect(again.out).toContain('  Mid  "bad3"')
    expect((await polaris('history', 'a')).out).toContain('first is to run again: a typo')
    expect((await polaris('rerun', 'a', 'frist')).err).toMatch(/BUILDER_UNKNOWN[\s\S]*Did you mean first\?/)
    const begun = await polaris('restart', 'a', '--yes', '--json')
    expect(JSON.parse(begun.out)).toMatchObject({ status: 'completed', target: 'bad4' })
  })
})

describe('what cannot be taken back', () => {
  it.each<[string, string[]]>([
    ['restart', ['a']],
    ['cancel', ['a']],
    ['delete', ['a']],
    ['prune', ['--older-than', '0s', '--status', 'completed']],
    ['upgrade', ['flow']],
  ])('%s asks a person, and needs --yes where there is none', async (command, args) => {
    await polaris('feed', 'a', 'In="x"', 'Go=1')
    const before = (await polaris('history', 'a')).out
    const alone = await polaris(command, ...args)
    expect(alone).toMatchObject({ code: 2, err: expect.stringContaining('say --yes if it is meant') })
    const asked: string[] = []
    const ask = (question: string): Promise<string> => Promise.resolve(asked.push(question) > 1 ? 'y' : '')
    expect(await lab.runWith({ ask }, command, ...args, ...place)).toMatchObject({
      code: 2,
      err: 'Nothing was done.\n',
    })
    expect((await polaris('history', 'a')).out).toBe(before)
    expect(await lab.runWith({ ask }, command, ...args, ...place)).toMatchObject({ code: 0, err: '' })
    expect(asked[0]).toMatch(/^[A-Z].*\? .*\[y\/N\] $/)
  })
})

describe('polaris cancel, fork, delete, prune', () => {
  it('cancel ends an instance and keeps why', async () => {
    await polaris('feed', 'a', 'In="x"')
    expect((await polaris('cancel', 'a', '--yes', '--reason', 'a try')).out).toBe('a  flow 1  cancelled\n')
    expect((await polaris('history', 'a')).out).toContain('cancelled: a try')
    expect(await polaris('feed', 'a', 'Go=1')).toMatchObject({ code: 2, err: expect.stringContaining('CANCELLED') })
  })

  it('fork copies an instance as it was', async () => {
    await polaris('feed', 'a', 'In="x"', 'Go=1')
    expect((await polaris('get', 'a', '--at', '1')).out).toMatch(/In +"x"\n$/)
    expect((await polaris('fork', 'a', 'b', '--at', '1')).out).toContain('b  flow 1  ')
    expect((await polaris('get', 'b')).out).not.toContain('Mid')
    expect(await polaris('fork', 'a', 'b')).toMatchObject({ code: 2, err: expect.stringContaining('INSTANCE_EXISTS') })
  })

  it('prune deletes what is over and old, and nothing else', async () => {
    for (const id of ['a', 'b', 'c']) await polaris('feed', id, 'In="x"', ...(id === 'c' ? [] : ['Go=1']))
    expect((await polaris('prune', '--older-than', '1h')).out).toBe('There is nothing to delete.\n')
    const dry = await polaris('prune', '--older-than', '0s', '--dry-run')
    expect(dry.out).toBe('2 instances would be deleted.\na\nb\n')
    expect((await polaris('prune', '--older-than', '0s', '--yes', '--workflow', 'other')).out).toContain('nothing')
    expect((await polaris('prune', '--older-than', '0s', '--yes')).out).toBe('Deleted 2 instances.\n')
    expect((await polaris('list', '--json')).out).toMatch(/"id": "c"/)
    expect((await polaris('delete', 'c', '--yes')).out).toBe('c is deleted.\n')
    expect((await polaris('list')).out).toBe('There is no such instance.\n')
    expect((await polaris('prune', '--older-than', 'soon')).err).toContain('It must be a time such as 90m, 12h or 30d.')
    expect((await polaris('prune', '--older-than', '0s', '--status', 'waiting')).err).toContain('Only what is over')
  })
})

describe('polaris prune', () => {
  it('leaves alone what moved lately, also while it asks', async () => {
    const hourAgo = { now: () => Date.now() - 3_600_000 }
    const store = sqliteStore(`${lab.folder}/flow.db`)
    const [In, Go] = [data('In', type<string>()), data('Go', type<number>())]
    const out = builder({
      name: 'out',
      consumes: { x: In },
      optionals: { go: Go },
      produces: data('Out', type<string>()),
      process: ({ x }) => x,
    })
    const flow = workflow({ name: 'old', builders: [out], target: out.produces })
    const polaris = new Polaris({ store, clock: hourAgo }).register(flow)
    for (const id of ['a', 'b', 'c']) await polaris.executor().parallel(flow, id, In('x'))
    await polaris.close()
    const now = new Polaris({ store: sqliteStore(`${lab.folder}/flow.db`) }).register(flow)
    await now.executor().parallel(flow, 'a', Go(1))
    lab.file(
      'old.ts',
      `import { builder, data, type, workflow } from 'polaris-workflow'
      const [In, Go] = [data('In', type()), data('Go', type())]
      const out = builder({ name: 'out', consumes: { x: In }, optionals: { go: Go }, produces: data('Out', type()), process: ({ x }) => x })
      export const flow = workflow({ name: 'old', builders: [out], target: out.produces })`,
    )
    const ask = async (question: string): Promise<string> => {
      expect(question).toContain('Delete 2 instances (b, c)')
      await now.executor().parallel(flow, 'b', Go(1))
      return 'yes'
    }
    const args = ['prune', '--older-than', '30m', '--module', 'old.ts', '--store', 'flow.db', '--json']
    expect(JSON.parse((await lab.runWith({ ask }, ...args)).out)).toEqual({ deleted: ['c'] })
    expect((await now.list()).items.map(({ id }) => id).sort()).toEqual(['a', 'b'])
    await now.close()
  })
})

describe('polaris upgrade', () => {
  it('moves open instances, and ends with 1 if some cannot', async () => {
    for (const id of ['a', 'b']) await polaris('feed', id, 'In="x"')
    lab.file('newer.ts', code(NEXT, `, policy: 'upgrade'`))
    const newer = ['--module', 'newer.ts', '--store', 'flow.db']
    const asked: string[] = []
    const ask = async (question: string): Promise<string> => {
      asked.push(question)
      return 'yes'
    }
    await polaris('feed', 'c', 'In="x"')
    const single = await lab.runWith({ ask }, 'upgrade', 'flow', '--id', 'c', ...newer)
    expect(single).toMatchObject({ code: 0, out: '1 moved.\n' })
    expect(asked.join()).toContain('Move c to the newest version? ')
    expect((await polaris('list', '--version', '1', '--json')).out.match(/"id"/g)).toHaveLength(2)
    await polaris('delete', 'c', '--yes')
    const moved = await lab.run('upgrade', 'flow', '--from', '1', '--yes', ...newer)
    expect(moved).toMatchObject({ code: 0, out: '2 moved.\n' })
    expect((await polaris('list', '--version', '2', '--json')).out.match(/"id"/g)).toHaveLength(2)
    expect((await polaris('upgrade', 'flw', '--yes')).err).toContain('Did you mean flow?')
  })
})

describe('polaris run', () => {
  it('begins a new instance, under a random id, and keeps nothing without a store', async () => {
    const { code: exit, out } = await lab.run('run', 'In="x"', 'Go=1', '--module', 'flow.ts')
    expect(exit).toBe(0)
    expect(out).toMatch(/^flow-[\da-f]{8} {2}flow 1 {2}completed with Out\n {2}Mid {2}"x1"\n/)
    expect((await polaris('list')).out).toBe('There is no such instance.\n')
    const kept = await polaris('run', 'flow', '{"In": "y"}', '--id', 'mine', '--json')
    expect(JSON.parse(kept.out)).toMatchObject({ id: 'mine', status: 'waiting' })
    expect(await polaris('run', 'In="y"', '--id', 'mine')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/INSTANCE_EXISTS[\s\S]*polaris feed hands data/),
    })
  })

  it('looks on meanwhile in a terminal, and says what came of it', async () => {
    let screen = ''
    const terminal = { columns: () => 80, rows: () => 24 }
    const out = (text: string) => void (screen += text)
    await lab.runWith({ terminal, out }, 'run', 'In="x"', 'Go=1', '--id', 'r', '--module', 'flow.ts')
    expect(screen).toMatch(/✔ last +→ Out[\s\S]*r {2}flow 1 {2}completed with Out\n {2}Mid {2}"x1"\n {2}Out {2}"x1"\n$/)
  })
})

describe('polaris doctor', () => {
  it('finds a store that is well, and one in which instances are stuck', async () => {
    await polaris('feed', 'a', 'In="x"')
    const well = await polaris('doctor')
    expect(well.code).toBe(0)
    expect(well.out).toMatch(
      /✔ module +exports flow 1\n✔ store +sqlite: open, .*\n✔ clock .*\n✔ instances +open: 1 waiting/,
    )
    await polaris('feed', 'b', 'In="bad"')
    lab.file('other.ts', code().replace(`name: 'flow'`, `name: 'other'`))
    const { code: exit, out } = await lab.run('doctor', '--module', 'other.ts', '--store', 'flow.db', '--json')
    expect(exit).toBe(1)
    const { ok, findings } = JSON.parse(out) as { ok: boolean; findings: { check: string; is: string; says: string }[] }
    expect(ok).toBe(false)
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'instances', is: 'note', says: 'open: 1 waiting, 1 failed' }),
    )
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'versions', is: 'wrong', says: 'the module does not have flow 1 (2 open)' }),
    )
  })

  it('says what is wrong with a module and with a store, and what to do', async () => {
    lab.file('broken.ts', 'export const x = (')
    const broken = await lab.run('doctor', '--module', 'broken.ts', '--store', 'flow.db')
    expect(broken).toMatchObject({
      code: 1,
      out: expect.stringMatching(/✘ module +broken\.ts cannot be loaded:\n✔ store/),
    })
    lab.file('text.db', 'this is no database, only a text that is long enough to be read')
    const { code: exit, out } = await lab.run('doctor', '--store', 'text.db')
    expect(exit).toBe(1)
    expect(out).toMatch(/✘ store +.*\n +\S/)
  })
})

describe('a command on a running service', () => {
  it('says and refuses the same as on a store', async () => {
    const In = data('In', type<string>())
    const echo = builder({
      name: 'echo',
      consumes: { x: In },
      produces: data('Out', type<string>()),
      process: ({ x }) => x,
    })
    const polaris = new Polaris({ store: memoryStore() })
    polaris.register(workflow({ name: 'echo', builders: [echo], target: echo.produces }))
    const token = 'a-token-of-at-least-16'
    const { tokenAuthorize } = await import('polaris-workflow/http')
    const handler = httpHandler(polaris, { authorize: tokenAuthorize({ token }) })
    const server = createServer(nodeListener(handler)).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const env = { POLARIS_URL: url, POLARIS_TOKEN: token }
      expect((await lab.runWith({ env }, 'feed', 'a', 'In="x"')).out).toBe(
        'a  echo 1  completed with Out\n  Out  "x"\n',
      )
      expect((await lab.runWith({ env }, 'watch')).out).toMatch(/fed In\n.*echo → Out.*\n.*a {2}echo 1 {2}completed\n$/)
      const refused = await lab.runWith({ env }, 'feed', 'a', 'On=1')
      expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('DATA_UNKNOWN') })
      const stranger = await lab.run('list', '--url', url)
      expect(stranger.err).toContain(`The service at ${url} needs a token: give the one it printed by --token`)
      const wrong = await lab.run('list', '--url', url, '--token', 'another-token-of-16')
      expect(wrong.err).toContain('does not take this token')
    } finally {
      handler.close()
      server.close()
      server.closeAllConnections()
      await polaris.close()
    }
  })
})

describe('polaris', () => {
  it('has help for every command, and says what was meant', async () => {
    expect((await lab.run('--help')).out).toContain('Commands:')
    expect((await lab.run('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(await polaris('list', '--version', '7')).toMatchObject({ code: 0, out: 'There is no such instance.\n' })
    expect((await lab.run('help', 'feed')).out).toContain('--request-id')
    expect((await lab.run('fed')).err).toMatch(/unknown command 'fed'\n\(Did you mean feed\?\)/)
    expect(await statusOf('none').catch(() => 'none')).toBe('none')
  })
})
