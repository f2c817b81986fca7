import { builder, data, type, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { graphOf } from '../../src/graph/workflow.ts'
import { problemsOf } from './lab.ts'

const [A, B, C] = ['A', 'B', 'C'].map((name) => data(name, type<string>())) as never as [Text, Text, Text]
type Text = ReturnType<typeof data<string, string, string>>
const b = builder({ name: 'b', consumes: { a: A }, produces: B, process: () => 'b' })
const c = builder({ name: 'c', consumes: { b: B }, produces: C, process: () => 'c' })
const one = workflow({ name: 'w', builders: [b, c], target: C })
const newer = (options: object) =>
  workflow({ name: 'w', version: 2, builders: [c], target: C, ...options } as never) as unknown
const other = workflow({ name: 'other', builders: [b], target: B })

describe("a workflow's policy and migrations", () => {
  it('are to pin, and none, where nothing is said', () => {
    expect(graphOf(one)).toMatchObject({ policy: 'pin', migrations: new Map() })
  })

  it('are read for each older version', () => {
    const fn = () => ({})
    const { migrations, policy } = graphOf(
      newer({
        policy: 'upgrade',
        migrate: [
          { from: one, data: { A: null }, builders: { c: 'cc' }, feeds: [B] },
          { from: { version: 3, data: [A] }, data: { A: 'B' } },
          { from: 7, data: fn },
        ],
      }),
    ) as NonNullable<ReturnType<typeof graphOf>>
    expect(policy).toBe('upgrade')
    expect([...migrations.keys()]).toEqual([1, 3, 7])
    expect(migrations.get(1)).toEqual({
      ...{ from: 1, data: new Map([['A', null]]) },
      ...{ builders: new Map([['c', 'cc']]), feeds: new Set(['B']) },
    })
    expect(migrations.get(3)?.data).toEqual(new Map([['A', 'B']]))
    expect(migrations.get(7)?.data).toBe(fn)
  })

  it.each<[string, object, RegExp]>([
    [
      'a policy that is none',
      { policy: 'later' },
      /'policy' must be 'pin', 'upgrade' or 'upgrade-idle', but is "later"/,
    ],
    ['no object', { migrate: 1 }, /'migrate': it must be an object such as .*, but is 1/],
    ['no version', { migrate: {} }, /'migrate': 'from' must be a version's number, the older workflow, or/],
    ['a version that is none', { migrate: { from: 0 } }, /'from' must be .*, but is 0/],
    ['data that are none', { migrate: { from: { version: 1, data: ['A'] } } }, /'from' must be .*, but is an object/],
    ['its own version', { migrate: { from: 2 } }, /'migrate from version 2': it leads from the version to itself/],
    ['another workflow', { migrate: { from: other, data: { A: null } } }, /it is from another workflow, 'other'/],
    ['one version twice', { migrate: [{ from: 1 }, { from: 1 }] }, /two entries from version 1/],
    ['an unknown option', { migrate: { from: 1, dat: {} } }, /it has no option 'dat': did you mean 'data'\?/],
    ['data that are forgotten', { migrate: { from: one } }, /'data' must say what becomes of 'A': null if it goes/],
    ['data forgotten among those listed', { migrate: { from: { version: 1, data: [A] } } }, /becomes of 'A'/],
    ['an unknown name', { migrate: { from: 1, data: { A: 'X' } } }, /'data\.A' becomes 'X', which is no data of this/],
    ['what a datum cannot become', { migrate: { from: 1, data: { A: 7 } } }, /'data\.A' must be the name of a data, a/],
    ['no record', { migrate: { from: 1, data: 'A' } }, /'data' must be an object by older data/],
    ['an unknown builder', { migrate: { from: 1, builders: { x: 'b' } } }, /'builders' names 'x', which is no builder/],
    ['a builder with no name', { migrate: { from: 1, builders: { c: 1 } } }, /'builders\.c' must be the name it had/],
    ['builders that are none', { migrate: { from: 1, builders: [] } }, /'builders' must be an object such as/],
    ['feeds that are none', { migrate: { from: 1, feeds: ['B'] } }, /'feeds' must be an array of data/],
    ['feeds of a product', { migrate: { from: 1, feeds: [C] } }, /'feeds' names 'C', which a builder of this version/],
    [
      'feeds of other data',
      { migrate: { from: 1, feeds: [A] } },
      /'feeds' names 'A', which is no data of this version/,
    ],
  ])('are refused with %s', (_, options, says) => {
    expect(problemsOf(() => newer(options)).join('\n')).toMatch(says)
  })
})
