import { builder, data, type, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { builderOf, compileAll, compileBuilders, dataSource, type Options, type Parts } from './lab.ts'

const PARTS: readonly Parts[] = [
  { name: 'a', consumes: ['In', 'In2'], optionals: ['Opt'], accesses: ['Look'], makes: 'A' },
  { name: 'b', consumes: ['A'], makes: 'B' },
  { name: 'c', consumes: ['B'], makes: 'C' },
]
const print = (parts: readonly Parts[] = PARTS, options: Options = {}) =>
  compileAll(parts, { target: 'C', ...options }).plan.fingerprint
const change = (index: number, to: Partial<Parts>) => PARTS.map((part, i) => (i === index ? { ...part, ...to } : part))

describe('the fingerprint of a graph', () => {
  it('is 128 bits in hex, and the same for the same graph', () => {
    expect(print()).toMatch(/^[0-9a-f]{32}$/)
    expect(print()).toBe(print())
  })

  it('spreads over all of its bits', () => {
    const prints = Array.from({ length: 2000 }, (_, i) => print([{ name: `b${i}`, makes: 'C' }]))
    for (const [from, to] of [
      [0, 8],
      [8, 16],
      [16, 24],
      [24, 32],
    ] as const) {
      expect(new Set(prints.map((print) => print.slice(from, to))).size).toBe(prints.length)
    }
    // No word of it can be told from the others.
    const words = prints.map((text) => (text.match(/.{8}/g) ?? []).map((word) => parseInt(word, 16)))
    expect(words.some(([a = 0, b = 0, c = 0, d = 0]) => (a ^ b ^ c ^ d) !== 0)).toBe(true)
  })

  it.each<[string, readonly Parts[], Options?]>([
    ['declaration order', [...PARTS].reverse()],
    ['the order of inputs', change(0, { consumes: ['In2', 'In'] })],
    ['the version of the workflow', PARTS, { version: 7 }],
    ['a builder that resolve leaves out', [...PARTS, { name: 'c2', makes: 'C' }], { resolve: { C: 'c' } }],
    ['resolve that says what is so anyway', PARTS, { resolve: { C: 'c' } }],
  ])('does not count %s', (_, parts, options) => {
    expect(print(parts, options)).toBe(print())
  })

  it('does not count key names nor the text of process', () => {
    const token = dataSource()
    const builders = PARTS.map((part) => builderOf(part, token, (name) => `renamed${name}`))
    expect(compileBuilders(builders, { target: 'C' }, token).plan.fingerprint).toBe(print())
    const C = data('C', type<unknown>())
    const prints = [() => 1, () => 2].map((process) => {
      const made = builder({ name: 'c', produces: C, process })
      return workflow({ name: 'w', builders: [made], target: C }).plan.fingerprint
    })
    expect(prints[0]).toBe(prints[1])
  })

  const counted: [string, readonly Parts[], Options?][] = [
    ['the name of the workflow', PARTS, { name: 'other' }],
    ['the name of a builder', change(1, { name: 'b2' })],
    ['one more consumed data', change(1, { consumes: ['A', 'In'] })],
    ['one consumed data less', change(0, { consumes: ['In'] })],
    ['a consumed data that is optional now', change(0, { consumes: ['In'], optionals: ['Opt', 'In2'] })],
    ['an optional that is only looked at now', change(0, { optionals: [], accesses: ['Look', 'Opt'] })],
    ['an access less', change(0, { accesses: [] })],
    ['another product', [...PARTS.slice(0, 2), { name: 'c', consumes: ['B'], makes: 'D' }], { target: 'D' }],
    ['another target', PARTS, { target: 'B' }],
    ['one more target', PARTS, { target: ['C', 'B'] }],
    ['the order of targets', PARTS, { target: ['B', 'C'] }],
    ['a transient', PARTS, { transients: ['A'] }],
    ['another transient', PARTS, { transients: ['B'] }],
    ['once', change(2, { once: true })],
    ['an outcome instead of a value', change(2, { settles: ['B'] })],
    ['cutoff', change(2, { cutoff: true })],
    ['the version of a builder', change(2, { version: 2 })],
    ['loops', PARTS, { loops: true }],
    ['one more builder', [...PARTS, { name: 'd', makes: 'D' }]],
    ['another choice of resolve', [...PARTS, { name: 'c2', makes: 'C' }], { resolve: { C: 'c2' } }],
    ['a name that moves over a boundary', change(0, { consumes: ['In,In2'] })],
  ]
  it.each(counted)('counts %s', (_, parts, options) => {
    expect(print(parts, options)).not.toBe(print())
  })

  it('tells all of these apart from each other', () => {
    const prints = counted.map(([, parts, options]) => print(parts, options))
    expect(new Set(prints).size).toBe(counted.length)
  })

  it('counts the versions of data, each', () => {
    const prints = [{}, { In: 2 }, { In: 3 }, { A: 2 }, { In: 2, A: 2 }].map((versions) => {
      return compileAll(PARTS, { target: 'C' }, dataSource(versions)).plan.fingerprint
    })
    expect(prints[0]).toBe(print())
    expect(new Set(prints).size).toBe(prints.length)
  })

  it('counts declaration order with loops, where it decides which edges are cut', () => {
    const loop: Parts[] = [
      { name: 'x', optionals: ['Y'], makes: 'X' },
      { name: 'y', optionals: ['X'], makes: 'Y' },
    ]
    const options = { target: 'X', loops: true }
    expect(print([...loop].reverse(), options)).not.toBe(print(loop, options))
  })
})
