/** The reference itself against answers worked out by hand, so that it can be trusted where it and the engine differ. */
import { describe, expect, test } from 'vitest'
import { graphOf, isCyclic, unreachableIn } from './graph.ts'
import { after, empty, forkOf, mayStop, scopeOf } from './model.ts'
import type { Mode, Operation, Scope, State } from './model.ts'
import { answer, type WorkflowSpec } from './spec.ts'
import { dataSetOf, standingOf } from './status.ts'
import { b, w } from './words.ts'

/**
 * Plays calls, written `X Y` (fed with values that tell the call, or as `X=v`), `!restart` or `!rerun b`, and says per call who ran, pass
 * by pass.
 */
function play(spec: WorkflowSpec, calls: string[], mode: Mode = 'sequential') {
  const graph = graphOf(spec)
  let state: State = empty
  let scope: Scope | undefined
  const ran: string[] = []
  for (const [at, call] of calls.entries()) {
    const words = call.startsWith('!') ? [] : call.split(' ').filter((name) => name !== '')
    const delta = words.map((word) => {
      const [name = '', value = `${name}${at + 1}`] = word.split('=')
      return { name, value }
    })
    scope = scopeOf(graph, state, mode, delta, operationOf(call))
    ran.push(scope.passes.map((pass) => pass.runs.map((run) => run.builder + mark[run.outcome]!).join(' ')).join(' | '))
    state = after(graph, state, scope)
  }
  return { ran, state, graph, scope: scope!, dataSet: dataSetOf(graph, state), ...standingOf(graph, state) }
}

function operationOf(call: string): Operation | null {
  const [, kind, builder = ''] = /^!(\w+) ?(\w*)/.exec(call) ?? []
  return kind === 'restart' ? { kind } : kind === 'rerun' ? { kind, builder } : null
}

const mark: Record<string, string> = {
  fed: '',
  produced: '',
  same: '=',
  supplied: '+',
  nothing: '-',
  waitFor: '~',
  failed: '!',
}

const inputsTo = (scope: Scope, builder: string) =>
  scope.passes.flatMap((pass) => pass.runs).find((run) => run.builder === builder)?.inputs

describe('graph', () => {
  test('ranks are as early as possible, ties keep declaration order', () => {
    const graph = graphOf(w([b('B A? > C'), b('X > A'), b('A > B'), b('Y > D')], { target: 'C' }))
    expect(graph.order.map((it) => it.name)).toEqual(['a', 'd', 'b', 'c'])
    expect(unreachableIn(graph)).toEqual(['d'])
  })

  test('a knot is cut at its first-declared builder, again within what is left', () => {
    // a → b → c → a and b ⇄ c: into a is cut first, b ⇄ c is left, into b is cut then.
    const spec = w([b('C > A'), b('A C? > B'), b('B > C')], { loops: true })
    expect(isCyclic(spec)).toBe(true)
    const graph = graphOf(spec)
    expect(graph.cut.map((e) => e.from + e.to)).toEqual(['ca', 'cb'])
    expect(graph.order.map((it) => it.name)).toEqual(['a', 'b', 'c'])
  })

  test('edges into the first-declared of a knot from outside order as ever', () => {
    const graph = graphOf(w([b('S B? > A'), b('A > B'), b('X > S')], { loops: true, target: 'B' }))
    expect(graph.cut.map((e) => e.from + e.to)).toEqual(['ba'])
    expect(graph.order.map((it) => it.name)).toEqual(['s', 'a', 'b'])
  })
})

describe('scopes', () => {
  test('what can run, runs; the rest waits; feeding again renews what depends on it', () => {
    const spec = w([b('X > A'), b('A Y > B'), b('B > C')])
    const first = play(spec, ['X'])
    expect(first).toMatchObject({ ran: ['a'], status: 'waiting', waitingFor: ['Y'] })
    expect(play(spec, ['X', 'Y'])).toMatchObject({ ran: ['a', 'b c'], status: 'completed', targetName: 'C' })
    expect(play(spec, ['X', 'Y', 'Y']).ran[2]).toBe('b c')
    expect(play(spec, ['Y', 'X', '']).ran).toEqual(['', 'a b c', ''])
  })

  test('an optional made in the same scope is seen; one made later makes its reader run again', () => {
    const spec = w([b('X > O'), b('X O? > A')])
    const both = play(spec, ['X'])
    expect(both.ran).toEqual(['o a'])
    expect(inputsTo(both.scope, 'a')).toEqual({ X: 'X1', O: both.dataSet['O'] })
    expect(play(w([b('Y > O'), b('X O? > A')]), ['X', 'Y', 'O']).ran).toEqual(['a', 'o a', 'a'])
  })

  test('a source runs in the first scope only', () => {
    expect(play(w([b(' > S'), b('S X > A')]), ['', 'X', '']).ran).toEqual(['s', 'a', ''])
    expect(play(w([b(' > S', { throwsFirst: 1 }), b('S > A')]), ['', '']).ran).toEqual(['s!', 's a'])
    expect(play(w([b(' > S', { nothing: 1 }), b('S > A')]), ['', ''])).toMatchObject({
      ran: ['s-', ''],
      waitingFor: ['S'],
    })
  })

  test('once: not again after it has produced, and what comes after it counts as renewed', () => {
    const spec = w([b('X > A'), b('A > P', { once: true }), b('P Y? > R')])
    expect(play(spec, ['X', 'X', 'Y'])).toMatchObject({ ran: ['a p r', 'a', 'r'], status: 'completed' })
    const twice = w([b('X > P', { once: true, nothing: 1 })])
    expect(play(twice, ['X', 'X'])).toMatchObject({ ran: ['p-', 'p-'], waitingFor: ['P'] })
  })

  test('accesses neither trigger nor order: the pass start counts, and ancestors', () => {
    // z is declared before a, so that a careless evaluator would show a the new Z.
    const spec = w([b('X > Z'), b('X > P'), b('P (Z) (P) (X) > A')], { target: 'A' })
    const again = play(spec, ['X', 'X'])
    const once = play(spec, ['X'])
    expect(again.ran).toEqual(['z p a', 'z p a'])
    expect(inputsTo(once.scope, 'a')).toEqual({ P: once.dataSet['P'], X: 'X1' })
    expect(inputsTo(again.scope, 'a')).toEqual({ P: again.dataSet['P'], X: 'X2', Z: once.dataSet['Z'] })
    expect(again.scope.seen.accessHeldBack).toBe(true)
    // Its own product, as it stood.
    const own = w([b('X (A) > A')])
    expect(inputsTo(play(own, ['X', 'X']).scope, 'a')).toEqual({ X: 'X2', A: play(own, ['X']).dataSet['A'] })
    expect(play(w([b('X (Y) > A')]), ['X', 'Y']).ran).toEqual(['a', ''])
  })

  test('what is fed is renewed by its producer where that runs too', () => {
    const spec = w([b('X > A'), b('A > B')])
    expect(inputsTo(play(spec, ['X A']).scope, 'b')!['A']).toMatch(/^A:/)
    expect(inputsTo(play(spec, ['A']).scope, 'b')).toEqual({ A: 'A1' })
    expect(inputsTo(play(w([b('X > A', { nothing: 1 }), b('A > B')]), ['X A']).scope, 'b')).toEqual({ A: 'A1' })
  })
})

describe('transients', () => {
  test('are made again for a reader that lacks them, which wakes nobody else', () => {
    const spec = w([b('X > T'), b('T Y > A'), b('T Z? > B')], { transients: ['T'], target: 'A' })
    expect(play(spec, ['X', 'Y'])).toMatchObject({ ran: ['t b', 't+ a'], status: 'completed' })
    expect(play(spec, ['X', 'Y', 'Z Y']).ran[2]).toBe('t+ a b')
    expect(play(spec, ['X', '']).dataSet).not.toHaveProperty('T')
  })

  test('are made again through one another, and not for a reader that lacks something else', () => {
    const spec = w([b('X > S'), b('S > T'), b('Z T Y > A')], { transients: ['S', 'T'] })
    expect(play(spec, ['X', 'Z Y'])).toMatchObject({ ran: ['s t', 's+ t+ a'] })
    expect(play(spec, ['X', 'Y'])).toMatchObject({ ran: ['s t', ''], waitingFor: ['Z'] })
  })

  test('fed ones are gone after their scope', () => {
    const spec = w([b('T Y > A')], { transients: ['T'] })
    expect(play(spec, ['T', 'Y'])).toMatchObject({ ran: ['', ''], waitingFor: ['T'] })
    expect(play(spec, ['T Y'])).toMatchObject({ ran: ['a'], status: 'completed' })
  })

  test('are not shown to accesses where they were only made again', () => {
    const spec = w([b('X > T'), b('T Y > A'), b('A (T) > B')], { transients: ['T'] })
    const { scope, ran } = play(spec, ['X', 'Y'])
    expect(ran).toEqual(['t', 't+ a b'])
    expect(inputsTo(scope, 'b')).not.toHaveProperty('T')
    expect(inputsTo(play(spec, ['X Y']).scope, 'b')).toHaveProperty('T')
  })
})

describe('loops', () => {
  test('a product that reaches back is seen in the next pass only', () => {
    const spec = w([b('X B? > A'), b('A Y > B'), b('B > C')], { loops: true })
    expect(play(spec, ['X'])).toMatchObject({ ran: ['a | '], waitingFor: ['Y'] })
    // a had not run in the second scope when b reached back to it; the target ended the passes before it could.
    expect(play(spec, ['X', 'Y']).ran[1]).toBe('b c')
    const open = w([b('X B? > A'), b('A Y > B'), b('B Z > C')], { loops: true })
    const { ran, scope, state } = play(open, ['X', 'Y'])
    expect(ran[1]).toBe('b | a | ')
    expect(inputsTo(scope, 'a')).toMatchObject({ X: 'X1', B: expect.stringMatching(/^B:/) as string })
    // b was reached again by a, but had run: neither active nor due later.
    expect(after(graphOf(open), state, scopeOf(graphOf(open), state, 'parallel', [])).events).toHaveLength(5)
  })

  test('transients are not active in the next pass and are not something new', () => {
    const spec = w([b('X T? > A'), b('A > T'), b('A Y > C')], { loops: true, transients: ['T'] })
    expect(play(spec, ['X'])).toMatchObject({ ran: ['a t | '] })
  })
})

describe('failure', () => {
  test('in sequence nothing follows; later everything due runs', () => {
    const spec = w([b('X > A'), b('X > B', { throwsFirst: 1 }), b('A > C'), b('B C > D')])
    const failed = play(spec, ['X'])
    expect(failed).toMatchObject({ ran: ['a b!'], status: 'failed' })
    expect(play(spec, ['X', ''])).toMatchObject({ ran: ['a b!', 'b c d'], status: 'completed' })
    expect(play(spec, ['X', 'X']).ran[1]).toBe('a b c d')
  })

  test('in parallel whoever need not wait for the one that threw may have run, or not', () => {
    const spec = w([b('X > A'), b('X > B', { throwsFirst: 1 }), b('A > C'), b('B C > D'), b('B? Y > E'), b('E? X > F')])
    const graph = graphOf(spec)
    const pass = scopeOf(graph, empty, 'parallel', [{ name: 'X', value: '1' }]).passes[0]!
    // e cannot run without Y, so f does not wait for it.
    expect(pass.runs.map((run) => run.builder)).toEqual(['a', 'b', 'c', 'f'])
    expect(mayStop(graph, pass, new Set(['b']))).toBe(true)
    expect(mayStop(graph, pass, new Set(['b', 'a', 'f']))).toBe(true)
    expect(mayStop(graph, pass, new Set(['b', 'c']))).toBe(false)
    expect(mayStop(graph, pass, new Set(['a', 'c']))).toBe(false)
    expect(mayStop(graph, pass, new Set(['b', 'd']))).toBe(false)
  })
})

describe('products that are not what they would be', () => {
  test('with cutoff one that equals the one before wakes nobody, and answers for what came from above', () => {
    const spec = w([b('X > A', { cutoff: true }), b('A Y? > B')])
    expect(play(spec, ['X=v', 'X=v', 'Y', 'X=w'])).toMatchObject({
      ran: ['a b', 'a=', 'b', 'a b'],
      status: 'completed',
    })
    // Fed by hand it stands as well, and what is gone is not there to be equal.
    const by = play(spec, ['X=v']).dataSet['A']
    expect(play(spec, [`A=${by}`, 'X=v']).ran).toEqual(['b', 'a='])
    expect(play(spec, ['X=v', '!restart']).ran[1]).toBe('a b')
    const target = w([b('X B? > A'), b('A > B', { cutoff: true })], { loops: true, target: 'B' })
    expect(play(target, ['X']).ran).toEqual(['a b'])
  })

  test('a fallback stands in for a throw, and nothing else is to be seen of that', () => {
    const spec = w([b('X > A', { throwsFirst: 1, fallback: true }), b('A > B')])
    const { ran, status, dataSet } = play(spec, ['X'])
    expect([ran, status]).toEqual([['a b'], 'completed'])
    expect(dataSet['A']).toMatch(/^A instead:/)
    expect(play(spec, ['X', 'X']).dataSet['A']).toMatch(/^A:/)
    expect(play(w([b('X > A', { nothing: 1, fallback: true })]), ['X']).ran).toEqual(['a-'])
  })
})

describe('second thoughts', () => {
  test('a restart begins again from the newest fed data, with sources and once builders', () => {
    const spec = w([b(' > S'), b('X > A', { once: true }), b('A S > B')])
    expect(play(spec, ['X', 'X', '!restart', 'X'])).toMatchObject({
      ran: ['s a b', '', 's a b', ''],
      status: 'completed',
    })
    // Fed before a product replaced it, it counts again; a product that nothing makes any more is gone.
    const open = w([b('X Y? > A', { throwsAt: 1 }), b('A > B')])
    const back = play(open, ['A X', '!restart'])
    expect(back).toMatchObject({ ran: ['a b', 'a!'], status: 'failed', dataSet: { X: 'X1', A: 'A1' } })
    expect(play(open, ['A X', '!restart', '']).ran[2]).toBe('a b')
  })

  test('a rerun runs a builder and what depends on it, but for once builders that it does not name', () => {
    const spec = w([b('X > A'), b('A > P', { once: true }), b('P Y? > R'), b('X > Q')], { target: 'R' })
    expect(play(spec, ['X', '!rerun a', '!rerun p', 'X'])).toMatchObject({
      ran: ['a q p r', 'a r', 'p r', 'a q'],
      status: 'completed',
    })
    const declined = w([b('X > P', { once: true, nothing: 1 })])
    expect(play(declined, ['X', '!rerun p', 'X']).ran).toEqual(['p-', 'p-', 'p-'])
    const thrown = w([b('X > A', { throwsAt: 1 }), b('A > B')])
    expect(play(thrown, ['X', '!rerun a', '']).ran).toEqual(['a b', 'a!', 'a b'])
  })

  test('a fork has due what was due then', () => {
    const spec = w([b('X > A'), b('A > B', { throwsFirst: 1 })])
    const graph = graphOf(spec)
    const { state } = play(spec, ['X', ''])
    const failed = play(spec, ['X']).state
    const ran = (count: number) => {
      const copy = forkOf([failed, state], state.events, count)
      const scope = scopeOf(graph, copy, 'parallel', [])
      return [copy.failed, scope.passes[0]!.runs.map((run) => run.builder).join(' ')]
    }
    expect([1, 2, 3, 4].map(ran)).toEqual([
      [true, 'a b'],
      [true, 'b'],
      [true, 'b'],
      [false, ''],
    ])
  })
})

describe('what is waited for', () => {
  test('a target that a builder upstream no longer stands for is stale', () => {
    const first = [b('X > A', { nothing: 2 }), b('A > B')]
    const seed = ['X', 'X', 'X', 'X', 'X', 'X'].findIndex(
      (x, at) => at > 0 && answer(first[0]!, { X: `${x}${at + 1}` }, 0).outcome === 'nothing',
    )
    const calls = [...Array<string>(seed).fill('X'), 'X']
    expect(play(w(first), calls)).toMatchObject({ status: 'waiting', waitingFor: ['A'] })
    expect(play(w([first[0]!, b('A? Y > B')]), ['Y', ...calls.slice(1)])).toMatchObject({ status: 'completed' })
  })

  test('nothing along an optional edge has answered for what came above it', () => {
    const spec = w([b('X > A'), b('A > N', { nothing: 1 }), b('N? Y > B')])
    expect(play(spec, ['Y', 'X'])).toMatchObject({ ran: ['b', 'a n-'], status: 'completed' })
  })

  test('waitFor names what was asked for, and makes stale along every edge', () => {
    const spec = w([b('X > A', { waitFor: 1 }), b('A? Y > B')])
    expect(play(spec, ['Y', 'X'])).toMatchObject({ ran: ['b', 'a~'], status: 'waiting', waitingFor: ['X'] })
    expect(play(spec, ['Y', 'X', 'B'])).toMatchObject({ status: 'completed', targetName: 'B' })
  })

  test('several targets: the first there and not stale completes; what is lacking is their union', () => {
    const spec = w([b('X > A'), b('Y > B')], { targets: ['A', 'B'] })
    expect(play(spec, [''])).toMatchObject({ status: 'waiting', waitingFor: ['X', 'Y'] })
    expect(play(spec, ['Y'])).toMatchObject({ status: 'completed', targetName: 'B' })
    expect(play(spec, ['Y', 'X'])).toMatchObject({ status: 'completed', targetName: 'A' })
  })
})
