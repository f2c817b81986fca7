import { builder, data, timer, type, workflow } from 'polaris-workflow'
import type { AnyBuilder, AnyTimer } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { graphFor, problemsOf } from './lab.ts'

const Order = data('Order', type<{ readonly by?: Date }>())
const Payment = data('Payment', type<number>())
const Late = data('Late', type<{ readonly at: Date }>())
const Reminder = data('Reminder', type<{ readonly at: Date }>())
const Paid = data('Paid', type<string>())
const Closed = data('Closed', type<string>())
const Mailed = data('Mailed', type<string>())

const take = builder({
  name: 'take',
  consumes: { order: Order, payment: Payment },
  produces: Paid,
  process: () => 'paid',
})
const close = builder({ name: 'close', consumes: { late: Late }, produces: Closed, process: () => 'closed' })
const mail = builder({ name: 'mail', consumes: { paid: Paid }, produces: Mailed, process: () => 'mailed' })
const late = timer({ name: 'deadline', after: Order, delay: '1h30m', unless: Payment, produces: Late })

const compiled = (...parts: (AnyBuilder | AnyTimer)[]) =>
  workflow({ name: 'shop', builders: [take, close, ...parts] as never, target: [Paid, Closed] as never })

/** What a call is refused for that the types refuse as well. */
const js = (definition: unknown) => problemsOf(() => timer(definition as never))

describe('a timer in a graph', () => {
  it('rule 4: is a producer: what makes its datum is upstream of whoever reads the product', () => {
    const { plan } = compiled(late)
    expect(plan.ranks).toEqual([['take', 'deadline'], ['close']])
    expect(plan.producerOf(Late)).toBe('deadline')
    expect(plan.inputs).toEqual(['Order', 'Payment'])
    expect(plan.upstreamOf(Closed)).toEqual(['deadline', 'close'])
    expect(plan.readersOf(Order)).toEqual(['take', 'deadline'])
    expect(plan.downstreamOf(Order)).toEqual(['take', 'deadline', 'close'])
    expect(plan.unreachable).toEqual([])
    const after = timer({ after: Mailed, delay: 1, produces: Late })
    expect(compiled(mail, after).plan.unreachable).toEqual([])
    expect(compiled(mail, late).plan.unreachable).toEqual(['mail'])
  })

  it('rule 3: two producers of one data, one of them a timer', () => {
    const other = builder({
      name: 'other',
      consumes: { order: Order },
      produces: Late,
      process: () => ({ at: new Date(0) }),
    })
    expect(problemsOf(() => compiled(late, other))).toEqual([
      `data 'Late' is produced by 'deadline', 'other': choose one, as in resolve: { Late: "deadline" }`,
    ])
    const chosen = workflow({ name: 'w', builders: [late, other, close], target: Closed, resolve: { Late: 'other' } })
    expect(graphFor(chosen).timers).toEqual([])
    expect(
      problemsOf(() => compiled(late, timer({ name: 'take', after: Paid, delay: 1, produces: Reminder }))),
    ).toEqual([`two builders are named 'take'`])
  })

  it('rule 3: a cycle over a timer takes time and not passes, so it is none', () => {
    const remind = builder({ name: 'remind', consumes: { r: Reminder }, produces: Mailed, process: () => 'mailed' })
    const again = timer({ name: 'again', after: Mailed, delay: '1d', produces: Reminder })
    const made = workflow({ name: 'w', builders: [again, remind], target: Mailed })
    expect(made.plan.ranks).toEqual([['again'], ['remind']])
    expect(made.plan.upstreamOf(Mailed)).toEqual(['again', 'remind'])
  })

  it('rule 3: a target that only a timer produces', () => {
    expect(graphFor(workflow({ name: 'w', builders: [late], target: Late })).targets).toHaveLength(1)
  })

  it('rule 3: transients are gone when it goes off', () => {
    const define = (...transients: unknown[]) =>
      problemsOf(() =>
        workflow({ name: 'w', builders: [late, take, close], target: Closed, transients: transients as never }),
      )
    expect(define(Order, Payment, Late)).toEqual([
      `timer 'deadline' after 'Order', which is transient and gone by then`,
      `timer 'deadline' unless 'Payment', which is transient and gone by then`,
      `timer 'deadline' produces 'Late', which is transient and gone by then`,
    ])
    expect(define(Paid)).toEqual([])
  })

  it('rule 3: namesakes of other data, where the timer is named', () => {
    const other = timer({ name: 't', after: data('Order', type<number>()), delay: 1, produces: Reminder })
    expect(problemsOf(() => compiled(late, other))).toEqual([
      `two different data are named 'Order' (in builder 'take' and in timer 't'): declare it once and share it`,
    ])
  })
})

describe('what ends a timer', () => {
  const endsOf = (made: ReturnType<typeof compiled>, name: string) => {
    const { nodes, slots, nodeOf } = graphFor(made)
    return nodes[nodeOf.get(name) ?? -1]?.timer?.ends.map(
      ({ slot, above }) => `${slots[slot]?.name}${above ? '↓' : ''}`,
    )
  }

  it('is what it names, and the targets', () => {
    expect(endsOf(compiled(late), 'deadline')).toEqual(['Payment', 'Paid', 'Closed'])
    const lasting = timer({ name: 'deadline', after: Order, delay: 1, evenWhenCompleted: true, produces: Late })
    expect(endsOf(compiled(lasting), 'deadline')).toEqual([])
  })

  it('but for the targets that what sets it comes from, over builders or timers', () => {
    const survey = timer({ name: 'survey', after: Mailed, delay: '14d', unless: Payment, produces: Reminder })
    expect(endsOf(compiled(late, mail, survey), 'survey')).toEqual(['Payment↓', 'Closed'])
    expect(endsOf(compiled(late, timer({ name: 't', after: Paid, delay: 1, produces: Reminder })), 't')).toEqual([
      'Closed',
    ])
    const Asked = data('Asked', type<string>())
    const ask = builder({ name: 'ask', consumes: { r: Reminder }, produces: Asked, process: () => 'asked' })
    const second = timer({
      name: 'second',
      after: Asked,
      delay: 1,
      produces: data('Second', type<{ readonly at: Date }>()),
    })
    expect(endsOf(compiled(late, mail, survey, ask, second), 'second')).toEqual(['Closed'])
  })
})

describe('a timer as text', () => {
  const repeated = timer({
    after: Order,
    every: '1d',
    times: 3,
    until: '1w',
    unless: [Payment, Paid],
    produces: Reminder,
  })
  const made = compiled(late, repeated)

  it('is drawn with what sets it and what ends it', () => {
    expect(made.plan.toMermaid()).toBe(`flowchart TD
  d0(["Order"])
  d1(["Payment"])
  b0[["take → Paid"]]
  b1{{"deadline: 1h30m after Order"}}
  b2{{"Reminder: 1d after Order, then every 1d, at most 3 times, for 7d"}}
  b3[["close → Closed"]]
  d0 --> b0
  d1 --> b0
  d0 --> b1
  d1 -.->|"unless Payment"| b1
  d0 --> b2
  d1 -.->|"unless Payment"| b2
  b0 -.->|"unless Paid"| b2
  b1 -->|"Late"| b3
`)
    const dot = made.plan.toDot()
    expect(dot).toContain('b1 [label="deadline: 1h30m after Order", shape=hexagon];')
    expect(dot).toContain('d1 -> b1 [label="unless Payment", style=dotted];')
  })

  it('is told in words, whatever tells its time', () => {
    const whens = [
      timer({ after: Order, at: ({ by }) => by, produces: Late }),
      timer({ after: Order, delay: () => 1, produces: Late }),
      timer({ after: Order, delay: 0, every: '36h', until: ({ by }) => by, produces: Late }),
    ].map((each) => workflow({ name: 'w', builders: [each], target: Late }).plan.builders[0]?.timer?.when)
    expect(whens).toEqual([
      'at a moment that Order names',
      'as long after Order as it says',
      '0ms after Order, then every 1d12h, until it says',
    ])
  })

  it('is JSON', () => {
    const { builders } = made.plan.toJSON()
    expect(builders.find(({ name }) => name === 'deadline')).toEqual({
      ...{ name: 'deadline', rank: 0, consumes: ['Order'], optionals: [], accesses: ['Payment'], services: [] },
      ...{ produces: 'Late', once: false, pure: false, version: 1 },
      timer: { when: '1h30m after Order', after: 'Order', delay: 5_400_000, unless: ['Payment', 'Paid', 'Closed'] },
    })
    expect(builders.find(({ name }) => name === 'Reminder')?.timer).toMatchObject({
      ...{ delay: 86_400_000, every: 86_400_000, times: 3, until: 604_800_000 },
    })
    expect(builders.find(({ name }) => name === 'take')).not.toHaveProperty('timer')
  })
})

describe('the fingerprint of a graph with timers', () => {
  const print = (part: AnyTimer, timeout?: number) =>
    workflow({
      name: 'w',
      builders: [part, take, close] as never,
      target: Closed as never,
      ...(timeout && { timeout }),
    }).plan.fingerprint
  const base = { name: 't', after: Order, produces: Late } as const
  const counted: [string, AnyTimer, number?][] = [
    ['a delay', timer({ ...base, delay: 1 })],
    ['another delay', timer({ ...base, delay: 2 })],
    ['one that a function tells', timer({ ...base, delay: () => 1 })],
    ['a moment', timer({ ...base, at: () => 1 })],
    ['what sets it', timer({ ...base, after: Paid, delay: 1 })],
    ['what ends it', timer({ ...base, delay: 1, unless: Payment })],
    ['that targets do not', timer({ ...base, delay: 1, evenWhenCompleted: true })],
    ['that it repeats', timer({ ...base, delay: 1, every: 1 })],
    ['how often', timer({ ...base, delay: 1, every: 1, times: 2 })],
    ['how long', timer({ ...base, delay: 1, every: 1, until: 2 })],
    ['its version', timer({ ...base, delay: 1, version: 2 })],
    ['the time an instance has', timer({ ...base, delay: 1 }), 5],
  ]

  it('tells all of these apart', () => {
    const prints = counted.map(([, part, timeout]) => print(part, timeout))
    expect(new Set(prints).size).toBe(counted.length)
  })

  it('counts neither the text of a function nor how a span is written', () => {
    expect(print(timer({ ...base, delay: '1s' }))).toBe(print(timer({ ...base, delay: 1000 })))
    expect(print(timer({ ...base, delay: () => 2 }))).toBe(print(timer({ ...base, delay: () => 1 })))
    expect(print(timer({ ...base, delay: 1, unless: [Payment, Paid] }))).toBe(
      print(timer({ ...base, delay: 1, unless: [Paid, Payment, Paid] })),
    )
  })

  it('tells a timer from a builder that reads and makes the same', () => {
    const twin = builder({
      ...{ name: 't', consumes: { order: Order }, produces: Late },
      process: () => ({ at: new Date(0) }),
    })
    const other = workflow({ name: 'w', builders: [twin, take, close], target: Closed }).plan.fingerprint
    expect(print(timer({ ...base, delay: 1 }))).not.toBe(other)
  })
})

describe('timer() called with what the types would refuse', () => {
  const good = { after: Order, delay: 1, produces: Late }
  const none = (name: string, given: string) =>
    `'${name}' must be a duration${name === 'delay' ? '' : ' of at least 1 ms'} (milliseconds, or a text such as '30s', '15m', '1h30m', at most 100 years), but is ${given}`

  it.each<[string, unknown, string[]]>([
    ['no object', 7, ['it is defined by an object, but got 7']],
    ['no time', { ...good, delay: undefined }, [`it needs a time: 'delay', 'at' or 'every'`]],
    ['two times', { ...good, at: () => 1 }, [`it has both 'delay' and 'at': take one`]],
    ['a time that is none', { ...good, delay: 'soon' }, [none('delay', '"soon"')]],
    [
      'a moment that nothing reads',
      { after: Order, at: new Date(), produces: Late },
      [`'at' must be a function that reads a moment from the datum, but is a Date`],
    ],
    ['a repetition without a pause', { ...good, every: 0 }, [none('every', '0')]],
    [
      'a bound without a repetition',
      { ...good, times: 2, until: '1d' },
      [`'times' says how long to repeat, without 'every'`, `'until' says how long to repeat, without 'every'`],
    ],
    [
      'bounds that are none',
      { ...good, every: 1, times: 0, until: 0 },
      [`'times' must be a whole number from 1, but is 0`, none('until', '0')],
    ],
    [
      'no data',
      { after: 'Order', delay: 1, unless: [Payment, 'x'], produces: take },
      [
        `'after' must be a data, but is "Order"`,
        `'produces' must be a data, but is an object`,
        `'unless' must be a data or an array of data, but has "x"`,
      ],
    ],
    [
      'its own product',
      { after: Late, delay: 1, produces: Late },
      [`'Late' is both 'after' and 'produces': use every to repeat it`],
    ],
    [
      'an end that is its beginning, or its product',
      { ...good, unless: [Order, Late] },
      [`'Order' is both 'after' and 'unless': it would never go off`, `'Late' is both 'produces' and 'unless'`],
    ],
    [
      'slips of the pen',
      { ...good, evry: 1, evenWhenCompleted: 1, version: 0, name: '' },
      [
        'its name must not be empty',
        `a timer has no option 'evry': did you mean 'every'?`,
        `'version' must be a whole number from 1, but is 0`,
        `'evenWhenCompleted' must be true or false, but is 1`,
      ],
    ],
  ])('%s', (_, definition, expected) => {
    expect(js(definition)).toEqual(expected)
  })

  it('says which timer it is', () => {
    expect(() => timer({ ...good, delay: -1 })).toThrow("Timer 'Late' has a problem:")
    expect(() => timer({ ...good, name: 'deadline', delay: -1 })).toThrow("Timer 'deadline' has a problem:")
  })

  it('a span of time for a workflow that is none', () => {
    expect(
      problemsOf(() => workflow({ name: 'w', builders: [close], target: Closed, timeout: 'soon' as never })),
    ).toEqual([
      `'timeout' must be a duration of at least 1 ms (milliseconds, or a text such as '30s', '15m', '1h30m', at most 100 years), but is "soon"`,
    ])
  })
})
