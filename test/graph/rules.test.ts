import { describe, expect, it } from 'vitest'
import { builderOf, compileAll, compileBuilders, dataSource, graphFor, type Parts } from './lab.ts'

/** Edges as `from>to`, by names, cut ones with `~>`. */
function edgesOf(made: ReturnType<typeof compileAll>): string[] {
  const { nodes, slots } = graphFor(made)
  const name = (index: number): string => nodes[index]?.name ?? '?'
  return slots
    .flatMap(({ producer, readers, laterReaders }) => [
      ...(producer < 0 ? [] : readers.map((reader) => `${name(producer)}>${name(reader)}`)),
      ...(producer < 0 ? [] : laterReaders.map((reader) => `${name(producer)}~>${name(reader)}`)),
    ])
    .sort()
}

describe('rule 1: edges', () => {
  it('rule 1: lead from the producer of a data to every builder that consumes it or has it as an optional', () => {
    const made = compileAll([
      { name: 'a', makes: 'A' },
      { name: 'b', consumes: ['A'], makes: 'B' },
      { name: 'c', optionals: ['A'], consumes: ['Fed'], makes: 'C' },
      { name: 'd', accesses: ['A'], consumes: ['B', 'C'], makes: 'D' },
    ])
    expect(edgesOf(made)).toEqual(['a>b', 'a>c', 'b>d', 'c>d'])
    expect(made.plan.readersOf('A')).toEqual(['b', 'c'])
    expect(made.plan.ranks).toEqual([['a'], ['b', 'c'], ['d']])
  })

  it('rule 1: accesses make none, not even to order two builders', () => {
    const made = compileAll([
      { name: 'late', accesses: ['A'], makes: 'L' },
      { name: 'a', makes: 'A' },
    ])
    expect(edgesOf(made)).toEqual([])
    expect(made.plan.ranks).toEqual([['late', 'a']])
  })

  it('rule 1: an access looks back unless an ancestor makes what it shows', () => {
    const made = compileAll([
      { name: 'a', makes: 'A' },
      { name: 'b', consumes: ['A'], makes: 'B' },
      { name: 'other', makes: 'O' },
      { name: 'c', consumes: ['B'], accesses: ['A', 'O', 'Fed', 'C'], makes: 'C' },
    ])
    const node = graphFor(made).nodes.find(({ name }) => name === 'c')
    const lookback = node?.inputs.map(({ key, lookback }) => [key, lookback])
    expect(lookback).toEqual([
      ['c_B', false],
      ['a_A', false],
      ['a_O', true],
      ['a_Fed', false],
      ['a_C', true],
    ])
  })

  it('rule 1: one builder may read one data by several keys', () => {
    const token = dataSource()
    const twice = builderOf({ name: 'b', consumes: ['A'], optionals: ['A'], accesses: ['A'], makes: 'B' }, token)
    const made = compileBuilders([builderOf({ name: 'a', makes: 'A' }, token), twice], { target: 'B' }, token)
    expect(edgesOf(made)).toEqual(['a>b'])
  })
})

describe('rule 2: ranks', () => {
  it('rule 2: are topological and as early as possible', () => {
    const made = compileAll([
      { name: 'end', consumes: ['C', 'A'], makes: 'E' },
      { name: 'c', consumes: ['B'], makes: 'C' },
      { name: 'b', consumes: ['A'], makes: 'B' },
      { name: 'early', consumes: ['A'], makes: 'X' },
      { name: 'a', makes: 'A' },
      { name: 'free', consumes: ['Fed'], makes: 'F' },
    ])
    expect(made.plan.ranks).toEqual([['a', 'free'], ['b', 'early'], ['c'], ['end']])
  })

  it('rule 2: ties keep declaration order, whoever made them ready', () => {
    const made = compileAll([
      { name: 'z', consumes: ['B'], makes: 'Z' },
      { name: 'y', consumes: ['A'], makes: 'Y' },
      { name: 'x', consumes: ['B'], makes: 'X' },
      { name: 'b', makes: 'B' },
      { name: 'a', makes: 'A' },
    ])
    expect(made.plan.ranks).toEqual([
      ['b', 'a'],
      ['z', 'y', 'x'],
    ])
    expect(made.plan.builders.map(({ name }) => name)).toEqual(['b', 'a', 'z', 'y', 'x'])
  })

  it('rule 2: the same workflow compiles to the same graph', () => {
    const parts: Parts[] = Array.from({ length: 50 }, (_, i) => ({
      name: `b${(i * 37) % 50}`,
      consumes: [`D${(i * 7) % 50}`].filter((name) => name !== `D${i}`),
      optionals: [`D${(i * 11 + 3) % 50}`].filter((name) => name !== `D${i}`),
      accesses: [`D${(i * 13 + 1) % 50}`],
      makes: `D${i}`,
    }))
    const [one, two] = [compileAll(parts, { loops: true }), compileAll(parts, { loops: true })]
    expect(JSON.stringify(one.plan)).toBe(JSON.stringify(two.plan))
    expect(edgesOf(one)).toEqual(edgesOf(two))
    expect(one.plan.toMermaid()).toBe(two.plan.toMermaid())
  })

  it('rule 2: plan.ranks is a copy: what is done to it changes nothing', () => {
    const { plan } = compileAll([{ name: 'a', makes: 'A' }])
    plan.ranks[0]?.push('intruder')
    plan.builders.pop()
    expect([plan.ranks, plan.builders.length]).toEqual([[['a']], 1])
    expect(Object.isFrozen(plan)).toBe(true)
  })
})

describe('rule 3: resolve and loops', () => {
  it('rule 3: resolve picks a producer and leaves the others out', () => {
    const made = compileAll(
      [
        { name: 'byZone', consumes: ['Zone'], makes: 'Quote' },
        { name: 'byKm', consumes: ['Km'], makes: 'Quote' },
        { name: 'end', consumes: ['Quote'], makes: 'End' },
      ],
      { resolve: { Quote: 'byKm' } },
    )
    expect(made.plan.ranks).toEqual([['byKm'], ['end']])
    expect(made.plan.inputs).toEqual(['Km'])
    expect(made.plan.producerOf('Quote')).toBe('byKm')
  })

  it('rule 3: what is left out breaks no rule: neither a cycle nor an own product', () => {
    const made = compileAll(
      [
        { name: 'own', consumes: ['Quote'], makes: 'Quote' },
        { name: 'around', consumes: ['End'], makes: 'Quote' },
        { name: 'plain', makes: 'Quote' },
        { name: 'end', consumes: ['Quote'], makes: 'End' },
      ],
      { resolve: { Quote: 'plain' } },
    )
    expect(made.plan.ranks).toEqual([['plain'], ['end']])
  })

  it('rule 3: resolve may name the only producer', () => {
    expect(compileAll([{ name: 'a', makes: 'A' }], { resolve: { A: 'a' } }).plan.ranks).toEqual([['a']])
  })

  it('rule 3: with loops, edges into the first-declared builder of a cycle order nothing', () => {
    const parts = [
      { name: 'draft', optionals: ['Review'], consumes: ['Topic'], makes: 'Draft' },
      { name: 'review', consumes: ['Draft'], makes: 'Review' },
      { name: 'publish', consumes: ['Review'], makes: 'Post' },
    ]
    const made = compileAll(parts, { loops: true })
    expect(made.plan.ranks).toEqual([['draft'], ['review'], ['publish']])
    expect(edgesOf(made)).toEqual(['draft>review', 'review>publish', 'review~>draft'])
    const turned = compileAll([parts[1], parts[0], parts[2]] as Parts[], { loops: true })
    expect(turned.plan.ranks).toEqual([['review'], ['draft', 'publish']])
    expect(edgesOf(turned)).toEqual(['draft~>review', 'review>draft', 'review>publish'])
  })

  it('rule 3: what remains of a component is cut again, until it is free of cycles', () => {
    // a ⇄ b, b ⇄ c, c → a: all three are one component. The edges into a go (b>a, c>a); b ⇄ c remains, and c>b goes.
    const made = compileAll(
      [
        { name: 'a', consumes: ['B', 'C'], makes: 'A' },
        { name: 'b', consumes: ['A', 'C'], makes: 'B' },
        { name: 'c', consumes: ['B'], makes: 'C' },
      ],
      { loops: true },
    )
    expect(edgesOf(made)).toEqual(['a>b', 'b>c', 'b~>a', 'c~>a', 'c~>b'])
    expect(made.plan.ranks).toEqual([['a'], ['b'], ['c']])
  })

  it('rule 3: two components are cut each by itself, and edges between them stay', () => {
    const made = compileAll(
      [
        { name: 'd', consumes: ['C'], makes: 'D' },
        { name: 'b', consumes: ['A'], makes: 'B' },
        { name: 'c', consumes: ['D', 'B'], makes: 'C' },
        { name: 'a', consumes: ['B'], makes: 'A' },
      ],
      { loops: true },
    )
    // b ⇄ a is cut into b (declared before a), c ⇄ d into d; b>c joins them.
    expect(edgesOf(made)).toEqual(['a~>b', 'b>a', 'b>c', 'c~>d', 'd>c'])
    expect(made.plan.ranks).toEqual([
      ['d', 'b'],
      ['c', 'a'],
    ])
  })

  it('rule 3: an edge into the first node from outside of its component stays', () => {
    const made = compileAll(
      [
        { name: 'a', consumes: ['B', 'S'], makes: 'A' },
        { name: 'b', consumes: ['A'], makes: 'B' },
        { name: 's', makes: 'S' },
      ],
      { loops: true },
    )
    expect(edgesOf(made)).toEqual(['a>b', 'b~>a', 's>a'])
    expect(made.plan.ranks).toEqual([['s'], ['a'], ['b']])
  })

  it('rule 3: a cycle through accesses alone is none', () => {
    const made = compileAll([
      { name: 'a', accesses: ['B', 'A'], makes: 'A' },
      { name: 'b', consumes: ['A'], makes: 'B' },
    ])
    expect(made.plan.ranks).toEqual([['a'], ['b']])
  })
})

describe('rule 4: unreachable', () => {
  it('rule 4: builders on no path to a target are kept and listed', () => {
    const made = compileAll([
      { name: 'log', consumes: ['A'], makes: 'Log' },
      { name: 'afterLog', optionals: ['Log'], makes: 'After' },
      { name: 'peek', makes: 'Peek' },
      { name: 'a', makes: 'A' },
      { name: 'b', optionals: ['A'], accesses: ['Peek'], makes: 'B' },
    ])
    expect(made.plan.unreachable).toEqual(['peek', 'log', 'afterLog'])
    expect(made.plan.ranks.flat()).toHaveLength(5)
  })

  it('rule 4: a path to any of several targets counts, and so do edges that reach back', () => {
    const made = compileAll(
      [
        { name: 'a', optionals: ['B'], makes: 'A' },
        { name: 'b', consumes: ['A'], makes: 'B' },
        { name: 'c', makes: 'C' },
        { name: 'd', makes: 'D' },
      ],
      { target: ['A', 'C'], loops: true },
    )
    expect(made.plan.unreachable).toEqual(['d'])
  })
})

describe('rule 5: size', () => {
  // How long it takes is measured by the benches; here only that the work does not grow out of hand.
  const chain = (length: number, more: (i: number) => Partial<Parts> = () => ({})): Parts[] =>
    Array.from({ length }, (_, i) => ({ name: `b${i}`, consumes: [`D${i}`], makes: `D${i + 1}`, ...more(i) }))

  it('rule 5: a chain of 100,000 compiles without deep recursion, in whatever order it is declared', () => {
    const token = dataSource()
    const builders = chain(100_000).map((part) => builderOf(part, token))
    const made = compileBuilders(builders, { target: 'D100000' }, token)
    expect(made.plan.ranks).toHaveLength(100_000)
    expect(made.plan.unreachable).toEqual([])
    expect(made.plan.downstreamOf('D0')).toHaveLength(100_000)
    expect(made.plan.upstreamOf('D100000')).toHaveLength(100_000)
    expect(made.plan.fingerprint).toMatch(/^[0-9a-f]{32}$/)
    const backwards = compileBuilders(builders.reverse(), { target: 'D100000' }, token)
    expect(backwards.plan.fingerprint).toBe(made.plan.fingerprint)
    expect(backwards.plan.ranks[99_999]).toEqual(['b99999'])
  })

  it('rule 5: so does a ring of 100,000', () => {
    const ring = [...chain(99_999), { name: 'back', consumes: ['D99999'], makes: 'D0' }]
    const made = compileAll(ring, { loops: true })
    expect(made.plan.ranks).toHaveLength(100_000)
    expect(graphFor(made).slots.flatMap(({ laterReaders }) => laterReaders)).toEqual([0])
  })

  it('rule 5: 10,000 builders with accesses near and far compile in well under ten seconds', () => {
    const parts = chain(10_000, (i) => ({ accesses: [`D${i >> 1}`, `D${Math.max(0, i - 3)}`, 'D1'] }))
    const started = performance.now()
    const { nodes } = graphFor(compileAll(parts))
    expect(performance.now() - started).toBeLessThan(10_000)
    const looking = nodes.filter(({ inputs }) => inputs.some(({ lookback }) => lookback))
    expect(looking.map(({ name }) => name)).toEqual(['b0'])
  })

  it('rule 5: so do 10,000 that each read the one before and the one after', () => {
    const parts = chain(10_000, (i) => ({ optionals: i < 9999 ? [`D${i + 2}`] : [] }))
    const started = performance.now()
    const made = compileAll(parts, { loops: true })
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(made.plan.ranks).toHaveLength(10_000)
  })

  it('rule 5: a fan of 10,000 into one is two ranks', () => {
    const fan = Array.from({ length: 10_000 }, (_, i) => ({ name: `b${i}`, consumes: ['Fed'], makes: `D${i}` }))
    const made = compileAll([...fan, { name: 'end', consumes: fan.map(({ makes }) => makes), makes: 'End' }])
    expect(made.plan.ranks.map((rank) => rank.length)).toEqual([10_000, 1])
  })
})
