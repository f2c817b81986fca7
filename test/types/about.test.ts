/* eslint @typescript-eslint/no-unsafe-call: off, @typescript-eslint/no-unsafe-member-access: off -- these are errors */
import { builder, data, Polaris, settled, type, workflow } from 'polaris-workflow'
import type { AboutData, AnyData, Data, Datum, DeltaOf, Regarding } from 'polaris-workflow'
import { expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod'

const Draft = data('Draft', z.object({ text: z.string() }))
const Review = data('Review', z.object({ by: z.string(), at: z.date().optional() }), { about: Draft })
const Answer = data('Answer', type<'yes' | 'no'>(), { about: Review, sensitive: true })
const Published = data('Published', z.string())
const publish = builder({
  name: 'publish',
  consumes: { draft: Draft, review: Review },
  optionals: { answer: Answer },
  produces: Published,
  process({ draft, review, answer }) {
    expectTypeOf(review.by).toBeString()
    expectTypeOf(answer).toEqualTypeOf<'yes' | 'no' | undefined>()
    return `${draft.text} ${review.by}`
  },
})
const judge = builder({ name: 'judge', consumes: { draft: Draft }, produces: Review, process: () => ({ by: 'it' }) })
const paper = workflow({ name: 'paper', builders: [publish], target: Published })

it('data about others are data that know what they are about', () => {
  expectTypeOf(Review.about).toEqualTypeOf(Draft)
  expectTypeOf(Answer.about.about).toEqualTypeOf(Draft)
  expectTypeOf(Draft).toEqualTypeOf<Data<'Draft', { text: string }, { text: string }>>()
  expectTypeOf(Answer).toEqualTypeOf<AboutData<'Answer', 'yes' | 'no', 'yes' | 'no', typeof Review>>()
  expectTypeOf(Review).toExtend<AnyData>()
  expectTypeOf(Review).toExtend<
    Data<'Review', { by: string; at?: Date | undefined }, { by: string; at?: Date | undefined }>
  >()
  expect(Review.about).toBe(Draft)
  expect('about' in Draft).toBe(false)
})

it('a datum may name what it is about, and is fed like any other', () => {
  expectTypeOf(Answer('yes', { about: 3 })).toEqualTypeOf<Datum<'Answer', 'yes' | 'no'>>()
  expectTypeOf(Answer('yes')).toEqualTypeOf<Datum<'Answer', 'yes' | 'no'>>()
  expectTypeOf(Answer.untyped(1, { about: 3 })).toEqualTypeOf<Datum<'Answer', 'yes' | 'no'>>()
  expectTypeOf<Regarding>().toEqualTypeOf<{ readonly about?: number | undefined }>()
  expectTypeOf<ReturnType<typeof Review>>().toExtend<DeltaOf<typeof paper>>()
  expectTypeOf(judge.produces.name).toEqualTypeOf<'Review'>()
  builder({
    name: 'b',
    consumes: { review: settled(Review) },
    produces: Published,
    process: ({ review }) => {
      if (review.ok) expectTypeOf(review.value.by).toBeString()
      return ''
    },
  })
})

const executor = new Polaris().register(paper).executor()

export const allowed = async (): Promise<void> => {
  const result = await executor
    .submit(paper, 'p', Review({ by: 'a' }, { about: 1 }))
    .then(() => executor.resume(paper, 'p'))
  expectTypeOf(result.seqOf(Draft)).toEqualTypeOf<number | undefined>()
  await executor.sequential(paper, 'p', Review({ by: 'a' }, { about: result.seqOf(Draft) }))
}

// The compiler is the test. Nothing here runs.
export const mistakes = {
  async 'naming what a datum is about where it is about nothing'() {
    // @ts-expect-error -- a draft stands for itself
    Draft({ text: '' }, { about: 1 })
    // @ts-expect-error -- nor untyped
    Draft.untyped({ text: '' }, { about: 1 })
    // @ts-expect-error -- and so there is nothing to look at
    expect(Draft.about).toBeUndefined()
    // @ts-expect-error -- data of other workflows have no place here
    await executor.sequential(paper, 'p', data('Other', z.string(), { about: Draft })('x', { about: 1 }))
  },
  async 'naming it by something else'() {
    // @ts-expect-error -- a text
    Review({ by: 'a' }, { about: '1' })
    // @ts-expect-error -- a datum
    Review({ by: 'a' }, { about: Draft({ text: '' }) })
    // @ts-expect-error -- misspelt
    Review({ by: 'a' }, { abut: 1 })
    // @ts-expect-error -- a bare number
    Review({ by: 'a' }, 1)
    const result = await executor.resume(paper, 'p')
    // @ts-expect-error -- not a data of the workflow
    result.seqOf(data('Other', z.string()))
  },
  'a value of the wrong type'() {
    // @ts-expect-error -- no such answer
    Answer('perhaps', { about: 1 })
    // @ts-expect-error -- nothing at all
    Review()
  },
  'data about what is no data'() {
    // @ts-expect-error -- a name
    data('X', z.string(), { about: 'Draft' })
    // @ts-expect-error -- a builder
    data('X', z.string(), { about: publish })
    // @ts-expect-error -- several
    data('X', z.string(), { about: [Draft] })
  },
}
