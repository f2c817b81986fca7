import { describe, expect, it } from 'vitest'
import { differences } from '../../src/graph/difference.ts'
import { graphOfManifest, manifestOf, readManifest } from '../../src/graph/manifest.ts'
import { thrown } from '../support/lab.ts'
import { compileAll, dataSource, graphFor } from './lab.ts'
import type { Options, Parts } from './lab.ts'

const PARTS: readonly Parts[] = [
  { name: 'quote', consumes: ['Ride'], optionals: ['Coupon'], accesses: ['User'], makes: 'Quote' },
  { name: 'charge', consumes: ['Quote'], makes: 'Receipt', once: true },
]
const graph = (parts = PARTS, options: Options = {}, versions: Readonly<Record<string, number>> = {}) =>
  graphFor(compileAll(parts, { target: 'Receipt', ...options }, dataSource(versions)))
const change = (index: number, to: Partial<Parts>) => PARTS.map((part, i) => (i === index ? { ...part, ...to } : part))

describe('the difference between two graphs, in words', () => {
  it('is nothing between two that are the same', () => {
    expect(differences(graph(), graph([...PARTS].reverse()))).toEqual([])
  })

  it.each<[string, ReturnType<typeof graph>, string[]]>([
    [
      'a new builder',
      graph([{ name: 'mail', consumes: ['Receipt'], makes: 'Mail' }, ...PARTS]),
      ["builder 'mail' is new: it makes 'Mail' of 'Receipt'"],
    ],
    ['a new source', graph([{ name: 'now', makes: 'Time' }, ...PARTS]), ["builder 'now' is new: it makes 'Time'"]],
    ['a builder less', graph(PARTS.slice(1)), ["builder 'quote' is gone: it made 'Quote' of 'Ride', 'Coupon'"]],
    [
      'other inputs',
      graph(change(0, { consumes: ['Ride', 'Coupon'], optionals: ['Tip'], accesses: [] })),
      [
        "builder 'quote' consumes 'Coupon' now",
        "builder 'quote' takes optionally 'Tip' now",
        "builder 'quote' no longer takes optionally 'Coupon'",
        "builder 'quote' no longer looks at 'User'",
      ],
    ],
    [
      'another product',
      graph(change(1, { makes: 'Bill' }), { target: 'Bill' }),
      ["the target is 'Bill' instead of 'Receipt'", "builder 'charge' makes 'Bill' instead of 'Receipt'"],
    ],
    ['once no longer', graph(change(1, { once: false })), ["builder 'charge' is no longer once"]],
    ['once now', graph(change(0, { once: true })), ["builder 'quote' is once now"]],
    ['the version of a builder', graph(change(1, { version: 3 })), ["builder 'charge' has version 3 instead of 1"]],
    ['the version of a data', graph(PARTS, {}, { Ride: 2 }), ["data 'Ride' has version 2 instead of 1"]],
    ['a transient', graph(PARTS, { transients: ['Quote'] }), ["data 'Quote' is transient"]],
    ['loops', graph(PARTS, { loops: true }), ['loops are allowed']],
    [
      'the order of targets',
      graph(PARTS, { target: ['Receipt', 'Quote'] }),
      ["the target is 'Receipt', 'Quote' instead of 'Receipt'"],
    ],
    [
      'another choice of resolve',
      graph([{ name: 'guess', consumes: ['Ride'], makes: 'Quote' }, ...PARTS], { resolve: { Quote: 'guess' } }),
      [
        "builder 'guess' is new: it makes 'Quote' of 'Ride'",
        "builder 'quote' is gone: it made 'Quote' of 'Ride', 'Coupon'",
      ],
    ],
  ])('names %s', (_, newer, said) => {
    expect(differences(graph(), newer)).toEqual(said)
    expect(differences(newer, graph())).not.toEqual([])
  })

  it('names what is no longer so', () => {
    expect(differences(graph(PARTS, { transients: ['Quote'] }), graph())).toEqual([
      "data 'Quote' is no longer transient",
    ])
    expect(differences(graph(PARTS, { loops: true }), graph())).toEqual(['loops are no longer allowed'])
  })

  it('names the order of builders where loops make it count', () => {
    const said = differences(graph(PARTS, { loops: true }), graph([...PARTS].reverse(), { loops: true }))
    expect(said).toEqual([expect.stringContaining('declared in another order')])
    expect(differences(graph(PARTS, { loops: true }), graph(PARTS, { loops: true }))).toEqual([])
  })
})

describe('a manifest', () => {
  const PLACES: [string, ReturnType<typeof graph>][] = [
    ['a plain graph', graph()],
    ['one with everything', graph(PARTS, { transients: ['Quote'], version: 7, target: ['Receipt'] }, { Ride: 3 })],
    [
      'one with loops',
      graph(
        [
          { name: 'y', optionals: ['X'], makes: 'Y' },
          { name: 'x', optionals: ['Y'], makes: 'X' },
        ],
        { loops: true, target: 'X' },
      ),
    ],
  ]
  it.each(PLACES)('of %s is plain JSON that leads back to a graph of the same fingerprint', (_, original) => {
    const manifest = manifestOf(original)
    const read = readManifest(JSON.parse(JSON.stringify(manifest)))
    expect(read).toEqual(manifest)
    const revived = graphOfManifest(read)
    expect(manifestOf(revived)).toEqual(manifest)
    expect(differences(original, revived)).toEqual([])
    expect(revived.version).toBe(original.version)
  })

  it.each([
    null,
    'text',
    [],
    {},
    { ...manifestOf(graph()), builders: [{ name: 'x' }] },
    { ...manifestOf(graph()), data: 1 },
  ])('is refused where it is none: %j', (given) => {
    expect(thrown(() => readManifest(given), 'MANIFEST_INVALID').message).toContain('A manifest describes')
  })
})
