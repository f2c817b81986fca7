import { renderMermaidASCII } from 'beautiful-mermaid'
import { builder, data, isPolarisError, service, type, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { builderOf, compileAll, compileBuilders, dataSource, type Parts } from './lab.ts'

const RIDE: Parts[] = [
  { name: 'match', consumes: ['Request'], optionals: ['Wish'], makes: 'Cab' },
  { name: 'price', consumes: ['Request'], accesses: ['Tariff'], makes: 'Quote' },
  { name: 'pay', consumes: ['Cab', 'Quote'], makes: 'Receipt', once: true },
  { name: 'log', consumes: ['Cab'], accesses: ['Quote'], makes: 'Log' },
]
const LOOP: Parts[] = [
  { name: 'draft', optionals: ['Review'], consumes: ['Topic'], makes: 'Draft' },
  { name: 'review', consumes: ['Draft'], makes: 'Review' },
]
const ride = () => compileAll(RIDE, { target: 'Receipt' }).plan
const loop = () => compileAll(LOOP, { loops: true }).plan

describe('questions to a plan', () => {
  it('tell inputs, targets, producers and readers', () => {
    const plan = ride()
    expect(plan.inputs).toEqual(['Request', 'Wish', 'Tariff'])
    expect(plan.targets).toEqual(['Receipt'])
    expect([plan.producerOf('Cab'), plan.producerOf('Request')]).toEqual(['match', undefined])
    expect(plan.readersOf('Request')).toEqual(['match', 'price'])
    expect(plan.readersOf('Quote')).toEqual(['pay'])
    expect(plan.readersOf('Tariff')).toEqual([])
    expect(plan.unreachable).toEqual(['log'])
  })

  it('tell of each data who makes it, and whether callers from outside may feed it', () => {
    const token = dataSource()
    const builders = RIDE.map((part) => builderOf(part, token))
    const { plan } = compileBuilders(builders, { target: 'Receipt', feedable: ['Quote'], transients: ['Log'] }, token)
    const plain = { target: false, transient: false, feedable: false, version: 1, sensitive: false }
    expect(plan.data).toEqual([
      { ...plain, name: 'Request', feedable: true },
      { ...plain, name: 'Wish', feedable: true },
      { ...plain, name: 'Cab', producer: 'match' },
      { ...plain, name: 'Tariff', feedable: true },
      { ...plain, name: 'Quote', producer: 'price', feedable: true },
      { ...plain, name: 'Receipt', producer: 'pay', target: true },
      { ...plain, name: 'Log', producer: 'log', transient: true },
    ])
    expect(plan.dataNamed('Quote')).toBe(token('Quote'))
    expect(() => plan.dataNamed('toString')).toThrow(`has no data 'toString'. It has 'Request', 'Wish', 'Cab'`)
  })

  it('tell what is upstream and downstream, of builders and of data, by edges alone', () => {
    const plan = ride()
    expect(plan.upstreamOf('pay')).toEqual(['match', 'price'])
    expect(plan.upstreamOf('Receipt')).toEqual(['match', 'price', 'pay'])
    expect(plan.upstreamOf('log')).toEqual(['match'])
    expect(plan.upstreamOf('Request')).toEqual([])
    expect(plan.downstreamOf('Request')).toEqual(['match', 'price', 'pay', 'log'])
    expect(plan.downstreamOf('price')).toEqual(['pay'])
    expect(plan.downstreamOf('Receipt')).toEqual([])
  })

  it('follow edges that reach back, around a cycle to the builder itself', () => {
    const plan = loop()
    expect(plan.upstreamOf('draft')).toEqual(['draft', 'review'])
    expect(plan.downstreamOf('Review')).toEqual(['draft', 'review'])
    expect(plan.readersOf('Review')).toEqual(['draft'])
  })

  it('take builders and data themselves, and tell namesakes of both apart', () => {
    const token = dataSource()
    const one = builderOf({ name: 'x', makes: 'y' }, token)
    const two = builderOf({ name: 'y', consumes: ['y'], makes: 'x' }, token)
    const { plan } = compileBuilders([one, two], { target: 'x' }, token)
    expect(plan.upstreamOf(two)).toEqual(['x'])
    expect(plan.upstreamOf(token('y'))).toEqual(['x'])
    expect(plan.upstreamOf(token('x'))).toEqual(['x', 'y'])
    expect(plan.upstreamOf('x')).toEqual([])
    expect(plan.producerOf(token('x'))).toBe('y')
  })

  it('refuse what the workflow does not have, saying what it has', () => {
    const plan = ride()
    const refusal = (ask: () => unknown): unknown => {
      try {
        return ask()
      } catch (error) {
        return isPolarisError(error, 'DATA_UNKNOWN') ? error.message : error
      }
    }
    expect(refusal(() => plan.producerOf('match'))).toBe(
      `Workflow 'test' has no data 'match'. It has 'Request', 'Wish', 'Cab', 'Tariff', 'Quote', 'Receipt', 'Log'.`,
    )
    expect(refusal(() => plan.upstreamOf(data('toString', type())))).toMatch(
      /^Workflow 'test' has no builder or data 'toString'\. It has 'match', 'price', .*'Log'\.$/,
    )
    const big = compileAll(Array.from({ length: 10_000 }, (_, i) => ({ name: `b${i}`, makes: `D${i}` }))).plan
    expect(refusal(() => big.readersOf('Nobody'))).toMatch(/'D19' and 9980 more\.$/)
  })

  it('describe builders', () => {
    const Bank = service<object>()('bank')
    const X = data('X', type<number>())
    const b = builder({
      name: 'b',
      services: { money: Bank },
      produces: X,
      pure: true,
      version: 3,
      timeout: '1m',
      retry: { attempts: 3, backoff: { initial: '2s', jitter: 0 }, retryIf: () => true },
      fallback: () => 0,
      process: () => 1,
    })
    const plain = builder({ name: 'plain', consumes: { x: X }, produces: data('Y', type<number>()), process: () => 1 })
    const builders = [b, plain]
    const { plan } = workflow({ name: 'w', builders, target: X })
    const flat = { consumes: [], optionals: [], accesses: [], services: ['bank'], produces: 'X' }
    const retry = { attempts: 3, initial: 2000, factor: 2, max: 3_600_000, jitter: 0 }
    const care = { timeout: 60_000, retry, fallback: true }
    expect(plan.builders[0]).toEqual({ name: 'b', rank: 0, ...flat, once: false, pure: true, version: 3, ...care })
    for (const key of Object.keys(care)) expect(plan.builders[1]).not.toHaveProperty(key)
    const common = workflow({ name: 'w', builders, target: X, retry: { attempts: 2 } }).plan
    expect(common.builders.map((each) => each.retry?.attempts)).toEqual([3, 2])
    expect(common.fingerprint).toBe(plan.fingerprint)
  })

  it('tell what is taken as an outcome, and which products wake nobody', () => {
    const { builders } = taking()
    expect(builders.map(({ settles, cutoff }) => [settles, cutoff])).toEqual([
      [undefined, true],
      [['Tips'], undefined],
    ])
  })

  it('are plain JSON', () => {
    const json: unknown = JSON.parse(JSON.stringify(ride()))
    expect(json).toEqual(ride().toJSON())
    expect(json).toMatchObject({
      workflow: 'test',
      version: 1,
      targets: ['Receipt'],
      transients: [],
      loops: false,
      ranks: [
        ['match', 'price'],
        ['pay', 'log'],
      ],
      inputs: ['Request', 'Wish', 'Tariff'],
      unreachable: ['log'],
    })
  })
})

const taking = () =>
  compileAll(
    [
      { name: 'tips', consumes: ['User'], makes: 'Tips', cutoff: true },
      { name: 'page', consumes: ['User', 'Tips'], settles: ['Tips'], makes: 'Page' },
    ],
    { target: 'Page' },
  ).plan

const ODD = [
  `it's "odd"`,
  'a[b](c){d}',
  '<b>&amp;</b>',
  'semi;colon|pipe#35;',
  'back\\slash`tick`',
  'end',
  '注文 👍🏽',
  '%%',
  '__proto__',
]

describe('pictures of a plan', () => {
  it('are flowcharts in Mermaid: targets twice framed, optionals and accesses dotted', () => {
    expect(ride().toMermaid()).toBe(
      [
        'flowchart TD',
        '  d0(["Request"])',
        '  d1(["Wish"])',
        '  d3(["Tariff"])',
        '  b0["match"]',
        '  b1["price"]',
        '  b2[["pay → Receipt"]]',
        '  b3["log"]',
        '  d0 --> b0',
        '  d1 -.-> b0',
        '  d0 --> b1',
        '  d3 -.-> b1',
        '  b0 -->|"Cab"| b2',
        '  b1 -->|"Quote"| b2',
        '  b0 -->|"Cab"| b3',
        '  b1 -.->|"(Quote)"| b3',
        '',
      ].join('\n'),
    )
    expect(loop().toMermaid()).toContain('b1 -.->|"(Review)"| b0')
  })

  it('draw outcomes as thick arrows', () => {
    const plan = taking()
    expect(plan.toMermaid()).toContain('b0 ==>|"Tips or its failure"| b1')
    expect(plan.toDot()).toContain('b0 -> b1 [label="Tips or its failure", style=bold];')
    expect(renderMermaidASCII(plan.toMermaid()).replaceAll('━', ' ')).toContain('Tips or its failure')
  })

  it('are rendered by a Mermaid renderer', () => {
    const picture = renderMermaidASCII(ride().toMermaid())
    for (const name of ['Request', 'match', 'price', 'pay → Receipt', 'log', '(Quote)']) expect(picture).toContain(name)
  })

  it.each(ODD)('take %s for nothing but text', (name) => {
    const token = dataSource()
    const one = builderOf({ name, consumes: [`fed ${name}`], makes: `made ${name}` }, token, () => 'k')
    const two = builderOf({ name: 'last', consumes: [`made ${name}`], makes: name }, token, () => 'k')
    const { plan } = compileBuilders([one, two], { name, target: name }, token)
    const mermaid = plan.toMermaid()
    const shape = mermaid
      .replace(/"[^"]*"/g, '""')
      .trimEnd()
      .split('\n')
    expect(shape).toEqual(['flowchart TD', '  d0([""])', '  b0[""]', '  b1[[""]]', '  d0 --> b0', '  b0 -->|""| b1'])
    // What stands within quotes is the name again once the entity codes are read.
    const texts = [...mermaid.matchAll(/"([^"]*)"/g)].map(([, text = '']) =>
      text.replace(/#(\d+);/g, (_, code) => String.fromCharCode(Number(code))),
    )
    expect(texts).toEqual([`fed ${name}`, name, `last → ${name}`, `made ${name}`])
    expect(() => renderMermaidASCII(mermaid)).not.toThrow()

    const dot = plan.toDot()
    const strings = [...dot.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replace(/\\(["\\])/g, '$1'))
    expect(strings).toEqual(expect.arrayContaining([name, `fed ${name}`, `made ${name}`]))
    expect(dot.replace(/"(?:[^"\\]|\\.)*"/g, '""')).toBe(
      [
        'digraph "" {',
        '  rankdir=TB;',
        '  node [shape=box, fontname=""];',
        '  d0 [label="", shape=oval];',
        '  b0 [label=""];',
        '  b1 [label="", peripheries=2];',
        '  d0 -> b0 [label="", style=solid];',
        '  b0 -> b1 [label="", style=solid];',
        '}',
        '',
      ].join('\n'),
    )
  })
})
