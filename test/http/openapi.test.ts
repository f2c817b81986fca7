/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return -- a document is looked into */
import { Validator } from '@seriousme/openapi-schema-validator'
import { type as ark } from 'arktype'
import { builder, data, Polaris, type, workflow } from 'polaris-workflow'
import type { AnyData } from 'polaris-workflow'
import { httpHandler, PROBLEMS, tokenAuthorize } from 'polaris-workflow/http'
import { memoryStore } from 'polaris-workflow/stores/memory'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { worldOf } from './lab.ts'

type Json = Record<string, any>

/** All references of a document, and where they lead. */
function references(document: Json): [string, unknown][] {
  const found = new Set<string>()
  JSON.stringify(document, (key, value: unknown) => {
    if (key === '$ref') found.add(value as string)
    return value
  })
  return [...found].map((ref) => [
    ref,
    ref
      .split('/')
      .slice(1)
      .reduce((place: any, step) => place?.[step.replaceAll('~1', '/').replaceAll('~0', '~')], document),
  ])
}

function documentOf(...read: AnyData[]): Json {
  const Made = data('Made', type<unknown>())
  const consumes = Object.fromEntries(read.map((each, i) => [`i${i}`, each]))
  const make = builder({ name: 'make', consumes, produces: Made, process: () => 1 })
  const flow = workflow({ name: 'a flow/1', builders: [make], target: Made as never })
  const polaris = new Polaris({ store: memoryStore() }).register(flow as never)
  return httpHandler(polaris, { authorize: () => true }).openapi()
}

describe('the OpenAPI document', () => {
  it('describes every route, with references that lead somewhere', async () => {
    const { ask, handler } = worldOf()
    const body = (await ask('/api/openapi.json')).body as Json
    expect(body).toEqual(JSON.parse(JSON.stringify(handler.openapi())))
    expect(body).toMatchObject({ openapi: '3.1.0', security: [{ token: [] }] })
    const paths = Object.entries(body.paths as Json).map(([path, methods]) =>
      [path, ...Object.keys(methods as Json)].join(' '),
    )
    expect(paths).toEqual([
      '/api get',
      '/api/openapi.json get',
      '/api/instances get',
      '/api/instances/{id} get delete',
      '/api/instances/{id}/history get',
      '/api/instances/{id}/explain get',
      '/api/instances/{id}/events get',
      '/api/overview get',
      '/api/versions get',
      '/api/check get',
      '/api/workflows/{workflow}/standing get',
      '/api/workflows get',
      '/api/workflows/{workflow} get',
      '/api/workflows/{workflow}/graph get',
      '/api/workflows/{workflow}/differences get',
      '/api/workflows/{workflow}/manifest get',
      '/api/instances/{id}/differences get',
      '/api/instances/{id}/lineage get',
      '/api/instances/{id}/builders get',
      '/api/instances/{id}/preview get',
      '/api/instances/{id}/resume post',
      '/api/instances/{id}/restart post',
      '/api/instances/{id}/rerun post',
      '/api/instances/{id}/fork post',
      '/api/instances/{id}/cancel post',
      '/api/instances/{id}/upgrade post',
      '/api/workflows/{workflow}/upgrade post',
      '/api/workflows/cabRide/instances/{id} post',
    ])
    for (const [ref, target] of references(body)) expect([ref, target]).toEqual([ref, expect.any(Object)])
    const operations = Object.values(body.paths as Json).flatMap((path) => Object.values(path as Json) as Json[])
    const ids = operations.map(({ operationId }) => operationId as string)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { responses } of operations)
      expect(responses.default).toEqual({ $ref: '#/components/responses/Problem' })
    expect(body.components.schemas.Problem.properties.code.enum).toEqual(Object.keys(PROBLEMS))
  })

  it('is one that a validator of OpenAPI takes, whatever the workflows', async () => {
    const Odd = data('Odd data/1', z.object({ tree: z.record(z.string(), z.unknown()), at: z.date() }))
    for (const document of [worldOf().handler.openapi(), documentOf(Odd)]) {
      const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)) as Json)
      expect([valid, errors]).toEqual([true, undefined])
    }
    const { paths: _, ...broken } = worldOf().handler.openapi() as Json
    expect((await new Validator().validate({ ...broken, paths: { nowhere: 1 } })).valid).toBe(false)
  })

  it('has the data that may be fed, with their schemas', () => {
    const { handler } = worldOf()
    const { paths, components } = handler.openapi() as Json
    const { schema } = paths['/api/workflows/cabRide/instances/{id}'].post.requestBody.content['application/json']
    expect(schema).toEqual({
      type: 'object',
      properties: Object.fromEntries(
        ['RideRequest', 'Coupon', 'Quote', 'Card', 'RideEnded'].map((name) => [
          name,
          { $ref: `#/components/schemas/cabRide.${name}` },
        ]),
      ),
      additionalProperties: false,
    })
    expect(components.schemas['cabRide.RideRequest']).toMatchObject({
      type: 'object',
      properties: { from: { type: 'string', minLength: 1 }, to: { type: 'string' } },
      required: ['from', 'to'],
    })
  })

  it('takes schemas of all libraries; what one does not tell is open', () => {
    const Tree = z.object({
      value: z.string(),
      get kids() {
        return z.array(Tree)
      },
    })
    const Shared = z.object({ name: z.string() }).meta({ id: 'Shared' })
    const throwing = {
      '~standard': {
        version: 1,
        vendor: 'x',
        validate: (value: unknown) => ({ value }),
        jsonSchema: {
          input: () => {
            throw new Error('no')
          },
        },
      },
    }
    const document = documentOf(
      data('Zod', z.object({ at: z.coerce.date(), n: z.int().min(1) })),
      data('Tree', Tree),
      data('Defs', z.object({ a: Shared, b: Shared })),
      data('Ark', ark({ a: 'string', 'b?': 'number' })),
      data('Valibot', v.object({ a: v.string() })),
      data('Open', type<string>()),
      data('Throwing', throwing as never),
      data('odd / näme', z.string()),
      data('odd   näme', z.number()),
    )
    const { schemas } = document['components'] as Json
    const of = (name: string): Json => schemas[`a_flow_1.${name}`]
    expect(of('Zod')).toMatchObject({
      properties: { at: {}, n: { type: 'integer', minimum: 1 } },
      required: ['at', 'n'],
    })
    expect(of('Tree').properties.kids.items).toEqual({ $ref: '#/components/schemas/a_flow_1.Tree' })
    expect(of('Defs').properties.a).toEqual({ $ref: '#/components/schemas/a_flow_1.Defs/$defs/Shared' })
    expect(of('Ark')).toMatchObject({ type: 'object', properties: { a: { type: 'string' } }, required: ['a'] })
    expect([of('Valibot'), of('Open'), of('Throwing')]).toEqual([{}, {}, {}])
    for (const [ref, target] of references(document)) expect([ref, target]).toEqual([ref, expect.any(Object)])
    for (const name of Object.keys(schemas as Json)) expect(name).toMatch(/^[A-Za-z0-9._-]+$/)
    const path = '/api/workflows/a%20flow%2F1/instances/{id}'
    const { properties } = document['paths'][path].post.requestBody.content['application/json'].schema as Json
    expect(properties['odd / näme']).not.toEqual(properties['odd   näme'])
    expect(document['security']).toBeUndefined()
  })

  it('of several versions has what any of them takes', () => {
    const [A1, A2, B] = [data('A', z.string()), data('A', z.number()), data('B', z.boolean())]
    const Made = data('Made', type<number>())
    const make = (consumes: Record<string, AnyData>) =>
      builder({ name: 'make', consumes, produces: Made, process: () => 1 } as never)
    const one = workflow({ name: 'w', version: 1, builders: [make({ a: A1 })], target: Made as never })
    const two = workflow({ name: 'w', version: 2, builders: [make({ a: A2, b: B })], target: Made as never })
    const polaris = new Polaris({ store: memoryStore() }).register(one as never, two as never)
    const { paths, components } = httpHandler(polaris, { authorize: tokenAuthorize() }).openapi() as Json
    const { properties } = paths['/api/workflows/w/instances/{id}'].post.requestBody.content['application/json'].schema
    expect(properties).toEqual({
      A: { anyOf: [{ $ref: '#/components/schemas/w.A.v2' }, { $ref: '#/components/schemas/w.A.v1' }] },
      B: { $ref: '#/components/schemas/w.B.v2' },
    })
    expect([components.schemas['w.A.v1'].type, components.schemas['w.A.v2'].type]).toEqual(['string', 'number'])
  })
})

it('feeds an instance the data of its own version, and a new one those of the newest', async () => {
  const [A1, A2] = [data('A', z.string()), data('A', z.number())]
  const Made = data('Made', type<unknown>())
  const make = (A: AnyData) =>
    builder({
      name: 'make',
      consumes: { a: A },
      produces: Made,
      process: ({ a }: { a: unknown }) => `of ${String(a)}`,
    })
  const one = workflow({ name: 'w', version: 1, builders: [make(A1)], target: Made as never })
  const two = workflow({ name: 'w', version: 2, builders: [make(A2)], target: Made as never })
  const store = memoryStore()
  await new Polaris({ store })
    .register(one as never)
    .executor()
    .sequential(one, 'old', A1('x'))
  const polaris = new Polaris({ store }).register(one as never, two as never)
  const handler = httpHandler(polaris, { authorize: () => true })
  const feed = async (id: string, body: object) => {
    const request = new Request(`http://localhost/api/workflows/w/instances/${id}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const response = await handler(request)
    const answer = (await response.json()) as Json
    return [response.status, answer['version'], answer['target'] ?? answer['code']]
  }
  expect(await feed('old', { A: 'y' })).toEqual([200, 1, 'of y'])
  expect(await feed('old', { A: 7 })).toEqual([422, undefined, 'DATA_INVALID'])
  expect(await feed('new', { A: 7 })).toEqual([200, 2, 'of 7'])
})

it('moves open instances to another version', async () => {
  const [A, Made] = [data('A', type<string>()), data('Made', type<string>())]
  const [B, C] = [data('B', type<string>()), data('C', type<string>())]
  const version = (number: number, more: Readonly<Record<string, AnyData>>) => {
    const make = builder({ name: 'make', consumes: { a: A, ...more }, produces: Made, process: () => 'made' } as never)
    return workflow({ name: 'w', version: number, builders: [make], target: Made as never })
  }
  const store = memoryStore({ strict: true })
  const one = version(1, { b: B })
  await new Polaris({ store })
    .register(one as never)
    .executor()
    .sequential(one, 'i', A('x'))
  const polaris = new Polaris({ store }).register(one as never, version(2, { b: B, c: C }) as never)
  const handler = httpHandler(polaris, { authorize: () => true })
  const upgrade = async (body: object, workflow = 'w', path = `workflows/${workflow}`) => {
    const request = new Request(`http://localhost/api/${path}/upgrade`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const response = await handler(request)
    return [response.status, (await response.json()) as Json] as const
  }
  await polaris.executor().with({ version: 1 }).sequential('w', 'j', A('x'))
  expect(await upgrade({}, '', 'instances/j')).toEqual([200, { moved: 1, failed: 0, busy: 0, stranded: [] }])
  expect((await polaris.summary('j'))?.version).toBe(2)
  expect(await upgrade({ version: 1 }, '', 'instances/j')).toMatchObject([400, { code: 'BODY_INVALID' }])
  expect(await upgrade({}, '', 'instances/k')).toMatchObject([404, { code: 'INSTANCE_NOT_FOUND' }])
  expect(await upgrade({ version: 1, to: 2 })).toEqual([200, { moved: 1, failed: 0, busy: 0, stranded: [] }])
  expect((await polaris.summary('i'))?.version).toBe(2)
  expect(await upgrade({ to: 9 })).toMatchObject([
    503,
    { code: 'VERSION_NOT_SERVED', workflow: 'w', version: 9, served: [1, 2] },
  ])
  expect(await upgrade({ to: 'x' })).toMatchObject([400, { code: 'BODY_INVALID' }])
  expect(await upgrade({}, 'nobody')).toMatchObject([404, { code: 'WORKFLOW_NOT_FOUND' }])
})
