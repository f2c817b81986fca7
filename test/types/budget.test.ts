import { expect, it } from 'vitest'
import { check, COMPILERS } from './compiler.ts'

const BUILDERS = 200
const DATA = 400
/** Seconds are for the reader of a failure: a busy machine takes several times as long. */
const BUDGET = {
  'typescript-7': { instantiations: 650_000, seconds: 2 },
  'typescript-5.9': { instantiations: 650_000, seconds: 4.5 },
}
const SLACK = 10

/** A chain of builders, each reading four data, over zod objects of five members, in one workflow. */
function program(): string {
  const data = Array.from(
    { length: DATA },
    (_, i) =>
      `const D${i} = data('D${i}', z.object({ id: z.string(), n${i}: z.number(), tags: z.array(z.string()), ` +
      `at: z.date().optional(), kind: z.enum(['a', 'b']) }))`,
  )
  const fed = (i: number): number => BUILDERS + (i % (DATA - BUILDERS))
  const builders = Array.from({ length: BUILDERS }, (_, i) => {
    const before = i === 0 ? `D${fed(0)}` : `D${i - 1}`
    return (
      `const b${i} = builder({ name: 'b${i}', consumes: { a: ${before}, b: D${fed(i)} }, ` +
      `optionals: { o: D${fed(i * 7 + 1)} }, accesses: { x: D${fed(i * 11 + 5)} }, produces: D${i}, ` +
      `process: ({ a, b, o, x }) => a.id === '' ? nothing() : ` +
      `({ id: a.id + (o?.id ?? '') + (x?.id ?? ''), n${i}: b.n${fed(i)}, tags: [...a.tags], kind: a.kind }) })`
    )
  })
  const list = builders.map((_, i) => `b${i}`).join(', ')
  return [
    `import { builder, data, nothing, Polaris, workflow } from 'polaris-workflow'`,
    `import * as z from 'zod'`,
    ...data,
    ...builders,
    `const big = workflow({ name: 'big', builders: [${list}], target: D${BUILDERS - 1} })`,
    `const delta = D${fed(0)}({ id: '', n${fed(0)}: 1, tags: [], kind: 'a' })`,
    `const result = await new Polaris().register(big).executor().sequential(big, 'id', delta)`,
    `if (result.status === 'completed') result.target.n${BUILDERS - 1}.toFixed()`,
    `result.require(D5).n5.toFixed()`,
    '',
  ].join('\n')
}

it.each(COMPILERS)(
  '%s checks 200 builders and 400 zod data within the budget',
  { timeout: 120_000 },
  async (compiler) => {
    const { diagnostics, figures } = await check(compiler, { 'big.ts': program() })
    expect(diagnostics).toEqual([])
    expect(figures.get('Instantiations')).toBeGreaterThan(100_000)
    expect(figures.get('Instantiations')).toBeLessThan(BUDGET[compiler].instantiations)
    expect(figures.get('Total time')).toBeLessThan(BUDGET[compiler].seconds * SLACK)
  },
)
