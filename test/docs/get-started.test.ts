import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli/program.ts'
import { run } from './folder.ts'
import { blocksOf, fileOf, root, textOf, typeErrors } from './snippets.ts'

const page = textOf('docs/get-started.md')
const [workflows, service] = blocksOf('ts', page)
// Below the project, so that the package and zod are found, as in a project that has installed them.
mkdirSync(`${root}.build`, { recursive: true })
const folder = mkdtempSync(`${root}.build/start-`)
afterAll(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'src'))
const write = (name: string, text: string): string => {
  const file = join(folder, name)
  writeFileSync(file, text.replaceAll("'accounts.db'", JSON.stringify(join(folder, 'accounts.db'))))
  return file
}
const declared = write('src/workflows.ts', workflows?.code ?? '')
const served = write(
  'src/service.ts',
  fileOf(service ?? { line: 0, code: '' }).replace('../../test/docs/', '../../../test/docs/'),
)

write('dev.db', '')

/** A line of the page as a shell takes it. */
async function command(line: string): Promise<string> {
  const words = Array.from(line.matchAll(/(?:[^\s']|'[^']*')+/g), ([word]) => word.replaceAll("'", ''))
  const said: string[] = []
  const say = (text: string): void => void said.push(text)
  // Instead of `polaris dev`, which finds its module by the folder.
  const env = { POLARIS_MODULE: 'src/workflows.ts', POLARIS_STORE: 'dev.db' }
  const surroundings = { interactive: false, colors: false, cwd: folder, env, input: () => Promise.resolve('') }
  await runCli(words.slice(2), { ...surroundings, out: say, err: say, signal: new AbortController().signal })
  return said.join('')
}

describe('docs/get-started.md', () => {
  it('has a workflow and a service that the compiler accepts', { timeout: 120_000 }, () => {
    expect(typeErrors([declared, served])).toEqual([])
  })

  it('has a service that does what it says', async () => {
    await run(served)
  })

  it('has commands that do what it says', async () => {
    const lines = blocksOf('sh', page).flatMap(({ code }) => code.trim().split('\n'))
    const own = lines.filter((line) => line.startsWith('npx polaris ') && !line.startsWith('npx polaris dev'))
    const said: string[] = []
    for (const line of own) said.push(await command(line))
    const [graph = '', fed = '', explained = '', ended = '', got = ''] = said
    expect(graph).toContain('sendLetter')
    expect(fed).toContain('Confirmed')
    expect(explained).toContain('Confirmed is to be fed')
    expect(ended).toContain('completed')
    expect(got).toContain('Welcome, Ada')
  })

  it('has a workflow that stands a wrong code', async () => {
    await command(`npx polaris feed bob SignUp='{"name": "Bob", "email": "bob@example.com"}'`)
    expect(await command(`npx polaris feed bob Confirmed='{"code": "1"}'`)).toContain('not the code of the letter')
    expect(await command('npx polaris explain bob')).toMatch(/openAccount +failed/)
    expect(await command(`npx polaris feed bob Confirmed='{"code": "15000"}'`)).toContain('completed')
  })
})
