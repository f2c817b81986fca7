import { builder, data, GraphError, settled, service, type, workflow, type AnyWorkflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { builderOf, compileAll, compileBuilders, dataSource, problemsOf, type Options, type Parts } from './lab.ts'

const A: Parts = { name: 'a', makes: 'A' }
const problems = (parts: readonly Parts[], options?: Options) => problemsOf(() => compileAll(parts, options))

describe('rule 3: refused at definition', () => {
  it('rule 3: two builders of one name', () => {
    expect(problems([A, { ...A, makes: 'B' }])).toEqual([`two builders are named 'a'`])
  })

  it('rule 3: one builder listed twice', () => {
    const token = dataSource()
    const a = builderOf(A, token)
    expect(problemsOf(() => compileBuilders([a, a, a], { target: 'A' }, token))).toEqual([
      `builder 'a' is listed twice`,
    ])
  })

  it('rule 3: two data objects of one name, once for each object too many', () => {
    const token = dataSource()
    const [mine, other] = [builderOf(A, token), dataSource()]
    const others = ['b', 'c'].map((name) => builderOf({ name, consumes: ['A'], makes: name }, other))
    expect(problemsOf(() => compileBuilders([mine, ...others], { target: 'A' }, token))).toEqual([
      `two different data are named 'A' (in builder 'a' and in builder 'b'): declare it once and share it`,
    ])
    const third = dataSource()
    expect(
      problemsOf(() => workflow({ name: 'w', builders: [mine], target: third('A'), transients: [dataSource()('A')] })),
    ).toEqual([
      `two different data are named 'A' (in builder 'a' and in target): declare it once and share it`,
      `two different data are named 'A' (in builder 'a' and in transients): declare it once and share it`,
    ])
  })

  it('rule 3: two producers of one data without a resolution', () => {
    const two = [A, { ...A, name: 'b' }]
    expect(problems(two)).toEqual([`data 'A' is produced by 'a', 'b': choose one, as in resolve: { A: "a" }`])
    const odd = two.map((part) => ({ ...part, name: `${part.name}'s "best"`, makes: '__proto__ of it' }))
    expect(problems(odd)).toEqual([
      `data '__proto__ of it' is produced by 'a's "best"', 'b's "best"': ` +
        `choose one, as in resolve: { "__proto__ of it": "a's \\"best\\"" }`,
    ])
    const many = Array.from({ length: 10_000 }, (_, i) => ({ ...A, name: `b${i}` }))
    expect(problems(many)[0]).toContain(`'b19' and 9980 more: choose one`)
  })

  it('rule 3: a resolution that names what is not there', () => {
    const two = [A, { ...A, name: 'b' }]
    expect(problems(two, { resolve: { A: 'c' } })).toEqual([
      `resolve names builder 'c' for data 'A', which is produced by 'a', 'b'`,
      `no builder produces target 'A'`,
    ])
    expect(problems([A], { resolve: { B: 'a' } })).toEqual([`resolve names data 'B', which no builder produces`])
    const inherited = { resolve: { toString: 'a', constructor: 'a' } }
    expect(problems([A], inherited)).toEqual([
      `resolve names data 'toString', which no builder produces`,
      `resolve names data 'constructor', which no builder produces`,
    ])
  })

  it('rule 3: no target, one that nobody produces, one named twice', () => {
    expect(problems([A], { target: [] })).toEqual(['it has no target: name the data that the workflow is for'])
    expect(problems([A], { target: 'B' })).toEqual([`no builder produces target 'B'`])
    expect(problems([{ ...A, consumes: ['B'] }], { target: 'B' })).toEqual([`no builder produces target 'B'`])
    expect(problems([A], { target: ['A', 'A', 'B', 'B'] })).toEqual([
      `target 'A' is named twice`,
      `no builder produces target 'B'`,
      `target 'B' is named twice`,
    ])
  })

  it('rule 3: no builders', () => {
    expect(problems([], { target: 'A' })).toEqual([`no builder produces target 'A'`, 'it has no builders'])
  })

  it('rule 3: a builder with its own product in consumes or optionals, even with loops', () => {
    const own = [
      { name: 'a', consumes: ['A'], makes: 'A' },
      { name: 'b', optionals: ['B'], accesses: ['B'], makes: 'B' },
    ]
    for (const loops of [false, true]) {
      expect(problems(own, { loops })).toEqual([
        `builder 'a' has its own product 'A' in consumes: use accesses to see it`,
        `builder 'b' has its own product 'B' in optionals: use accesses to see it`,
      ])
    }
  })

  it('rule 3: a cycle, with its path, the shortest through its first-declared builder', () => {
    expect(
      problems([
        { name: 'x', consumes: ['C'], makes: 'X' },
        { name: 'a', consumes: ['C', 'Fed'], makes: 'A' },
        { name: 'b', optionals: ['A'], makes: 'B' },
        { name: 'c', consumes: ['B'], makes: 'C' },
        { name: 'detour', consumes: ['B'], makes: 'D' },
        { name: 'longer', consumes: ['D'], optionals: ['C'], makes: 'E' },
      ]),
    ).toEqual(['there is a cycle: a -(A)-> b -(B)-> c -(C)-> a; break it, or allow it with loops: true'])
  })

  it('rule 3: two cycles, each by itself', () => {
    const ring = (p: string, q: string): Parts[] => [
      { name: p, consumes: [q], makes: p },
      { name: q, consumes: [p], makes: q },
    ]
    expect(problems([...ring('a', 'b'), ...ring('c', 'd')]).map((text) => text.split(';')[0])).toEqual(
      ['there is a cycle: c -(c)-> d -(d)-> c', 'there is a cycle: a -(a)-> b -(b)-> a'].sort(),
    )
  })

  it('rule 3: a once builder with a transient product, and a transient that is no data of the workflow', () => {
    expect(problems([{ ...A, once: true }], { transients: ['A', 'Nobody'] })).toEqual([
      `transient 'Nobody' is neither read nor produced by any builder`,
      `builder 'a' is once, but its product 'A' is transient and would be lost for good`,
    ])
  })

  it('an outcome that reaches back in a loop', () => {
    const loop: Parts[] = [
      { name: 'x', consumes: ['In', 'Y'], settles: ['Y'], makes: 'X' },
      { name: 'y', consumes: ['X'], settles: ['X'], makes: 'Y' },
    ]
    expect(problems(loop, { loops: true, target: 'Y' })).toEqual([
      `builder 'x' consumes settled(Y) over an edge that its loop cuts: consume Y itself there`,
    ])
    expect(problems(loop, { target: 'Y' })).toEqual([expect.stringMatching(/^there is a cycle/)])
  })

  it('an outcome of its own', () => {
    expect(problems([{ ...A, consumes: ['A'], settles: ['A'] }])).toEqual([
      `builder 'a' has its own product 'A' in consumes: use accesses to see it`,
    ])
  })

  it('a product with nothing to compare it with', () => {
    expect(problems([{ ...A, cutoff: true }], { transients: ['A'] })).toEqual([
      `builder 'a' has cutoff, but its product 'A' is transient: there is none to compare it with`,
    ])
  })

  it('feedable data that are none of the workflow, are named twice, or may be fed anyway', () => {
    const parts = [A, { name: 'b', consumes: ['In', 'A'], makes: 'B' }]
    expect(problems(parts, { feedable: ['A', 'B'] })).toEqual([])
    expect(problems(parts, { feedable: ['A', 'Nobody', 'A', 'In'] })).toEqual([
      `feedable 'Nobody' is neither read nor produced by any builder`,
      `feedable 'A' is named twice`,
      `feedable 'In' is produced by no builder, so it may be fed anyway: leave it out`,
    ])
    const [token, other] = [dataSource(), dataSource()]
    const own = builderOf(A, token)
    const namesake = { name: 'w', builders: [own], target: token('A'), feedable: [other('A')] }
    expect(problemsOf(() => workflow(namesake))).toEqual([
      `feedable 'A' is not the data that builders have, but a namesake: share it`,
    ])
  })

  it('rule 3: a transient target only where an instance would have to keep it', () => {
    expect(problems([A], { transients: ['A'] })).toEqual([])
  })

  it('rule 3: lists every problem in one error', () => {
    const parts = [
      { name: 'a', consumes: ['B'], makes: 'A' },
      { name: 'b', consumes: ['A', 'B'], makes: 'B' },
      { name: 'b', makes: 'Q' },
      { name: 'q', makes: 'Q' },
    ]
    const define = () => compileAll(parts, { target: 'Z', version: 0, ...({ loop: true } as object) })
    expect(problemsOf(define)).toEqual([
      `a workflow has no option 'loop': did you mean 'loops'?`,
      `'version' must be a whole number from 1, but is 0`,
      `two builders are named 'b'`,
      `data 'Q' is produced by 'b', 'q': choose one, as in resolve: { Q: "b" }`,
      `no builder produces target 'Z'`,
      `builder 'b' has its own product 'B' in consumes: use accesses to see it`,
      'there is a cycle: a -(A)-> b -(B)-> a; break it, or allow it with loops: true',
    ])
    expect(define).toThrow(`Workflow 'test' has 7 problems:\n  - a workflow has no option 'loop'`)
    expect(() => compileAll([A], { target: 'Z' })).toThrow(
      `Workflow 'test' has a problem:\n  - no builder produces target 'Z'`,
    )
  })
})

/** What a user of plain JavaScript may hand over. */
const js = (define: (value: never) => unknown, value: unknown) => problemsOf(() => define(value as never))
const X = data('X', type<number>())
const good = { name: 'b', produces: X, process: () => 1 }
const made = builder(good)
const whole = { name: 'w', builders: [made], target: X }

describe('builder() called with what the types would refuse', () => {
  it.each([
    ['nothing', undefined, ['it is defined by an object, but got undefined']],
    ['a name', 'b', ['it is defined by an object, but got "b"']],
    ['no name', { ...good, name: undefined }, ['its name must be a string, but is undefined']],
    ['no product', { ...good, produces: undefined }, [`'produces' must be a data, but is undefined`]],
    ['a list of products', { ...good, produces: [X] }, [`'produces' must be a data, but is an array`]],
    ['no process', { ...good, process: 'later' }, [`'process' must be a function, but is "later"`]],
    [
      'a flag that is none',
      { ...good, once: 1, pure: 'no' },
      [`'once' must be true or false, but is 1`, `'pure' must be true or false, but is "no"`],
    ],
    [
      'a timeout that is none',
      { ...good, timeout: 'soon' },
      [
        `'timeout' must be a duration of at least 1 ms (milliseconds, or a text such as '30s', '15m', '1h30m', at most 100 years), but is "soon"`,
      ],
    ],
    ['a policy that is none', { ...good, retry: 3 }, [`'retry' must be an object such as { attempts: 5 }, but is 3`]],
    ['no attempts', { ...good, retry: {} }, [`'retry.attempts' must be a whole number from 1, but is undefined`]],
    [
      'a policy full of slips',
      { ...good, retry: { attempts: 0, tries: 3, retryIf: true, backoff: 'slow' }, fallback: null },
      [
        `'fallback' must be a function, but is null`,
        `'retry' has no option 'tries'; it has attempts, backoff, retryIf`,
        `'retry.attempts' must be a whole number from 1, but is 0`,
        `'retry.retryIf' must be a function, but is true`,
        `'retry.backoff' must be an object such as { initial: '1s' }, but is "slow"`,
      ],
    ],
    [
      'a backoff full of slips',
      { ...good, retry: { attempts: 1, backoff: { inital: '1s', max: -1, factor: 0.5, jitter: 2 } } },
      [
        `'retry.backoff' has no option 'inital': did you mean 'initial'?`,
        `'retry.backoff.max' must be a duration (milliseconds, or a text such as '30s', '15m', '1h30m', at most 100 years), but is -1`,
        `'retry.backoff.factor' must be a number from 1 to 1000, but is 0.5`,
        `'retry.backoff.jitter' must be a number from 0 to 1, but is 2`,
      ],
    ],
    ['a version that is none', { ...good, version: 1.5 }, [`'version' must be a whole number from 1, but is 1.5`]],
    [
      'a list of inputs',
      { ...good, consumes: [X] },
      [`'consumes' must be a plain object of data by name, such as { quote: Quote }, but is an array`],
    ],
    [
      'a data instead of inputs',
      { ...good, optionals: X },
      [`'optionals' must be a plain object of data by name, such as { quote: Quote }, but is the function X`],
    ],
    [
      'a Map of inputs',
      { ...good, accesses: new Map([['x', X]]) },
      [`'accesses' must be a plain object of data by name, such as { quote: Quote }, but is a Map`],
    ],
    [
      'inputs hidden in a prototype',
      { ...good, consumes: { __proto__: X } },
      [`'consumes' must be a plain object of data by name, such as { quote: Quote }, but is a Function`],
    ],
    [
      'names of inputs',
      { ...good, consumes: { x: 'X', y: null } },
      [`'consumes.x' must be a data, but is "X"`, `'consumes.y' must be a data, but is null`],
    ],
    [
      'outcomes where there are none',
      { ...good, optionals: { x: settled(X) }, accesses: { y: settled(X) }, produces: settled(X) },
      [
        `'optionals.x' must be a data, but is settled(X), which only 'consumes' may have`,
        `'accesses.y' must be a data, but is settled(X), which only 'consumes' may have`,
        `'produces' must be a data, but is an object`,
      ],
    ],
    [
      'what only looks like an outcome',
      { ...good, consumes: { x: { kind: 'settled', name: 'X', data: X } } },
      [`'consumes.x' must be a data, but is an object`],
    ],
    [
      'a key twice',
      { ...good, consumes: { x: X }, optionals: { x: X }, accesses: { x: X } },
      [`key 'x' is in both 'consumes' and 'optionals'`, `key 'x' is in both 'optionals' and 'accesses'`],
    ],
    [
      'an input called __proto__',
      { ...good, consumes: JSON.parse('{"__proto__": 1}') as unknown },
      [
        `'consumes' cannot have the key '__proto__': process could not tell its value`,
        `'consumes.__proto__' must be a data, but is 1`,
      ],
    ],
    [
      'a data as a service',
      { ...good, services: { x: X, y: undefined } },
      [
        `'services.x' must be made by service<T>()(name), but is the function X`,
        `'services.y' must be made by service<T>()(name), but is undefined`,
      ],
    ],
    [
      'misspelt options',
      { ...good, consume: {}, Optionals: {}, acesses: {}, verison: 1, onec: true, serivce: {}, x: 1 },
      [
        `a builder has no option 'consume': did you mean 'consumes'?`,
        `a builder has no option 'Optionals': did you mean 'optionals'?`,
        `a builder has no option 'acesses': did you mean 'accesses'?`,
        `a builder has no option 'verison': did you mean 'version'?`,
        `a builder has no option 'onec': did you mean 'once'?`,
        `a builder has no option 'serivce': did you mean 'services'?`,
        `a builder has no option 'x'; it has name, consumes, optionals, accesses, services, produces, once, pure, cutoff, version, timeout, retry, fallback, compensate, process`,
      ],
    ],
  ])('%s', (_, definition, expected) => {
    expect(js(builder, definition)).toEqual(expected)
  })

  it('takes a builder for the definition of another one, outcomes included', () => {
    const taking = builder({
      name: 'c',
      consumes: { x: settled(X) },
      produces: data('Z', type<number>()),
      process: () => 1,
    })
    const copy = builder({ ...taking, name: 'd' } as never) as unknown as typeof taking
    expect(copy.settles).toEqual(['x'])
    expect(copy.consumes).toEqual({ x: X })
  })

  it('says all that is wrong at once, and of which builder', () => {
    const wrong = { name: 'b', consume: {}, produces: 1, once: 1, process: 1 }
    expect(() => builder(wrong as never)).toThrow(
      `Builder 'b' has 4 problems:\n` +
        `  - a builder has no option 'consume': did you mean 'consumes'?\n` +
        `  - 'produces' must be a data, but is 1\n` +
        `  - 'process' must be a function, but is 1\n` +
        `  - 'once' must be true or false, but is 1`,
    )
    expect(() => builder({ ...good, name: '' })).toThrow(`A builder has a problem:\n  - its name must not be empty`)
  })

  it('copies and freezes what it was given', () => {
    const consumes: Record<string, typeof X> = { x: X }
    const kept = builder({ ...good, name: 'c', produces: data('Y', type<number>()), consumes })
    consumes.y = X
    expect(Object.keys(kept.consumes)).toEqual(['x'])
    expect([kept, kept.consumes, kept.services].every(Object.isFrozen)).toBe(true)
  })
})

describe('workflow() called with what the types would refuse', () => {
  it.each([
    ['nothing', null, ['it is defined by an object, but got null']],
    ['no name', { ...whole, name: 7 }, ['its name must be a string, but is 7']],
    ['no list of builders', { ...whole, builders: made }, [`'builders' must be an array, but is an object`]],
    [
      'what only looks like a builder',
      { ...whole, builders: [made, { ...made }, X, undefined] },
      [
        `'builders[1]' must be made by builder() or timer(), but is an object`,
        `'builders[2]' must be made by builder() or timer(), but is the function X`,
        `'builders[3]' must be made by builder() or timer(), but is undefined`,
      ],
    ],
    [
      'a hole',
      { ...whole, builders: Object.assign(new Array(2), { 1: made }) as unknown },
      [`'builders[0]' must be made by builder() or timer(), but is undefined`],
    ],
    ['no target', { ...whole, target: undefined }, ['it has no target: name the data that the workflow is for']],
    ['a name as the target', { ...whole, target: 'X' }, [`'target' must be a data or an array of data, but is "X"`]],
    ['names as targets', { ...whole, target: [X, 'Y'] }, [`'target[1]' must be a data, but is "Y"`]],
    ['a feedable by name', { ...whole, feedable: ['X'] }, [`'feedable[0]' must be a data, but is "X"`]],
    ['feedable that is no array', { ...whole, feedable: X }, [`'feedable' must be an array, but is the function X`]],
    ['a transient by name', { ...whole, transients: ['X'] }, [`'transients[0]' must be a data, but is "X"`]],
    [
      'a list to resolve',
      { ...whole, resolve: ['b'] },
      [`'resolve' must be an object such as { Quote: 'quoteByZone' }, but is an array`],
    ],
    [
      'null to resolve',
      { ...whole, resolve: null },
      [`'resolve' must be an object such as { Quote: 'quoteByZone' }, but is null`],
    ],
    [
      'a builder to resolve',
      { ...whole, resolve: { X: made } },
      [`'resolve.X' must be the name of a builder, but is an object`],
    ],
    [
      'options of other kinds',
      { ...whole, loops: 'yes', durability: 'none', version: '2' },
      [
        `'version' must be a whole number from 1, but is "2"`,
        `'loops' must be true or false, but is "yes"`,
        `'durability' must be 'builder' or 'scope', but is "none"`,
      ],
    ],
    [
      'misspelt options',
      { ...whole, targets: X, builder: [], transient: [], resolves: {} },
      [
        `a workflow has no option 'targets': did you mean 'target'?`,
        `a workflow has no option 'builder': did you mean 'builders'?`,
        `a workflow has no option 'transient': did you mean 'transients'?`,
        `a workflow has no option 'resolves': did you mean 'resolve'?`,
      ],
    ],
  ])('%s', (_, definition, expected) => {
    expect(js(workflow, definition)).toEqual(expected)
  })
})

describe('data() and service()', () => {
  it('refuse what is no schema', () => {
    for (const schema of [undefined, null, {}, 'string', { '~standard': { version: 2 } }, Number]) {
      expect(js((given) => data('D', given), schema)).toHaveLength(1)
    }
    expect(() => data('D', {} as never)).toThrow(
      `Data 'D' has a problem:\n  - its schema must be a Standard Schema (zod, valibot, arktype, …), but is an object; ` +
        'type<T>() is the one for data that need no validation',
    )
  })

  const bad: [string, unknown, string][] = [
    ['empty', '', 'must not be empty'],
    ['blank', ' \u00a0', 'must not be blank'],
    ['with a newline', 'a\nb', 'must not have control characters: "a\\nb"'],
    ['with NUL', 'a\0', 'must not have control characters: "a\\u0000"'],
    ['with a C1 control', 'a\u0085', 'must not have control characters'],
    ['too long', 'x'.repeat(201), 'must have at most 200 characters, but has 201'],
    ['with half an emoji', 'a\ud83d', 'must not have lone surrogates: "a\\ud83d"'],
    ['no string', 5n, 'must be a string, but is 5n'],
    ['a symbol', Symbol('x'), 'must be a string, but is Symbol(x)'],
  ]
  it.each(bad)('refuse a name that is %s, as builder() and workflow() do', (_, name, says) => {
    const makers: [string, (name: never) => unknown][] = [
      ['A data', (name) => data(name, type())],
      ['A service', (name) => service()(name)],
      ['A builder', (name) => builder({ ...good, name })],
      ['A workflow', (name) => workflow({ ...whole, name })],
    ]
    for (const [who, make] of makers) {
      expect(js(make, name)).toEqual([expect.stringContaining(`its name ${says}`)])
      expect(() => make(name as never)).toThrow(new RegExp(`^${who} has a problem:\n {2}- its name`))
      expect(() => make(name as never)).toThrow(GraphError)
    }
  })

  it('take any other text as a name', () => {
    const names = [
      '__proto__',
      'constructor',
      'toString',
      'then',
      `a 'b' "c"`,
      '</script>',
      '..',
      '注文',
      '👍🏽',
      ' x ',
      '1',
    ]
    for (const name of [...names, 'x'.repeat(200)]) {
      const token = dataSource()
      const one = builderOf({ name, consumes: ['Fed'], makes: name }, token, () => 'k')
      const two = builderOf({ name: 'end', consumes: [name], makes: 'End' }, token, () => 'then')
      const made: AnyWorkflow = compileBuilders([one, two], { name, target: 'End', resolve: { ['End']: 'end' } }, token)
      expect(made.plan.ranks).toEqual([[name], ['end']])
      expect(made.plan.producerOf(name)).toBe(name)
      expect(made.plan.upstreamOf(two)).toEqual([name])
      expect(JSON.parse(JSON.stringify(made.plan))).toMatchObject({ workflow: name, inputs: ['Fed'] })
    }
    expect({}).not.toHaveProperty('polluted')
  })

  it('resolve a data called __proto__', () => {
    const token = dataSource()
    const two = ['a', 'b'].map((name) => builderOf({ name, makes: '__proto__' }, token, () => 'k'))
    const resolve = JSON.parse('{"__proto__": "b"}') as Record<string, string>
    const made = compileBuilders(two, { target: '__proto__', resolve }, token)
    expect(made.plan.ranks).toEqual([['b']])
  })
})
