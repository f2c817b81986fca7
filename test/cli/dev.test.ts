import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newCliLab } from './lab.ts'
import type { CliLab } from './lab.ts'

const program = fileURLToPath(new URL('../../bin/polaris.js', import.meta.url))

const code = (greeting: string): string => `
import { builder, data, type, workflow } from 'polaris-workflow'
import { greeting } from './greeting.ts'
const Name = data('Name', type<string>())
const Hello = data('Hello', type<string>())
const greet = builder({ name: 'greet', consumes: { name: Name }, produces: Hello, process: ({ name }) => greeting + name })
export const hello = workflow({ name: 'hello', builders: [greet], target: Hello })
${greeting}
`

let lab: CliLab
let dev: ChildProcess
let said: string

beforeEach(() => {
  lab = newCliLab()
  lab.file('hello.ts', code(''))
  lab.file('greeting.ts', `export const greeting: string = 'Hello '`)
})
afterEach(() => {
  dev.kill('SIGKILL')
  lab.remove()
})

function start(...args: string[]): void {
  startWith({}, ...args)
}

function startWith(env: object, ...args: string[]): void {
  said = ''
  dev = spawn(process.execPath, [program, 'dev', ...args], {
    cwd: lab.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  for (const stream of [dev.stdout, dev.stderr]) stream?.setEncoding('utf8').on('data', (text) => (said += text))
}

async function says(what: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = what.exec(said)
    if (found !== null) return found
    if (dev.exitCode !== null) throw new Error(`It ended and said:\n${said}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const produced = async (id: string, name: string): Promise<unknown> => {
  const { out, err } = await lab.run('feed', id, `Name="${name}"`, '--json')
  if (err !== '') throw new Error(err)
  return (JSON.parse(out) as { produced: unknown }).produced
}

describe('polaris dev', () => {
  it('serves the module, loads changes of all its files, and goes on with the older ones where they are broken', async () => {
    start('hello.ts', '--port', '0')
    const [, url, token] = await says(/open +(\S+)\/#token=(\S+)\n/)
    expect(await produced('a', 'Ada')).toEqual({ Hello: 'Hello Ada' })
    await says(/\d {2}a {2}greet → Hello {2}\d/)
    expect((await fetch(`${url}/api/instances`)).status).toBe(401)
    const answer = await fetch(`${url}/api/instances`, { headers: { authorization: `Bearer ${token}` } })
    expect(await answer.json()).toMatchObject({ instances: [{ id: 'a' }] })
    expect(said).not.toContain('Ada')

    lab.file('greeting.ts', `export const greeting: string = 'Goodbye '`)
    await says(/greeting\.ts changed: loading …\nnow: hello 1/)
    expect(await produced('b', 'Ada')).toEqual({ Hello: 'Goodbye Ada' })

    lab.file('hello.ts', code('export const x = ('))
    await says(/hello\.ts cannot be loaded:[\s\S]*What was loaded before goes on\./)
    expect(await produced('c', 'Ada')).toEqual({ Hello: 'Goodbye Ada' })

    lab.file('greeting.ts', `export const greeting: string = 'Welcome '`)
    lab.file('hello.ts', code(''))
    await says(/goes on\.[\s\S]*now: hello 1/)
    expect(await produced('d', 'Ada')).toEqual({ Hello: 'Welcome Ada' })
  })

  it('goes on with the instances of its own store when the graph changes, and refuses that on any other', async () => {
    const more = code('').replace('produces: Hello,', 'produces: Hello, optionals: { more: More },')
    const changed = more.replace('const Hello', "const More = data('More', type<string>())\nconst Hello")
    const wanting = (text: string): string =>
      text.replace('target: Hello', 'target: Last').replace('[greet]', '[greet, last]')
    const last = `const Last = data('Last', type<string>()), Go = data('Go', type<string>())
      const last = builder({ name: 'last', consumes: { hello: Hello, go: Go }, produces: Last, process: ({ hello }) => hello })
      export const hello`
    const withLast = (text: string): string => wanting(text).replace('export const hello', last)
    lab.file('hello.ts', withLast(code('')))
    start('hello.ts', '--port', '0')
    await says(/open/)
    expect(await produced('a', 'Ada')).toEqual({ Hello: 'Hello Ada' })
    lab.file('hello.ts', withLast(changed))
    await says(/now: hello 1/)
    const went = await lab.run('feed', 'a', 'More="x"', 'Go="on"', '--json')
    expect(JSON.parse(went.out)).toMatchObject({ status: 'completed', produced: { Last: 'Hello Ada' } })
    dev.kill('SIGTERM')
    await once(dev, 'exit')

    lab.file('hello.ts', withLast(code('')))
    start('hello.ts', '--port', '0', '--store', 'own.db')
    await says(/open/)
    await produced('b', 'Ada')
    lab.file('hello.ts', withLast(changed))
    await says(/has another graph than in the store[\s\S]*What was loaded before goes on/)
  })

  it('starts instances at the times of the schedules that the module exports', async () => {
    const each = `import { schedule } from 'polaris-workflow/schedules'
      export const all = [schedule({ name: 'eachSecond', workflow: hello, cron: '* * * * * *', delta: () => [Name('tick')] })]`
    lab.file('hello.ts', code(each))
    start('hello.ts', '--port', '0')
    await says(/eachSecond@\S+ {2}greet → Hello/)
    expect((await lab.run('list', '--status', 'completed')).out).toMatch(/\neachSecond@\S+ +hello 1 +completed/)
  })

  it('opens its page by a file that nobody else may read, so that no argument has the token', async () => {
    const browser = lab.file('browser.sh', '#!/bin/sh\necho "$@" > opened.txt\n')
    chmodSync(browser, 0o755)
    startWith({ BROWSER: browser }, 'hello.ts', '--port', '0', '--open')
    const [, link = ''] = await says(/open +(\S+)\n/)
    const opened = `${lab.folder}/opened.txt`
    while (!existsSync(opened) || readFileSync(opened, 'utf8') === '')
      await new Promise((resolve) => setTimeout(resolve, 20))
    const page = readFileSync(opened, 'utf8').trim()
    expect(page).toBe(`${lab.folder}/.polaris/open.html`)
    expect(readFileSync(page, 'utf8')).toContain(`url=${link}"`)
    expect(statSync(page).mode & 0o777).toBe(0o600)
    dev.kill('SIGKILL')
    await once(dev, 'exit')
    startWith({ BROWSER: '/no/such/browser' }, 'hello.ts', '--port', '0', '--open')
    await says(/No browser could be opened \(.*ENOENT.*\): open the link yourself\./)
  })

  it('keeps its token from other users, ends on a signal, and leaves its store to the other commands', async () => {
    start('hello.ts', '--port', '0')
    await says(/open/)
    const file = `${lab.folder}/.polaris/dev.json`
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(`${lab.folder}/.polaris/.gitignore`, 'utf8')).toBe('*\n')
    await produced('a', 'Ada')
    dev.kill('SIGTERM')
    expect(await once(dev, 'exit')).toEqual([0, null])
    expect(readFileSync(file, 'utf8')).not.toContain('token')
    expect((await lab.run('get', 'a')).out).toContain('"Hello Ada"')
  })

  it('works again where the one before was killed: other commands fall back to the store', async () => {
    start('hello.ts', '--port', '0')
    const [, url = ''] = await says(/service +(\S+)\n/)
    await produced('a', 'Ada')
    dev.kill('SIGKILL')
    await once(dev, 'exit')
    // The service ends with the one that watched over it.
    while (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      await new Promise((resolve) => setTimeout(resolve, 20))
    expect((await lab.run('list')).out).toContain('\na   hello 1')
    start('hello.ts', '--port', '0')
    await says(/open/)
    expect(await produced('a', 'Bob')).toEqual({ Hello: 'Hello Bob' })
  })

  it.each<[string, string[], RegExp]>([
    ['a module that is not there', ['none.ts'], /There is no module none\.ts/],
    ['no module', [], /Which module\? Such as: polaris dev src\/workflows\.ts/],
    ['a port that is none', ['hello.ts', '--port', 'x'], /It must be a number from 0 to 65535/],
  ])('ends with 2 and says what to do with %s', async (_, args, what) => {
    start(...args)
    const [status] = (await once(dev, 'exit')) as [number]
    expect(said).toMatch(what)
    expect(status).toBe(2)
    expect(existsSync(`${lab.folder}/.polaris/dev.json`)).toBe(false)
  })
})
