import type { Header, PlanJson } from 'polaris-workflow'
import { builder, data, type, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { checkAnswer } from '../../src/cli/api/api.ts'
import type { Api } from '../../src/cli/api/api.ts'
import { follow } from '../../src/cli/api/events.ts'
import { Unreachable } from '../../src/cli/api/remote.ts'
import type { BuilderState, Entry, Explanation, Summary } from '../../src/cli/api/views.ts'
import { countWork } from '../../src/cli/doctor/lease-count.ts'
import { standingOf } from '../../src/cli/draw/states.ts'
import { paint } from '../../src/cli/term/text.ts'
import { frameOf } from '../../src/cli/watch/frame.ts'
import { newMemory } from '../../src/cli/watch/memory.ts'

const text = (name: string) => data(name, type<string>())
const [In, A, B, C] = [text('In'), text('A'), text('B'), text('C')]
const part = (name: string, from: typeof In, produces: typeof In) =>
  builder({ name, consumes: { x: from }, produces, process: ({ x }) => x })
const plan: PlanJson = workflow({
  name: 'flow',
  builders: [part('a', In, A), part('b', In, B), part('c', A, C)],
  target: C,
}).plan.toJSON()

const summary: Summary = {
  ...{ id: 'i', workflow: 'flow', version: 1, status: 'running', scopes: 1, revision: 1 },
  ...{ createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:00:00.000Z' },
}
const builderIs = (name: string, state: BuilderState['state'], lacks: string[] = []): BuilderState => {
  return { name, state, outdated: false, lacks: lacks.map((each) => ({ data: each })) }
}
const explained = (builders: BuilderState[], more: Partial<Explanation> = {}): Explanation => {
  return { ...summary, waitingFor: [], targets: [], builders, ...more }
}
const entry = (seq: number, more: Partial<Entry>): Entry => {
  const at = new Date(Date.UTC(2026, 0, 1, 0, 0, seq)).toISOString()
  return { seq, scope: 1, pass: 1, outcome: 'produced', inputs: [], startedAt: at, endedAt: at, ...more }
}

describe('how a builder stands', () => {
  const signs = (explanation: Explanation): string[] => {
    const { stateOf } = standingOf({ plan, explanation, entries: [], now: 0, spinner: '◐' })
    return ['a', 'b', 'c'].map((name) => stateOf({ kind: 'builder', name, takes: [], makes: '' }).sign)
  }
  const due = [builderIs('a', 'due'), builderIs('b', 'due'), builderIs('c', 'due')]
  const open = { scope: 1, pass: 1 }

  it('runs while a scope is open, unless something before it is due too', () => {
    expect(signs(explained(due, { open: { ...open, mode: 'parallel' } }))).toEqual(['◐', '◐', '▸'])
    expect(signs(explained(due, { open: { ...open, mode: 'sequential' } }))).toEqual(['◐', '▸', '▸'])
    expect(signs(explained(due, { status: 'failed' }))).toEqual(['▸', '▸', '▸'])
    const after = [builderIs('a', 'done'), builderIs('b', 'lacking', ['In']), builderIs('c', 'due')]
    expect(signs(explained(after, { open: { ...open, mode: 'parallel' } }))).toEqual(['✔', '·', '◐'])
  })

  it('has a sign for each state', () => {
    const states = ['nothing', 'waitFor', 'settled', 'failed', 'retrying', 'idle'] as const
    const shown = states.map((state) => signs(explained([builderIs('a', state)]))[0])
    expect(shown).toEqual(['∅', '?', '✘', '✘', '↻', '·'])
  })
})

describe('the picture of an instance', () => {
  const chain = Array.from({ length: 30 }, (_, i) => text(`D${i}`))
  const builders = chain.map((made, i) => part(`b${i}`, chain[i - 1] ?? In, made))
  const long = workflow({ name: 'long', builders, target: chain[29] as typeof In }).plan.toJSON()
  const states = builders.map(({ name }, i) =>
    builderIs(name, i < 20 ? 'done' : i === 20 ? 'due' : 'lacking', ['x'].slice(i < 21 ? 1 : 0)),
  )
  const tail = Array.from({ length: 12 }, (_, i) => entry(i + 1, { builder: `b${i}`, data: `D${i}` }))
  const scene = {
    ...{ plan: long, summary, newest: tail, tail, where: 'the store x.db' },
    explanation: explained(states, { open: { scope: 1, pass: 1, mode: 'parallel' } }),
  }
  const drawn = (columns: number, rows: number): string[] =>
    frameOf(scene, { columns, rows }, Date.UTC(2026, 0, 1)).map((each) => paint(each, false))

  it.each([12, 14, 24, 30])('fits into %i rows, with what runs in sight', (rows) => {
    const lines = drawn(80, rows)
    expect(lines.length).toBeLessThan(rows)
    if (rows >= 14) expect(lines.join('\n')).toMatch(/b20 +runs/)
    expect(lines.join('\n')).toMatch(/⋮ \d+ rows above, \d+ builders done/)
    expect(lines.join('\n')).toContain('b11 → D11')
    expect(lines.every((each) => [...each].length <= 80)).toBe(true)
  })

  it('shows all of it where there is room', () => {
    const lines = drawn(80, 60).join('\n')
    expect(lines).not.toContain('⋮')
    expect(lines).toMatch(/b0 +→ D0[\s\S]*b29 +lacks x/)
  })

  it('does without lanes where they would leave no room for words', () => {
    const wide = Array.from({ length: 40 }, (_, i) => text(`W${i}`))
    const join = builder({
      name: 'join',
      consumes: Object.fromEntries(wide.map((each) => [each.name, each])),
      produces: C,
      process: () => '',
    })
    const flow = workflow({ name: 'wide', builders: [join], target: C }).plan.toJSON()
    const lines = frameOf({ ...scene, plan: flow }, { columns: 80, rows: 60 }, 0).map((each) => paint(each, false))
    expect(lines.join('\n')).not.toMatch(/[├╭╰]/)
    expect(lines.join('\n')).toMatch(/\n○ W0 +not fed\n/)
  })
})

describe('what a viewer keeps', () => {
  it('is the newest of each, and begins anew with another instance of the same id', () => {
    const memory = newMemory()
    memory.take({
      instance: summary,
      entries: [entry(1, { data: 'In', outcome: 'fed' }), entry(2, { builder: 'a', data: 'A' })],
    })
    memory.take({ instance: summary, entries: [entry(3, { builder: 'a', data: 'A' })] })
    expect(memory.newest().map(({ seq }) => seq)).toEqual([1, 3])
    expect(memory.tail.map(({ seq }) => seq)).toEqual([1, 2, 3])
    memory.take({
      instance: { ...summary, createdAt: '2026-02-01T00:00:00.000Z' },
      entries: [entry(1, { data: 'In' })],
    })
    expect(memory.tail.map(({ seq }) => seq)).toEqual([1])
    for (let i = 2; i < 400; i++)
      memory.take({
        instance: { ...summary, createdAt: '2026-02-01T00:00:00.000Z' },
        entries: [entry(i, { builder: `b${i % 3}` })],
      })
    expect([memory.newest().length, memory.tail.length]).toEqual([4, 200])
  })
})

describe('who follows an instance', () => {
  const change = (seq: number): string =>
    `event: change\nid: ${seq}\ndata: ${JSON.stringify({ instance: summary, entries: [entry(seq, { data: 'In' })] })}\n\n`
  const problem = (status: number, code: string): Response => Response.json({ code, detail: code }, { status })

  /** Answers one after the other, and notes from where on was asked. */
  const service = (answers: (() => Response)[], asked: unknown[]): Api => ({
    where: 'here',
    async send(_method, _path, { query } = {}) {
      asked.push(query?.['after'])
      const answer = answers.shift()
      if (answer === undefined) throw new Unreachable('http://x', new Error('away'))
      return checkAnswer(answer())
    },
    close: async () => undefined,
  })

  it('goes on where it was after the service was away, waits for an instance to begin, and ends when it is gone', async () => {
    const asked: unknown[] = []
    const away = (): Response => {
      throw new Unreachable('http://x', new Error('away'))
    }
    const api = service(
      [
        () => problem(404, 'INSTANCE_NOT_FOUND'),
        () => new Response(`retry: 2000\n\n${change(1)}${change(2)}`),
        away,
        () => new Response(`:\n\n${change(3)}event: gone\ndata: {}\n\n`),
      ],
      asked,
    )
    const pauses: unknown[] = []
    const seen: (number | undefined)[] = []
    const { signal } = new AbortController()
    for await (const { entries } of follow(api, 'i', { signal, onPause: (why) => pauses.push(why) })) {
      seen.push(entries[0]?.seq)
    }
    expect(seen).toEqual([1, 2, 3])
    expect(asked).toEqual([0, 0, 2, 2])
    expect(pauses).toEqual(['absent', undefined, 'unreachable', undefined])
  })

  it('ends when an instance that it knew is deleted, with the signal, and with what the service refuses', async () => {
    const all = async (answers: (() => Response)[], signal: AbortSignal): Promise<number> => {
      let count = 0
      for await (const _ of follow(service(answers, []), 'i', { signal })) count++
      return count
    }
    const never = new AbortController().signal
    expect(await all([() => new Response(change(1)), () => problem(404, 'INSTANCE_NOT_FOUND')], never)).toBe(1)
    expect(await all([], AbortSignal.abort())).toBe(0)
    expect(await all([], AbortSignal.timeout(50))).toBe(0)
    await expect(all([() => problem(403, 'FORBIDDEN')], never)).rejects.toThrow('FORBIDDEN')
  })
})

describe('who works on instances', () => {
  it('is told from their headers', () => {
    const counter = countWork(100_000, new Set(['w 1']))
    const header = (id: string, more: Partial<Header>): Header =>
      ({ id, workflow: 'w', version: 1, status: 'waiting', holder: null, wakeAt: null, ...more }) as Header
    counter.take(header('rests', {}))
    counter.take(header('held', { status: 'running', holder: 'p', wakeAt: 100_001 }))
    counter.take(header('left', { status: 'running', holder: 'p', wakeAt: 99_999 }))
    counter.take(header('due', { status: 'retrying', wakeAt: 94_999 }))
    counter.take(header('due since a moment', { wakeAt: 95_000 }))
    counter.take(header('later', { wakeAt: 200_000, version: 2 }))
    expect(counter.result()).toEqual({
      ...{ held: ['held'], expired: ['left'], overdue: ['due'], unserved: new Map([['w 2', 1]]) },
      statuses: new Map([
        ['waiting', 3],
        ['running', 2],
        ['retrying', 1],
      ]),
    })
  })
})
