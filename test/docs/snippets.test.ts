import { describe, expect, it } from 'vitest'
import { moduleWriter, run } from './folder.ts'
import { blocksOf, moduleOf, typeErrors } from './snippets.ts'

const write = moduleWriter()
const example = { line: 1, code: `const cabRide = 1\nconst n: number = 1\n\nconst polaris = n\n` }
const moduleFor = (code: string): string => write(moduleOf({ line: 5, code }, example))
const runOf = (code: string): Promise<unknown> => run(moduleFor(code))

describe('the check of snippets', () => {
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
    expect(typeErrors([moduleFor(`const text: string = n`)]).join('\n')).toMatch(/not assignable to type 'string'/)
  })

  it('finds why a block is not run', () => {
    const page = '<!-- not run: because -->\n\n```ts\nn\n```\n\n```ts\nn\n```\n'
    expect(blocksOf('ts', page).map(({ notRun, line }) => [line, notRun])).toEqual([
      [4, 'because'],
      [8, undefined],
    ])
  })
})
