import { nothing, Polaris, waitFor, workflow } from 'polaris-workflow'
import type { InstanceQuery } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore } from '../support/media.ts'
import { failure, newLab, over, refusal, texts } from '../support/lab.ts'

function clockAt(start: number) {
  let time = start
  return { now: () => time, advance: (by: number) => void (time += by) }
}

eachStore((kind) => {
  describe('get', () => {
    it('shows the instance as it stands', async () => {
      const [A, X, B, C] = texts('A', 'X', 'B', 'C')
      const lab = newLab()
      const w = workflow({
        name: 'w',
        version: 4,
        builders: [lab.step('b', [A], B), lab.step('c', [B, X], C)],
        target: C,
      })
      const clock = clockAt(1000)
      const polaris = new Polaris({ store: kind.medium(clock.now).open(), clock }).register(w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'))
      const first = (await polaris.get('i'))!
      expect(first).toMatchObject({ id: 'i', workflow: 'w', version: 4, status: 'waiting', scopes: 1 })
      expect(first).toMatchObject({ createdAt: 1000, updatedAt: 1000, waitingFor: ['X'] })
      expect({ ...first.data }).toEqual({ A: 'a1', B: 'b(a1)' })
      expect(first.latest(B)).toBe('b(a1)')
      expect(first.latest(C)).toBeUndefined()
      expect(first).not.toHaveProperty('failure')
      expect(first).not.toHaveProperty('targetName')
      clock.advance(500)
      await run.sequential(w, 'i', X('x1'))
      const second = (await polaris.get('i'))!
      expect(second).toMatchObject({
        status: 'completed',
        scopes: 2,
        createdAt: 1000,
        updatedAt: 1500,
        targetName: 'C',
      })
      expect(second.revision).toBeGreaterThan(first.revision)
      // The first view is a picture.
      expect({ ...first.data }).toEqual({ A: 'a1', B: 'b(a1)' })
    })

    it('latest of data that the workflow does not have is DATA_UNKNOWN', async () => {
      const [A, B] = texts('A', 'B')
      const w = workflow({ name: 'w', builders: [newLab().step('b', [A], B)], target: B })
      const polaris = over(kind.medium().open(), w)
      await polaris.executor().sequential(w, 'i', A('a1'))
      const view = (await polaris.get('i'))!
      const [Namesake, Foreign] = texts('A', 'Foreign')
      expect(() => view.latest(Foreign)).toThrowError(expect.objectContaining({ code: 'DATA_UNKNOWN' }))
      expect(() => view.latest(Namesake)).toThrowError(expect.objectContaining({ code: 'DATA_UNKNOWN' }))
    })

    it('data named as members of Object are only data', async () => {
      const [Proto, Made] = texts('__proto__', 'constructor')
      const w = workflow({ name: 'toString', builders: [newLab().step('valueOf', [Proto], Made)], target: Made })
      const medium = kind.medium()
      const result = await over(medium.open(), w).executor().sequential(w, 'i', Proto('p'))
      expect(result.target).toBe('valueOf(p)')
      const view = (await over(medium.open(), w).get('i'))!
      expect(view.latest(Proto)).toBe('p')
      expect(Object.entries(view.data)).toEqual([
        ['__proto__', 'p'],
        ['constructor', 'valueOf(p)'],
      ])
      const { produced } = JSON.parse(JSON.stringify(result)) as { produced: object }
      expect(Object.entries(produced)).toEqual([['constructor', 'valueOf(p)']])
    })
  })

  describe('list', () => {
    it('pages through everything once, with every filter', async () => {
      const [A, B, X, Y] = texts('A', 'B', 'X', 'Y')
      const lab = newLab()
      const does = (made: string): string => {
        if (made === 'y(bad)') throw new Error('down')
        return made
      }
      const w = workflow({ name: 'w', builders: [lab.step('b', [A], B)], target: B })
      const w2 = workflow({ name: 'w', version: 2, builders: [lab.step('b', [A], B)], target: B })
      const v = workflow({ name: 'v', builders: [lab.step('y', [X], Y, { does })], target: Y })
      const clock = clockAt(0)
      const store = kind.medium(clock.now).open()
      const old = new Polaris({ store, clock }).register(w, v)
      const polaris = new Polaris({ store, clock }).register(w, w2, v)
      const all: string[] = []
      for (let i = 0; i < 30; i++) {
        // Three at a time have one moment, in reversed order of their ids.
        if (i % 3 === 0) clock.advance(10)
        const id = `id-${String(99 - i)}`
        all.push(id)
        if (i % 5 === 0) await failure(polaris.executor().sequential(v, id, X('bad')))
        else if (i % 5 === 1) await polaris.executor().sequential(v, id, X('fine'))
        else if (i % 5 === 2) await old.executor().sequential(w, id)
        else await polaris.executor().sequential(w, id, A('a'))
      }
      const order = all.map((id, i) => ({ id, i, at: 10 * (1 + Math.floor(i / 3)) }))
      order.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
      const pagesOf = async (query: InstanceQuery, limit: number): Promise<string[]> => {
        const found: string[] = []
        let cursor: string | undefined
        do {
          const page = await polaris.list({ ...query, limit, ...(cursor !== undefined && { cursor }) })
          expect(page.items.length).toBeLessThanOrEqual(limit)
          expect(cursor === undefined || page.items.length > 0).toBe(true)
          found.push(...page.items.map(({ id }) => id))
          cursor = page.next
        } while (cursor !== undefined)
        return found
      }
      const want = (match: (i: number, at: number) => boolean): string[] =>
        order.filter(({ i, at }) => match(i, at)).map(({ id }) => id)
      const isV = (i: number): boolean => i % 5 <= 1
      for (const limit of [1, 3, 7, 30, 1000]) {
        expect(await pagesOf({}, limit)).toEqual(want(() => true))
        expect(await pagesOf({ workflow: 'v' }, limit)).toEqual(want(isV))
        expect(await pagesOf({ workflow: 'w', version: 2 }, limit)).toEqual(want((i) => !isV(i) && i % 5 !== 2))
        expect(await pagesOf({ status: 'failed' }, limit)).toEqual(want((i) => i % 5 === 0))
        expect(await pagesOf({ status: ['failed', 'waiting'] }, limit)).toEqual(want((i) => i % 5 === 0 || i % 5 === 2))
        expect(await pagesOf({ status: [] }, limit)).toEqual([])
        expect(await pagesOf({ createdFrom: 30 }, limit)).toEqual(want((_, at) => at >= 30))
        expect(await pagesOf({ createdBefore: 30 }, limit)).toEqual(want((_, at) => at < 30))
        const both = { workflow: 'v', status: 'completed', createdFrom: 20, createdBefore: 80 } as const
        expect(await pagesOf(both, limit)).toEqual(want((i, at) => i % 5 === 1 && at >= 20 && at < 80))
        expect(await pagesOf({ workflow: 'nobody' }, limit)).toEqual([])
        expect(await pagesOf({ order: 'oldest' }, limit)).toEqual(want(() => true))
        const newest = await pagesOf({ ...both, order: 'newest' }, limit)
        expect(newest).toEqual(want((i, at) => i % 5 === 1 && at >= 20 && at < 80).reverse())
      }
      const [summary] = (await polaris.list({ limit: 1 })).items
      expect(summary).toEqual(
        expect.objectContaining({ workflow: expect.any(String), scopes: 1, createdAt: 10, updatedAt: 10 }),
      )
      expect(Object.keys(summary!).sort()).toEqual(
        ['createdAt', 'id', 'revision', 'scopes', 'status', 'updatedAt', 'version', 'workflow'].sort(),
      )
    })

    it('what comes and changes between two pages is neither shown twice nor left out', async () => {
      const [A, B] = texts('A', 'B')
      const w = workflow({ name: 'w', builders: [newLab().step('b', [A], B)], target: B })
      const clock = clockAt(0)
      const polaris = new Polaris({ store: kind.medium(clock.now).open(), clock }).register(w)
      const run = polaris.executor()
      for (const id of ['a', 'b', 'c', 'd']) {
        await run.sequential(w, id)
        clock.advance(1)
      }
      const first = await polaris.list({ limit: 2 })
      await run.sequential(w, 'a', A('a1'))
      await run.sequential(w, 'c', A('a1'))
      await run.sequential(w, 'e', A('a1'))
      const second = await polaris.list({ limit: 10, cursor: first.next! })
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd', 'e'])
    })
  })

  describe('history', () => {
    it('says who built what, when, from which inputs, and why not', async () => {
      const [A, X, B, C, T] = texts('A', 'X', 'B', 'C', 'T')
      const lab = newLab()
      const builders = [
        lab.step('b', [A], B, { optionals: [X] }),
        lab.step('c', [B], C, { does: (made, run) => (run === 1 ? nothing('not yet') : made) }),
        lab.step('t', [C, A], T, {
          accesses: [X],
          does(made, run) {
            if (run === 1) throw new RangeError('too far')
            return made
          },
        }),
      ]
      const w = workflow({ name: 'w', builders, target: T })
      const clock = clockAt(50)
      const polaris = new Polaris({ store: kind.medium(clock.now).open(), clock }).register(w)
      await polaris
        .executor()
        .with({ meta: { who: 'ada' } })
        .sequential(w, 'i', A('a1'))
      clock.advance(100)
      await failure(polaris.executor().sequential(w, 'i', X('x1')))
      await polaris.executor().resume(w, 'i')
      const history = await polaris.history('i')
      const brief = history.map((e) => [e.scope, e.outcome, e.builder ?? null, e.data ?? null, e.value ?? null])
      expect(brief).toEqual([
        [1, 'call', null, null, null],
        [1, 'fed', null, 'A', 'a1'],
        [1, 'produced', 'b', 'B', 'b(a1,-)'],
        [1, 'nothing', 'c', null, null],
        [2, 'fed', null, 'X', 'x1'],
        [2, 'produced', 'b', 'B', 'b(a1,x1)'],
        [2, 'produced', 'c', 'C', 'c(b(a1,x1))'],
        [2, 'failed', 't', null, null],
        [3, 'produced', 't', 'T', 't(c(b(a1,x1)),a1,x1)'],
      ])
      expect(history.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
      expect(history[0]?.meta).toEqual({ who: 'ada' })
      expect(history[2]?.inputs).toEqual([{ data: 'A', seq: 2 }])
      expect(history[3]).toMatchObject({ because: 'not yet', inputs: [{ data: 'B', seq: 3 }] })
      expect(history[5]?.inputs).toEqual([
        { data: 'A', seq: 2 },
        { data: 'X', seq: 5 },
      ])
      expect(history[7]?.error).toMatchObject({ name: 'RangeError', message: 'too far' })
      expect(history[8]?.inputs).toEqual([
        { data: 'C', seq: 7 },
        { data: 'A', seq: 2 },
        { data: 'X', seq: 5 },
      ])
      expect(history.map(({ startedAt }) => startedAt)).toEqual([50, 50, 50, 50, 150, 150, 150, 150, 150])
      // In pages, with the names of inputs from before.
      expect(await polaris.history('i', { after: 7 })).toEqual(history.slice(7))
      expect(await polaris.history('i', { after: 3, limit: 2 })).toEqual(history.slice(3, 5))
      expect(await polaris.history('i', { after: 9 })).toEqual([])
    })

    it('names inputs from far back, beyond a page', async () => {
      const [A, X, B] = texts('A', 'X', 'B')
      const w = workflow({ name: 'w', builders: [newLab().step('b', [A], B, { optionals: [X] })], target: B })
      const polaris = over(kind.medium().open(), w)
      await polaris.executor().sequential(w, 'i', A('a1'))
      for (let i = 0; i < 600; i++) await polaris.executor().sequential(w, 'i', X(`x${i}`))
      const [last] = await polaris.history('i', { after: 1201 })
      expect(last?.inputs).toEqual([
        { data: 'A', seq: 1 },
        { data: 'X', seq: 1201 },
      ])
      expect(await polaris.history('i')).toHaveLength(1000)
    })
  })

  describe('explain', () => {
    it('tells done, due, idle, lacking with providers, outdated, nothing and waitFor with their reasons', async () => {
      const [A, X, Y, Z, I] = texts('A', 'X', 'Y', 'Z', 'I')
      const [Done, Once, Empty, Waits, Bad, Due, Lack, Opt, T] = texts(
        ...(['Done', 'Once', 'Empty', 'Waits', 'Bad', 'Due', 'Lack', 'Opt', 'T'] as const),
      )
      const lab = newLab()
      const bad = (made: string, run: number): string => {
        if (run === 2) throw new Error('down')
        return made
      }
      const builders = [
        lab.step('done', [A], Done),
        lab.step('once', [A], Once, { once: true }),
        lab.step('empty', [A], Empty, { does: () => nothing('no luck') }),
        lab.step('waits', [A], Waits, { optionals: [I], does: () => waitFor(I, 'who?') }),
        lab.step('bad', [A], Bad, { does: bad }),
        lab.step('due', [Bad], Due),
        lab.step('lack', [Empty, X, Done], Lack, { accesses: [Y] }),
        lab.step('idle', [], Opt, { optionals: [Z] }),
        lab.step('t', [Lack, Due], T),
      ]
      const w = workflow({ name: 'w', builders, target: T })
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'))
      await failure(run.sequential(w, 'i', A('a2')))
      const explained = (await polaris.explain('i'))!
      expect(explained).toMatchObject({ id: 'i', workflow: 'w', version: 1, status: 'failed' })
      expect(explained).not.toHaveProperty('open')
      const of = (name: string) => explained.builders.find((each) => each.name === name)
      expect(explained.builders.map(({ name }) => name).sort()).toEqual(builders.map(({ name }) => name).sort())
      expect(of('done')).toEqual({ name: 'done', state: 'done', lacks: [], outdated: false })
      expect(of('once')).toEqual({ name: 'once', state: 'done', lacks: [], outdated: true })
      expect(of('empty')).toMatchObject({ state: 'nothing', because: 'no luck' })
      expect(of('waits')).toMatchObject({ state: 'waitFor', because: 'who?', awaits: 'I' })
      expect(of('bad')).toMatchObject({ state: 'failed', error: { message: 'down' }, lacks: [] })
      expect(of('due')?.state).toBe('done')
      expect(of('lack')).toMatchObject({ state: 'lacking' })
      expect(of('lack')?.lacks).toEqual([{ data: 'Empty', from: 'empty', because: 'no luck' }, { data: 'X' }])
      expect(of('idle')).toMatchObject({ state: 'idle', lacks: [] })
      expect(of('t')?.lacks).toEqual([{ data: 'Lack', from: 'lack' }])
      expect(explained.targets).toHaveLength(1)
      expect(explained.targets[0]).toMatchObject({ name: 'T', state: 'absent' })
      expect([...explained.waitingFor].sort()).toEqual(['Empty', 'X'])
      await run.resume(w, 'i')
      const after = (await polaris.explain('i'))!
      expect(after.status).toBe('waiting')
      expect(after.builders.find(({ name }) => name === 'bad')).toEqual({
        ...{ name: 'bad', state: 'done', lacks: [], outdated: false },
      })
    })

    it('of a version that is not registered here goes by the graph that is stored, and says so', async () => {
      const [A, B] = texts('A', 'B')
      const w = workflow({ name: 'w', builders: [newLab().step('b', [A], B)], target: B })
      const medium = kind.medium()
      await over(medium.open(), w).executor().sequential(w, 'i', A('a1'))
      const [X, Y] = texts('X', 'Y')
      const v = workflow({ name: 'v', builders: [newLab().step('y', [X], Y)], target: Y })
      const other = over(medium.open(), v)
      // What ends with the process has no graphs beside it.
      if (!kind.text) await refusal(other.explain('i'), 'WORKFLOW_NOT_FOUND')
      else {
        expect(await other.explain('i')).toMatchObject({
          ...{ workflow: 'w', version: 1, unserved: true, status: 'completed' },
          builders: [{ name: 'b', state: 'done' }],
        })
      }
      // Its data may be of a form that only its own code reads.
      await refusal(other.get('i'), 'WORKFLOW_NOT_FOUND')
      expect((await other.list()).items).toHaveLength(1)
      expect(await other.history('i')).toHaveLength(2)
    })
  })
})
