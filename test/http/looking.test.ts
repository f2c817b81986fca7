import { builder, data, Polaris, timer, workflow } from 'polaris-workflow'
import type { Data } from 'polaris-workflow'
import { httpHandler, tokenAuthorize } from 'polaris-workflow/http'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { asking, cabRide, expectProblem, RIDE, TOKEN, worldOf } from './lab.ts'
import type { Ask } from './lab.ts'

type Text = Data<string, string, string>

async function json(ask: Ask, path: string): Promise<unknown> {
  const answer = await ask(`/api${path}`)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

describe('the graph of a workflow as JSON', () => {
  it('has nodes and edges, with what one has to know to draw them', async () => {
    const { ask } = worldOf()
    const graph = await json(ask, '/workflows/cabRide/graph?format=json')
    expect(graph).toMatchObject({
      ...{ workflow: 'cabRide', version: 1, loops: false, targets: ['Receipt'] },
      ranks: [['quoteFare', 'tokenise'], ['charge']],
      nodes: [
        { id: 'b:quoteFare', kind: 'builder', rank: 0, produces: 'Quote', target: false, sensitive: false },
        { id: 'b:tokenise', produces: 'Token', sensitive: true },
        { id: 'b:charge', rank: 1, produces: 'Receipt', target: true, once: false, unreachable: false },
        { id: 'd:RideRequest', kind: 'data', feedable: true, sensitive: false },
        { id: 'd:Coupon' },
        { id: 'd:Card', sensitive: true },
        { id: 'd:RideEnded' },
      ],
      edges: [
        { from: 'd:RideRequest', to: 'b:quoteFare', data: 'RideRequest', kind: 'consumes' },
        { from: 'd:Coupon', to: 'b:quoteFare', data: 'Coupon', kind: 'optional' },
        { from: 'd:Card', to: 'b:tokenise', data: 'Card', kind: 'consumes' },
        { from: 'b:quoteFare', to: 'b:charge', data: 'Quote', kind: 'consumes' },
        { from: 'd:RideEnded', to: 'b:charge', data: 'RideEnded', kind: 'consumes' },
        { from: 'b:tokenise', to: 'b:charge', data: 'Token', kind: 'optional' },
      ],
    })
  })

  it('tells timers, what sets and ends them, accesses, and edges that a loop cuts', async () => {
    const [Asked, Answer, Reminder, Draft, Review] = ['Asked', 'Answer', 'Reminder', 'Draft', 'Review'].map((name) =>
      data(name, z.string()),
    ) as [Text, Text, Text, Text, Text]
    const remind = timer({ after: Asked, delay: '10m', unless: Answer, produces: Reminder, value: 'now' })
    const write = builder({
      ...{ name: 'write', consumes: { asked: Asked }, optionals: { review: Review }, accesses: { reminder: Reminder } },
      ...{ produces: Draft, process: () => 'draft' },
    })
    const review = builder({ name: 'review', consumes: { draft: Draft }, produces: Review, process: () => 'fine' })
    const flow = workflow({ name: 'flow', builders: [remind, write, review], target: Review, loops: true })
    const polaris = new Polaris({ store: memoryStore() }).register(flow)
    const ask = asking(httpHandler(polaris, { authorize: tokenAuthorize({ token: TOKEN }) }))
    const { nodes, edges } = (await json(ask, '/workflows/flow/graph?format=json')) as {
      nodes: object[]
      edges: object[]
    }
    expect(nodes[0]).toMatchObject({ kind: 'timer', timer: { when: '10m after Asked', unless: ['Answer', 'Review'] } })
    expect(edges).toEqual([
      { from: 'd:Asked', to: 'b:Reminder', data: 'Asked', kind: 'sets' },
      { from: 'd:Answer', to: 'b:Reminder', data: 'Answer', kind: 'ends' },
      { from: 'd:Asked', to: 'b:write', data: 'Asked', kind: 'consumes' },
      { from: 'b:review', to: 'b:write', data: 'Review', kind: 'optional', cut: true },
      { from: 'b:Reminder', to: 'b:write', data: 'Reminder', kind: 'access' },
      { from: 'b:write', to: 'b:review', data: 'Draft', kind: 'consumes' },
    ])
  })
})

describe('two versions of a workflow', () => {
  const Tip = data('Tip', z.object({ percent: z.number() }))
  const Receipt = data('Receipt', z.object({ paid: z.number() }))
  const make = (version: number, ...more: string[]) =>
    workflow({
      ...{ name: 'bill', version, target: Receipt },
      builders: [
        builder({ name: 'pay', consumes: { tip: Tip }, version, produces: Receipt, process: () => ({ paid: 1 }) }),
        ...more.map((name) => {
          const Made = data(name.toUpperCase(), z.string())
          return builder({ name, consumes: { tip: Tip }, produces: Made, process: () => 'x' })
        }),
      ],
    })
  const polaris = new Polaris({ store: memoryStore() }).register(make(1, 'old'), make(2, 'neu'))
  const ask = asking(httpHandler(polaris, { authorize: tokenAuthorize({ token: TOKEN }) }))

  it('are compared by builders and data, the newest with the one before by default', async () => {
    const found = await json(ask, '/workflows/bill/differences')
    expect(found).toEqual({
      ...{ workflow: 'bill', from: 1, to: 2, same: false },
      sentences: [
        "builder 'pay' has version 2 instead of 1",
        "builder 'neu' is new: it makes 'NEU' of 'Tip'",
        "builder 'old' is gone: it made 'OLD' of 'Tip'",
      ],
      builders: {
        added: ['neu'],
        removed: ['old'],
        changed: [{ name: 'pay', sentences: ["builder 'pay' has version 2 instead of 1"] }],
      },
      data: { added: ['NEU'], removed: ['OLD'], changed: [] },
    })
    expect(await json(ask, '/workflows/bill/differences?from=2&to=2')).toMatchObject({ same: true, sentences: [] })
    expectProblem(await ask('/api/workflows/bill/differences?from=7'), 404, 'WORKFLOW_NOT_FOUND')
    expectProblem(await ask('/api/workflows/none/differences'), 404, 'WORKFLOW_NOT_FOUND')
  })

  it('have a manifest each', async () => {
    const found = await json(ask, '/workflows/bill/manifest?version=1')
    expect(found).toEqual({ format: 1, workflows: [polaris.manifest().workflows[0]] })
    expectProblem(await ask('/api/workflows/bill/manifest?version=9'), 404, 'WORKFLOW_NOT_FOUND')
  })
})

describe('the past of an instance', () => {
  async function ride() {
    const world = worldOf()
    await world.feed('r', { RideRequest: RIDE, Card: { number: '4111' } })
    await world.feed('r', { Coupon: { percent: 10 }, Card: { number: '4222' } })
    await world.feed('r', { RideEnded: { minutes: 12 } })
    return world
  }

  it('is shown as it stood after an entry, and what is sensitive is not', async () => {
    const { ask } = await ride()
    const then = await json(ask, '/instances/r?at=4')
    expect(then).toMatchObject({ id: 'r', at: 4, status: 'waiting', waitingFor: ['RideEnded'] })
    expect((then as { data: unknown }).data).toEqual({
      ...{ RideRequest: RIDE, Quote: { fare: 20 }, Card: { $sensitive: true }, Token: { $sensitive: true } },
    })
    expectProblem(await ask('/api/instances/r?at=99'), 400, 'OPTION_INVALID')
    expectProblem(await ask('/api/instances/none?at=1'), 404, 'INSTANCE_NOT_FOUND')
  })

  it('has differences that tell of sensitive data that they changed, and not how', async () => {
    const { ask } = await ride()
    const answer = await ask('/api/instances/r/differences?from=4')
    expect(answer.text).not.toMatch(/4111|4222|token of/)
    expect(answer.body).toMatchObject({ id: 'r', from: 4 })
    expect(answer.body.data).toEqual([
      { name: 'Coupon', change: 'added', after: { percent: 10 } },
      { name: 'Quote', change: 'changed', before: { fare: 20 }, after: { fare: 18 } },
      { name: 'Card', change: 'changed', before: { $sensitive: true }, after: { $sensitive: true } },
      { name: 'Token', change: 'changed', before: { $sensitive: true }, after: { $sensitive: true } },
      { name: 'RideEnded', change: 'added', after: { minutes: 12 } },
      { name: 'Receipt', change: 'added', after: { paid: 30 } },
    ])
    expectProblem(await ask('/api/instances/none/differences'), 404, 'INSTANCE_NOT_FOUND')
    expectProblem(await ask('/api/instances/r/differences?to=1000'), 400, 'OPTION_INVALID')
    expectProblem(await ask('/api/instances/r/differences?to=x'), 400, 'QUERY_INVALID')
  })

  it('tells of a datum what it came from and what came of it, without values', async () => {
    const { ask } = await ride()
    const { entries } = (await json(ask, '/instances/r/history')) as { entries: { seq: number; data: string }[] }
    const quote = entries.find(({ data }) => data === 'Quote')!.seq
    const answer = await ask(`/api/instances/r/lineage?seq=${quote}`)
    const found = answer.body as unknown as { entries: { data: string; side: string }[]; complete: boolean }
    expect(found.complete).toBe(true)
    expect(found.entries.map(({ data, side }) => `${side} ${data}`)).toEqual(['from RideRequest', 'itself Quote'])
    const last = (await json(ask, `/instances/r/lineage?seq=${entries.at(-1)!.seq}`)) as typeof found
    expect(last.entries.map(({ data, side }) => `${side} ${data}`).sort()).toEqual([
      ...['from Card', 'from Coupon', 'from Quote', 'from RideEnded', 'from RideRequest', 'from Token'],
      'itself Receipt',
    ])
    expect(answer.text).not.toMatch(/Zoo|fare/)
    expectProblem(await ask('/api/instances/r/lineage'), 400, 'QUERY_INVALID')
    expectProblem(await ask('/api/instances/r/lineage?seq=99'), 400, 'QUERY_INVALID')
    expectProblem(await ask('/api/instances/none/lineage?seq=1'), 404, 'INSTANCE_NOT_FOUND')
  })

  it('says how each builder fared', async () => {
    const world = worldOf()
    await world.feed('r', { RideRequest: { from: 'Zoo', to: 'nowhere' } })
    await world.feed('r', { RideRequest: RIDE })
    const { builders, complete } = (await json(world.ask, '/instances/r/builders')) as {
      builders: readonly object[]
      complete: boolean
    }
    expect(complete).toBe(true)
    expect(builders).toMatchObject([
      {
        ...{ name: 'quoteFare', runs: 1, failures: 1, attempts: 2, ms: { last: expect.any(Number) as number } },
        entries: [{ outcome: 'produced' }, { outcome: 'failed' }],
      },
    ])
    expect(JSON.stringify(builders)).not.toContain('Zoo')
  })
})

describe('a look ahead', () => {
  it('tells what resume, restart and rerun would run, and does nothing', async () => {
    const world = worldOf()
    await world.feed('r', { RideRequest: RIDE, RideEnded: { minutes: 1 } })
    const before = (await world.ask('/api/instances/r/history')).text
    const ahead = (query: string) => json(world.ask, `/instances/r/preview?operation=${query}`)
    expect(await ahead('rerun&builder=charge')).toEqual({
      ...{ operation: 'rerun', id: 'r', workflow: 'cabRide', version: 1, possible: true },
      ...{ due: ['charge'], wouldRun: ['charge'] },
    })
    expect(await ahead('restart')).toMatchObject({ wouldRun: ['quoteFare', 'charge'] })
    expect(await ahead('resume')).toMatchObject({ possible: true, due: [], wouldRun: [] })
    expect((await world.ask('/api/instances/r/history')).text).toBe(before)
    expectProblem(await world.ask('/api/instances/r/preview'), 400, 'QUERY_INVALID')
    expectProblem(await world.ask('/api/instances/r/preview?operation=rerun'), 400, 'QUERY_INVALID')
    expectProblem(await world.ask('/api/instances/r/preview?operation=undo'), 400, 'QUERY_INVALID')
    expectProblem(await world.ask('/api/instances/r/preview?operation=rerun&builder=x'), 422, 'BUILDER_UNKNOWN')
    expectProblem(await world.ask('/api/instances/none/preview?operation=resume'), 404, 'INSTANCE_NOT_FOUND')
    await world.polaris.cancel('r')
    expect(await ahead('restart')).toMatchObject({ possible: false, because: [{ reason: 'CANCELLED' }] })
  })

  it('tells what a move to another version would mean, without sensitive values', async () => {
    const world = worldOf()
    await world.feed('r', { RideRequest: RIDE, Card: { number: '4111' } })
    const { builders } = cabRide.plan
    expect(builders.length).toBe(3)
    const answer = await world.ask('/api/instances/r/preview?operation=upgrade')
    expect(answer.body).toMatchObject({ operation: 'upgrade', id: 'r', from: 1, to: 1, possible: true, due: [] })
    expect(answer.text).not.toContain('4111')
    expectProblem(await world.ask('/api/instances/r/preview?operation=upgrade&to=9'), 503, 'VERSION_NOT_SERVED')
  })

  it('shows timers with the time they go off, and the deadline', async () => {
    const [Asked, Reminder, Done] = ['Asked', 'Reminder', 'Done'].map((name) => data(name, z.string())) as [
      Text,
      Text,
      Text,
    ]
    const remind = timer({ after: Asked, delay: '10m', produces: Reminder, value: 'now' })
    const finish = builder({ name: 'finish', consumes: { reminder: Reminder }, produces: Done, process: () => 'done' })
    const flow = workflow({ name: 'flow', builders: [remind, finish], target: Done, timeout: '1d' })
    const now = Date.UTC(2026, 0, 1)
    const polaris = new Polaris({ store: memoryStore({ now: () => now }), clock: { now: () => now } }).register(flow)
    const ask = asking(httpHandler(polaris, { authorize: tokenAuthorize({ token: TOKEN }) }))
    await polaris.executor().sequential(flow, 'i', Asked('please'))
    expect(await json(ask, '/instances/i')).toMatchObject({
      timers: [{ name: 'Reminder', produces: 'Reminder', at: '2026-01-01T00:10:00.000Z' }],
      deadline: '2026-01-02T00:00:00.000Z',
    })
    expect(await json(ask, '/instances/i/explain')).toMatchObject({
      timers: [{ name: 'Reminder', state: 'set', at: '2026-01-01T00:10:00.000Z', when: '10m after Asked' }],
      deadline: '2026-01-02T00:00:00.000Z',
    })
  })
})
