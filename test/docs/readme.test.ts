import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AnyWorkflow } from 'polaris-workflow'
import { afterAll, describe, expect, it } from 'vitest'
import { blocksOf, modulesOf, root, typeErrors } from './snippets.ts'

const readme = readFileSync(`${root}README.md`, 'utf8')
const blocks = blocksOf('ts', readme)

mkdirSync(`${root}.build`, { recursive: true })
const folder = mkdtempSync(`${root}.build/readme-`)
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
function write(module: string): string {
  const file = join(folder, `module-${count++}.ts`)
  writeFileSync(file, module.replaceAll("'rides.db'", JSON.stringify(join(folder, `rides-${count}.db`))))
  return file
}
const files = modulesOf(blocks).map(write)
const run = (file: string) => import(/* @vite-ignore */ file) as Promise<{ readonly cabRide?: AnyWorkflow }>

describe('README.md', () => {
  it('has code that the compiler accepts', () => {
    expect(files.length).toBeGreaterThan(10)
    expect(typeErrors(files)).toEqual([])
  })

  blocks.forEach(({ line }, index) => {
    it(`does what it says from line ${line} on`, () => run(files[index] ?? ''))
  })

  it('shows the graph of its first example', async () => {
    const { cabRide } = await run(files[0] ?? '')
    expect(blocksOf('mermaid', readme).map(({ code }) => code)).toEqual([cabRide?.plan.toMermaid()])
  })

  it('names only commands that exist, the two to begin with among them', () => {
    const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }
    const commands = blocksOf('sh', readme).map(({ code }) => code.trim())
    expect(commands).toEqual(['npm ci && npm start', 'npm ci && npm test'])
    const own = ['ci', 'install', 'pack']
    const named = [...readme.matchAll(/\bnpm (?:run ([\w:]+)|([a-z]+)\b)/g)]
    const unknown = named.filter(([, script, command]) => {
      const known = script ?? (command !== undefined && own.includes(command) ? undefined : command)
      return known !== undefined && !Object.hasOwn(scripts, known)
    })
    expect(named.length).toBeGreaterThan(5)
    expect(unknown.map(([text]) => text)).toEqual([])
  })

  it('links only to what is there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path ?? '')
    expect(links.length).toBeGreaterThan(4)
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  it('explains every error code but the one that nothing raises yet', () => {
    const source = readFileSync(`${root}src/graph/errors.ts`, 'utf8')
    const union = /export type ErrorCode =([^/]*)/.exec(source)?.[1] ?? ''
    const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code ?? '')
    const rows = [...readme.matchAll(/^\| `([A-Z]+(?:_[A-Z]+)*)`/gm)].map(([, code]) => code ?? '')
    expect(rows.toSorted()).toEqual(codes.filter((code) => code !== 'CANCELLED').toSorted())
  })
})

describe('the check of snippets', () => {
  const example = { line: 1, code: `const n: number = 1\n\nconst polaris = n\n` }
  const definitions = `const cabRide = 1\n${example.code}`
  const runOf = (code: string) =>
    run(
      write(
        modulesOf([
          { line: 1, code: definitions },
          { line: 5, code },
        ])[1] ?? '',
      ),
    )

  it('accepts what is right', async () => {
    await runOf(`n + 1 // => 2\n[n]\n// => [1]`)
  })

  it('finds a wrong value, and says in which line', async () => {
    await expect(runOf(`n // => 1\nn + 1 // => 3`)).rejects.toThrow(/line 6/)
    await expect(runOf(`[n]\n// => [2]`)).rejects.toThrow(/line 5/)
  })

  it('finds a refusal that does not come, or is another one', async () => {
    await expect(runOf(`n // => throws DATA_INVALID`)).rejects.toThrow(/line 5/)
    await expect(runOf(`Promise.reject(new Error('no')) // => throws DATA_INVALID`)).rejects.toThrow(/line 5/)
  })

  it('finds a throw and a type error', async () => {
    await expect(runOf(`throw new Error('on purpose')`)).rejects.toThrow('on purpose')
    const [, module = ''] = modulesOf([
      { line: 1, code: definitions },
      { line: 5, code: `const text: string = n` },
    ])
    expect(typeErrors([write(module)]).join('\n')).toMatch(/not assignable to type 'string'/)
  })
})
