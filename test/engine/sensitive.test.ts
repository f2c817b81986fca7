import { inspect } from 'node:util'
import { builder, BuilderError, data, DataError, Polaris, type, workflow } from 'polaris-workflow'
import type { Datum } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eachStore, memory } from '../support/media.ts'
import { failure, refusal, thrown } from '../support/lab.ts'

const SECRET = '4111-1111-1111-1111'
const tattling = (value: unknown): string => `no ${JSON.stringify(value)} please`

const Card = data(
  'Card',
  z.object({ number: z.string(), limits: z.record(z.string(), z.number()).optional() }).superRefine((card, refused) => {
    if (card.number.startsWith('bad'))
      refused.addIssue({ code: 'custom', message: tattling(card), path: [card.number] })
  }),
  { sensitive: true },
)
const Token = data('Token', z.string().max(30, { error: ({ input }) => tattling(input) }), { sensitive: true })
const Seen = data('Seen', type<boolean>())

const tokenise = builder({
  name: 'tokenise',
  consumes: { card: Card },
  produces: Token,
  process: ({ card }) => (card.number === 'long' ? `${SECRET}${'0'.repeat(30)}` : `token of ${card.number}`),
})
const see = builder({ name: 'see', consumes: { token: Token }, produces: Seen, process: () => true })
const vault = workflow({ name: 'vault', builders: [tokenise, see], target: Seen })

/** All that a logger could make of something. */
function logged(value: unknown): string {
  const parts = [inspect(value, { depth: 20 }), JSON.stringify(value)]
  if (value instanceof Error) parts.push(value.message, value.stack ?? '', JSON.stringify({ ...value }))
  return parts.join('\n')
}

describe('sensitive data', () => {
  it('say so, and take no other word for it', () => {
    expect([Card.sensitive, Seen.sensitive]).toEqual([true, false])
    expect(data('X', type<string>(), { sensitive: false }).sensitive).toBe(false)
    expect(vault.plan.data.map(({ name, sensitive }) => [name, sensitive])).toEqual([
      ['Card', true],
      ['Token', true],
      ['Seen', false],
    ])
    const wrong = (options: unknown): string =>
      thrown(() => data('X', type<string>(), options as never), 'GRAPH_INVALID').message
    expect(wrong({ sensitive: 'yes' })).toContain(`'sensitive' must be true or false, but is "yes"`)
    expect(wrong({ sensitve: true })).toContain(`a data has no option 'sensitve': did you mean 'sensitive'?`)
    expect(wrong(true)).toContain('but are true')
    expect(wrong(null)).toContain('but are null')
  })

  eachStore((kind) => {
    it('are refused without a word of what they are', async () => {
      const executor = new Polaris({ store: kind.medium().open() }).register(vault).executor()
      const named = executor.with({ requestId: 'r' })
      const wrong: unknown[] = [
        { number: `bad ${SECRET}` },
        { number: 'x', limits: { [SECRET]: 'no number' } },
        { number: 'x', limits: new Map([[SECRET, () => SECRET]]) },
        SECRET,
      ]
      for (const value of wrong) {
        for (const run of [executor, named]) {
          const error = await refusal(run.sequential(vault, 'v', Card.untyped(value)), 'DATA_INVALID')
          expect(error).toBeInstanceOf(DataError)
          expect(logged(error)).not.toContain(SECRET)
          expect(error.message).toContain(`Data 'Card' was refused: its value was refused, and since it is sensitive`)
        }
      }
      const loose = data('Loose', type<unknown>(), { sensitive: true })
      const open = workflow({
        name: 'open',
        builders: [builder({ name: 'b', consumes: { loose }, produces: Seen, process: () => true })],
        target: Seen,
      })
      const unstorable = new Polaris({ store: kind.medium().open() }).register(open).executor().with({ requestId: 'r' })
      const odd = { [SECRET]: () => SECRET }
      const error = await refusal(unstorable.sequential(open, 'v', loose(odd)), 'DATA_INVALID')
      expect(logged(error)).not.toContain(SECRET)
    })

    it('as products are refused the same way, also in the history', async () => {
      const polaris = new Polaris({ store: kind.medium().open() }).register(vault)
      const error = await failure(
        polaris.executor().sequential(vault, 'v', Card({ number: 'long' })),
        'PRODUCT_INVALID',
      )
      expect(error).toBeInstanceOf(BuilderError)
      expect(logged({ ...error, result: undefined })).not.toContain(SECRET)
      expect(error.message).toContain('returned no valid Token: its value was refused, and since it is sensitive')
      expect(logged(error.cause)).not.toContain(SECRET)
      expect(logged(await polaris.history('v'))).not.toContain(SECRET)
      expect(logged((await polaris.get('v'))?.failure)).not.toContain(SECRET)
      expect(logged(await polaris.explain('v'))).not.toContain(SECRET)
    })
  })

  it('are there for the process itself, but loggers of results and hooks only see that they are', async () => {
    const told: Datum[] = []
    const polaris = new Polaris({ store: memory.medium().open() }).register(vault)
    const executor = polaris.executor({
      before: (_, delta) => void told.push(...delta),
      after: (_, produced) => void (produced && told.push(produced)),
    })
    const result = await executor.sequential(vault, 'v', Card({ number: SECRET }))
    expect(result.get(Token)).toBe(`token of ${SECRET}`)
    expect(result.produced).toMatchObject([
      { name: 'Token', value: `token of ${SECRET}` },
      { name: 'Seen', value: true },
    ])
    expect(told.map(({ name }) => name)).toEqual(['Card', 'Token', 'Card', 'Seen'])
    expect(told[1]?.value).toBe(`token of ${SECRET}`)

    expect(logged(told)).not.toContain(SECRET)
    expect(logged(result.produced)).not.toContain(SECRET)
    expect(JSON.stringify(result)).not.toContain(SECRET)
    expect(JSON.parse(JSON.stringify(result))).toMatchObject({ produced: { Token: { $sensitive: true }, Seen: true } })
    expect(JSON.stringify(Card({ number: SECRET }))).toBe('{"name":"Card","value":{"$sensitive":true}}')
    expect(JSON.stringify(Seen(true))).toBe('{"name":"Seen","value":true}')
  })
})
