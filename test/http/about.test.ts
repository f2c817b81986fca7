import { builder, data, Polaris, workflow } from 'polaris-workflow'
import { httpHandler } from 'polaris-workflow/http'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'

const Draft = data('Draft', z.string())
const Review = data('Review', z.object({ by: z.string() }), { about: Draft })
const Stamp = data('Stamp', z.string(), { about: Review })
const Published = data('Published', z.string())
const publish = builder({
  ...{ name: 'publish', consumes: { draft: Draft, review: Review }, optionals: { stamp: Stamp }, produces: Published },
  process: ({ draft, review }) => `${draft} (${review.by})`,
})
const paper = workflow({ name: 'paper', builders: [publish], target: Published })

function world() {
  const polaris = new Polaris({ store: memoryStore() }).register(paper)
  const handler = httpHandler(polaris, { authorize: () => true })
  const ask = async (path: string, body?: object) => {
    const init = {
      method: body === undefined ? 'GET' : 'POST',
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    }
    const response = await handler(new Request(`http://localhost/api${path}`, init))
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return { ask, handler, polaris }
}

describe('data about other data, by HTTP', () => {
  it('tells what may be named, takes it, and refuses what was replaced', async () => {
    const { ask, polaris } = world()
    await ask('/workflows/paper/instances/p', { Draft: 'Short' })
    const seen = await ask('/instances/p')
    expect(seen.body['seqs']).toEqual({ Draft: 1 })
    await ask('/workflows/paper/instances/p', { Draft: 'Longer' })
    const before = await polaris.history('p')
    for (const mode of ['parallel', 'sequential', 'submit']) {
      const late = await ask(`/workflows/paper/instances/p?mode=${mode}&about=1`, { Review: { by: 'bob' } })
      expect(late).toMatchObject({ status: 409, body: { code: 'DATA_OUTDATED' } })
    }
    expect(await polaris.history('p')).toEqual(before)
    const done = await ask('/workflows/paper/instances/p?about=2', { Review: { by: 'ada' } })
    expect(done).toMatchObject({ status: 200, body: { target: 'Longer (ada)' } })
    const history = await ask('/instances/p/history')
    expect(history.body['entries']).toMatchObject([{}, {}, { data: 'Review', about: 2 }, {}])
  })

  it('a number that nothing is about, or that several are, is a slip', async () => {
    const { ask, polaris } = world()
    const wrong = { status: 400, body: { code: 'QUERY_INVALID' } }
    expect(await ask('/workflows/paper/instances/p?about=1', { Draft: 'Short' })).toMatchObject(wrong)
    const both = { Draft: 'Short', Review: { by: 'ada' }, Stamp: 'blue' }
    expect(await ask('/workflows/paper/instances/p?about=1', both)).toMatchObject(wrong)
    for (const about of ['', 'one', '1.5', '-1']) {
      const slip = await ask(`/workflows/paper/instances/p?about=${about}`, { Review: { by: 'ada' } })
      expect(slip).toMatchObject(wrong)
    }
    expect(await polaris.get('p')).toBeUndefined()
    expect((await ask('/workflows/paper/instances/p', both)).status).toBe(200)
  })

  it('is described: the parameter, and which data are about which', async () => {
    const { ask, handler } = world()
    const { body } = await ask('/workflows/paper')
    expect(body['data']).toMatchObject([{ name: 'Draft' }, { name: 'Review', about: 'Draft' }, { about: 'Review' }, {}])
    const text = JSON.stringify(handler.openapi())
    expect(text).toContain('"#/components/parameters/query_about"')
    expect(text).toContain('About one Draft')
  })
})
