/** What the dashboard works out by itself. */
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDraft, fieldOf, pathOf, toJson, TypingError } from '../../src/dashboard/form/schema.ts'
import type { Draft, Field } from '../../src/dashboard/form/schema.ts'
import { closure } from '../../src/dashboard/graph/model.ts'
import type { Edge } from '../../src/dashboard/graph/model.ts'
import { placed } from '../../src/dashboard/graph/viewport.ts'
import { changesBetween } from '../../src/dashboard/instance/difference.ts'
import { took } from '../../src/dashboard/ui/time.tsx'
import { visible } from '../../src/dashboard/ui/text.tsx'
import { inShort } from '../../src/dashboard/ui/value.tsx'

const formOf = (schema: z.ZodType): Field => fieldOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
const typed = (schema: z.ZodType, draft: Draft): unknown => toJson(formOf(schema), draft, true)

describe('a form', () => {
  it('has a field for each member, with what it may be', () => {
    const field = formOf(
      z.strictObject({
        name: z.string().min(2),
        seats: z.int().min(1).max(8).default(1),
        place: z.enum(['Airport', 'Museum']),
        paid: z.boolean().optional(),
        note: z.string().nullable(),
        stops: z.array(z.object({ at: z.string() })),
      }),
    )
    expect(field).toMatchObject({
      kind: 'group',
      members: [
        { name: 'name', required: true, field: { kind: 'text', hint: '2 characters or more' } },
        {
          name: 'seats',
          required: false,
          field: { kind: 'number', whole: true, hint: 'whole number, 1 to 8; 1 if left out' },
        },
        { name: 'place', required: true, field: { kind: 'choice', options: ['Airport', 'Museum'] } },
        { name: 'paid', required: false, field: { kind: 'flag' } },
        { name: 'note', required: true, field: { kind: 'text', nullable: true } },
        { name: 'stops', required: true, field: { kind: 'list', item: { kind: 'group' } } },
      ],
    })
  })

  it('follows references, and takes JSON where a value has no form of fields', () => {
    const place = z.object({ street: z.string() }).meta({ id: 'Place' })
    expect(formOf(z.object({ from: place, to: place }))).toMatchObject({
      members: [{ field: { kind: 'group' } }, { field: { kind: 'group' } }],
    })
    for (const schema of [
      z.any(),
      z.record(z.string(), z.number()),
      z.union([z.string(), z.number()]),
      z.looseObject({}),
    ]) {
      expect(formOf(schema).kind).toBe('json')
    }
    const node: Record<string, unknown> = { type: 'object', properties: { next: { $ref: '#' } } }
    expect(JSON.stringify(fieldOf(node))).toContain('"json"')
    expect(fieldOf({ $ref: '#' }).kind).toBe('json')
  })

  it('leaves out what nobody typed, and leaves all judging to the schema', () => {
    const schema = z.object({ n: z.number(), text: z.string(), maybe: z.string().optional(), flag: z.boolean() })
    expect(typed(schema, emptyDraft(formOf(schema)))).toEqual({ text: '', flag: false })
    expect(typed(schema, { n: '1.5', text: 'a', maybe: 'b', flag: 'true' })).toEqual({
      n: 1.5,
      text: 'a',
      maybe: 'b',
      flag: true,
    })
    expect(typed(schema, { n: 'many', text: 'a', maybe: '', flag: 'false' })).toEqual({
      n: 'many',
      text: 'a',
      flag: false,
    })
    expect(typed(z.object({ note: z.string().nullable(), n: z.number().nullable() }), { note: '', n: '2' })).toEqual({
      note: null,
      n: 2,
    })
    expect(typed(z.enum(['a', 'b']), '1')).toBe('b')
    expect(typed(z.array(z.number()), ['1', '2'])).toEqual([1, 2])
  })

  it('says where what was typed is no JSON', () => {
    const schema = z.object({ rest: z.any() })
    expect(typed(schema, { rest: '{"a": [1]}' })).toEqual({ rest: { a: [1] } })
    const mistake = (): unknown => typed(schema, { rest: '{' })
    expect(mistake).toThrow(TypingError)
    expect(mistake).toThrow(expect.objectContaining({ path: ['rest'] }))
  })

  it('finds the field that a pointer means', () => {
    expect(pathOf('#/RideRequest/stops/0/a~1b%20c')).toEqual(['RideRequest', 'stops', '0', 'a/b c'])
    expect(pathOf('#')).toEqual([])
    expect(pathOf('#/%')).toEqual(['%'])
  })
})

describe('differences', () => {
  it('are told member by member, whatever members are called', () => {
    expect(changesBetween({ a: 1, b: { c: [1, 2] } }, { a: 1, b: { c: [1, 3] }, d: null }, 10)).toEqual([
      { path: ['b', 'c', '1'], before: 2, after: 3 },
      { path: ['d'], after: null },
    ])
    const strange = JSON.parse('{ "constructor": 1, "__proto__": { "x": 1 }, "toString": 2 }') as unknown
    expect(changesBetween({}, strange, 10).map(({ path }) => path)).toEqual([
      ['constructor'],
      ['__proto__'],
      ['toString'],
    ])
    expect(changesBetween(strange, strange, 10)).toEqual([])
    expect(changesBetween([1], { 0: 1 }, 10)).toEqual([{ path: [], before: [1], after: { 0: 1 } }])
  })

  it('are as many as one asks for', () => {
    const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, index]))
    expect(changesBetween({}, wide, 20)).toHaveLength(20)
  })
})

describe('text', () => {
  it('shows what could not be seen, and leaves emoji and scripts alone', () => {
    expect(visible('a\u200bb\u202ec\u0000\u001b')).toBe('a\\u200bb\\u202ec\\u0000\\u001b')
    expect(visible('half \ud800 of')).toBe('half \\ud800 of')
    for (const fine of ['שלום', 'مرحبا', '👩‍👩‍👧', '日本語', 'a\nb\tc', 'é']) expect(visible(fine)).toBe(fine)
  })

  it('of a value is short however long the value is', () => {
    expect(inShort({ a: 1, b: [1], c: { d: 1 }, e: 'x' })).toBe('a: 1, b: […], c: {…}, e: x')
    expect(inShort('x'.repeat(1_000_000), 10)).toBe(`${'x'.repeat(10)}…`)
    expect(inShort({ $sensitive: true })).toBe('withheld')
  })

  it('of times has the unit that reads best', () => {
    expect([0.2, 12, 1_234, 61_000, 7_200_000].map(took)).toEqual(['< 1 ms', '12 ms', '1.23 s', '1 min', '2 h'])
  })
})

describe('lineage', () => {
  it('goes both ways, through cycles, and not along accesses', () => {
    const edge = (from: string, to: string, kind: Edge['kind'] = 'consumes'): Edge => ({
      id: from + to,
      from,
      to,
      data: '',
      kind,
    })
    const edges = [edge('a', 'b'), edge('b', 'c', 'optional'), edge('c', 'd'), edge('d', 'b'), edge('a', 'x', 'access')]
    expect([...closure(edges, ['c'], 'from')].sort()).toEqual(['a', 'b', 'c', 'd'])
    expect([...closure(edges, ['a'], 'into')].sort()).toEqual(['b', 'c', 'd'])
    expect(closure(edges, ['a'], 'from').size).toBe(0)
  })
})

describe('a graph in a frame that is too narrow for it', () => {
  it('begins with a node in the middle, but leaves no room empty beside its edge', () => {
    expect(placed(1_000, 500, 400)).toBe(-300)
    expect(placed(1_000, 30, 400)).toBe(12)
    expect(placed(1_000, 990, 400)).toBe(400 - 12 - 1_000)
    expect(placed(300, 10, 400)).toBe(50)
  })
})
