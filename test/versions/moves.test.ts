import { data, step, type, workflow } from 'polaris-workflow'
import type { AnyWorkflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eachStore, strictMemory } from '../support/media.ts'
import { dataOf, failure, newLab, over, refusal, texts, thrown } from '../support/lab.ts'
import type { Lab, Step, Text } from '../support/lab.ts'

const upgrade = { policy: 'upgrade', version: 2 } as const

/** What runs an instance begun on one version and taken on by the next. */
async function twoVersions(
  older: AnyWorkflow,
  newer: AnyWorkflow,
  before: readonly { readonly name: string; readonly value: unknown }[],
  after: readonly { readonly name: string; readonly value: unknown }[] = [],
) {
  const medium = strictMemory.medium()
  await over(medium.open(), older)
    .executor()
    .sequential('w', 'i', ...before)
  const polaris = over(medium.open(), older, newer)
  const preview = await polaris.preview('i')
  const result = await polaris.executor().sequential('w', 'i', ...after)
  return { polaris, preview, result, again: over(medium.open(), older, newer) }
}

describe('an instance that moves to a newer version', () => {
  eachStore((kind) => {
    it('keeps its products where nothing is different about their builders, and runs what is new', async () => {
      const [A, B, C, D] = texts('A', 'B', 'C', 'D')
      const lab = newLab()
      const [b, c, d] = [lab.step('b', [A], B), lab.step('c', [B], C), lab.step('d', [B, C], D)]
      const one = workflow({ name: 'w', builders: [b, c], target: C })
      const two = workflow({ ...upgrade, name: 'w', builders: [b, c, d], target: D })
      const medium = kind.medium()
      await over(medium.open(), one).executor().sequential(one, 'i', A('a1'))
      lab.look()
      const polaris = over(medium.open(), one, two)
      const result = await polaris.executor().resume(two, 'i')
      expect(lab.look()).toEqual(['d'])
      expect(result).toMatchObject({ version: 2, status: 'completed', target: 'd(b(a1),c(b(a1)))', scope: 2 })
      expect(await polaris.summary('i')).toMatchObject({ version: 2 })
      const again = over(medium.open(), one, two)
      expect(await again.executor().resume(two, 'i')).toMatchObject({ version: 2, status: 'completed' })
      expect(lab.look()).toEqual([])
    })

    it('tells it in its history, and finds itself there after a crash', async () => {
      const [A, B, Old, New, C] = texts('A', 'B', 'Old', 'New', 'C')
      const lab = newLab()
      const b = lab.step('b', [A], B)
      const one = workflow({ name: 'w', builders: [b, lab.step('c', [B, Old], C)], target: C })
      const two = workflow({
        ...{ ...upgrade, name: 'w', target: C },
        builders: [b, lab.step('c', [B, New], C)],
        migrate: { from: one, data: { Old: 'New' } },
      })
      const medium = kind.medium()
      await over(medium.open(), one).executor().sequential(one, 'i', Old('o1'))
      const polaris = over(medium.open(), one, two)
      expect(await polaris.executor().sequential(two, 'i', A('a1'))).toMatchObject({ target: 'c(b(a1),o1)' })
      const history = await over(medium.open(), one, two).history('i')
      expect(history.map(({ outcome, data: name, value }) => [outcome, name, value])).toEqual([
        ['fed', 'Old', 'o1'],
        ['migrated', undefined, undefined],
        ['migrated', 'New', 'o1'],
        ['fed', 'A', 'a1'],
        ['produced', 'B', 'b(a1)'],
        ['produced', 'C', 'c(b(a1),o1)'],
      ])
      expect(history[1]?.move).toMatchObject({ from: { version: 1 }, to: { version: 2 }, steps: ['Old → New'] })
      expect(await dataOf(over(medium.open(), one, two), 'i')).toEqual({
        ...{ A: 'a1', B: 'b(a1)', New: 'o1', C: 'c(b(a1),o1)' },
      })
    })
  })

  const [A, B, C, D, X, Y] = texts('A', 'B', 'C', 'D', 'X', 'Y')
  const one = (lab: Lab) =>
    workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [B, X], C)], target: C })

  it('stays where its newer version pins the older ones', async () => {
    const lab = newLab()
    const pinned = workflow({
      name: 'w',
      version: 2,
      builders: [lab.step('b', [A], B), lab.step('d', [B], D)],
      target: D,
    })
    const { result } = await twoVersions(one(lab), pinned, [A('a1')], [X('x1')])
    expect(result).toMatchObject({ version: 1, target: 'c(b(a1),x1)' })
  })

  it('runs a builder again whose version was raised, and nothing before it', async () => {
    const lab = newLab()
    const b = lab.step('b', [A], B)
    const older = workflow({ name: 'w', builders: [b, lab.step('c', [B], C), lab.step('d', [C], D)], target: D })
    const newer = workflow({
      ...{ ...upgrade, name: 'w', target: D },
      builders: [b, versioned(lab, 'c', [B], C, 2), lab.step('d', [C], D)],
    })
    const { preview, result } = await twoVersions(older, newer, [A('a1')])
    expect(preview).toMatchObject({ possible: true, due: ['c'], wouldRun: ['c', 'd'], status: 'waiting' })
    expect(lab.look()).toEqual(['b', 'c', 'd', 'c', 'd'])
    expect(result).toMatchObject({ version: 2, status: 'completed' })
  })

  it('runs no once builder again that has made its product, be it new, different or called otherwise', async () => {
    const lab = newLab()
    const charge = (name: string, reads: readonly Text[], version = 1): Step =>
      versioned(lab, name, reads, B, version, true)
    const rest = lab.step('c', [B, X], C)
    const older = workflow({ name: 'w', builders: [charge('charge', [A]), rest], target: C })
    for (const newest of [charge('charge', [A], 2), charge('charge', [A, Y]), charge('pay', [A])]) {
      const newer = workflow({ ...upgrade, name: 'w', builders: [newest, rest], target: C })
      const reads = newest.consumes['Y'] === undefined ? [] : [Y('y1')]
      const { preview, result } = await twoVersions(older, newer, [A('a1')], [X('x1'), ...reads])
      expect(preview).toMatchObject({ possible: true, due: [] })
      expect(lab.look()).toEqual(['charge', 'c'])
      expect(result.status).toBe('completed')
    }
  })

  it('does not move where a once builder would run a second time', async () => {
    const lab = newLab()
    const older = workflow({
      name: 'w',
      builders: [versioned(lab, 'pay', [A], B, 1, true), lab.step('c', [X, B], C)],
      target: C,
    })
    const builders = [versioned(lab, 'pay', [A], D, 1, true), lab.step('c', [X, D], C)]
    const newer = workflow({ ...upgrade, name: 'w', builders, target: C, migrate: { from: 1, data: { B: null } } })
    const { preview, result } = await twoVersions(older, newer, [A('a1')], [X('x1')])
    expect(preview).toMatchObject({ possible: false, because: [{ reason: 'once', name: 'pay' }] })
    expect(result).toMatchObject({ version: 1, status: 'completed' })
    const renamed = workflow({ ...upgrade, name: 'w', builders, target: C, migrate: { from: 1, data: { B: 'D' } } })
    lab.look()
    const second = await twoVersions(older, renamed, [A('a1')], [X('x1')])
    expect(second.preview).toMatchObject({ possible: true, due: [], data: { A: 'a1', D: 'pay(a1)' } })
    expect(second.result).toMatchObject({ version: 2, target: 'c(x1,pay(a1))' })
    const other = workflow({
      ...{ ...upgrade, name: 'w', builders, target: C },
      migrate: { from: 1, data: { B: null }, builders: { pay: null } },
    })
    expect((await twoVersions(older, other, [A('a1')])).preview).toMatchObject({ possible: true, due: ['pay'] })
  })

  it('does not move where a datum would vanish without being named', async () => {
    const lab = newLab()
    const newer = workflow({ ...upgrade, name: 'w', builders: [lab.step('c', [X], C)], target: C })
    const { preview, result } = await twoVersions(one(lab), newer, [A('a1')], [X('x1')])
    expect(preview).toMatchObject({ possible: false })
    expect(preview?.possible === false && preview.because.map(({ reason, name }) => [reason, name])).toEqual([
      ['forgotten', 'A'],
      ['forgotten', 'B'],
    ])
    expect(result.version).toBe(1)
    const named = workflow({
      ...{ ...upgrade, name: 'w', builders: [lab.step('c', [X], C)], target: C },
      migrate: { from: 1, data: { A: null, B: null } },
    })
    const moved = await twoVersions(one(lab), named, [A('a1')], [X('x1')])
    expect(moved.preview).toMatchObject({ possible: true, dropped: ['A', 'B'], data: {} })
    expect(moved.result).toMatchObject({ version: 2, target: 'c(x1)' })
  })

  it('does not move where nobody makes any more what it lacks', async () => {
    const lab = newLab()
    const builders = [lab.step('c', [B, X], C)]
    const newer = (migrate: object) =>
      workflow({ ...upgrade, name: 'w', builders, target: C, ...migrate } as never) as AnyWorkflow
    const lost = await twoVersions(one(lab), newer({ migrate: { from: 1, data: { A: null } } }), [X('x1')])
    expect(lost.preview).toMatchObject({ possible: false, because: [{ reason: 'no-producer', name: 'B' }] })
    const fed = await twoVersions(
      one(lab),
      newer({ migrate: { from: 1, data: { A: null }, feeds: [B] } }),
      [X('x1')],
      [B('b1')],
    )
    expect(fed.preview).toMatchObject({ possible: true, waitingFor: ['B'] })
    expect(fed.result).toMatchObject({ version: 2, target: 'c(b1,x1)' })
    // It has been made before: nothing lacks.
    const made = await twoVersions(one(lab), newer({ migrate: { from: 1, data: { A: null } } }), [A('a1')], [X('x1')])
    expect(made.result).toMatchObject({ version: 2, target: 'c(b(a1),x1)' })
  })

  it('takes the steps of its data, each checked', async () => {
    const lab = newLab()
    const v1 = z.string()
    const v2 = z.object({ text: z.string().min(2) })
    const In1 = data('In', v1)
    const In2 = data('In', v2, {
      version: 2,
      from: { 1: step(v1, (text) => ({ text })) },
      down: { 1: ({ text }) => text },
    })
    const Out = data('Out', type<string>())
    const shown = (name: string, In: unknown, X: Text) =>
      lab.step(name, [In as Text, X], Out, {
        does: (_, __, input) => JSON.stringify(Object.values(input)),
      })
    const older = workflow({ name: 'w', builders: [shown('out', In1, X)], target: Out })
    const newer = workflow({ ...upgrade, name: 'w', builders: [shown('out', In2, X)], target: Out })
    const { preview, result, polaris } = await twoVersions(older, newer, [In1('ab')], [X('x1')])
    expect(preview).toMatchObject({ possible: true, steps: ['In 1 → 2'], data: { In: { text: 'ab' } } })
    expect(result).toMatchObject({ version: 2, target: '[{"text":"ab"},"x1"]' })
    expect(await polaris.preview('i', { to: 1 })).toMatchObject({
      possible: true,
      steps: ['In 2 → 1'],
      data: { In: 'ab' },
    })
    const short = await twoVersions(older, newer, [In1('a')], [X('x1')])
    expect(short.preview).toMatchObject({ possible: false, because: [{ reason: 'invalid', name: 'In' }] })
    expect(short.result.version).toBe(1)
  })

  it('is given its data by a function for each, or for all of them', async () => {
    const lab = newLab()
    const [Name, First, Last, Full] = texts('Name', 'First', 'Last', 'Full')
    const older = workflow({ name: 'w', builders: [lab.step('c', [Name, X], C)], target: C })
    const builders = [lab.step('c', [First, Last, X], C)]
    const split = workflow({
      ...{ ...upgrade, name: 'w', builders, target: C },
      migrate: {
        from: older,
        data: {
          Name: (name) => {
            const [first = '', last = ''] = name.split(' ')
            return [First(first), Last(last)]
          },
        },
      },
    })
    const { preview, result } = await twoVersions(older, split, [Name('Ada Byron')], [X('x1')])
    expect(preview).toMatchObject({ steps: ['Name → First, Last'], data: { First: 'Ada', Last: 'Byron' } })
    expect(result).toMatchObject({ target: 'c(Ada,Byron,x1)' })
    const merged = workflow({
      ...{ ...upgrade, name: 'w', builders: [lab.step('c', [Full, X], C)], target: C },
      migrate: {
        from: split as unknown as 1,
        data: ((old: Record<string, string | undefined>) => ({
          ...{ X: old['X'], C: old['C'], First: undefined, Last: undefined },
          Full: old['First'] && `${old['First']}-${old['Last'] ?? ''}`,
        })) as never,
      },
      version: 3,
    })
    const medium = strictMemory.medium()
    await over(medium.open(), split).executor().sequential('w', 'i', First('A'), Last('B'))
    const polaris = over(medium.open(), split, merged)
    expect(await polaris.preview('i')).toMatchObject({
      possible: true,
      data: { Full: 'A-B' },
      dropped: ['First', 'Last'],
    })
    expect(await polaris.executor().sequential('w', 'i', X('x1'))).toMatchObject({ version: 3, target: 'c(A-B,x1)' })
  })

  it('takes what is due along: under the same key where no input changed, and what has another name now', async () => {
    const keys: string[] = []
    const lab = newLab()
    const flaky = (name: string) =>
      lab.step(name, [A], B, {
        does: (made, run, _, { idempotencyKey }) => {
          keys.push(idempotencyKey)
          if (run === 1 && keys.length % 2 === 1) throw new Error('down')
          return made
        },
      })
    const medium = strictMemory.medium()
    const b = flaky('b')
    const older = workflow({ name: 'w', builders: [b], target: B })
    const newer = workflow({ ...upgrade, name: 'w', builders: [b, lab.step('c', [X], C)], target: B })
    await failure(over(medium.open(), older).executor().sequential(older, 'i', A('a1')))
    expect(await over(medium.open(), older, newer).executor().resume(newer, 'i')).toMatchObject({ target: 'b(a1)' })
    expect(keys[0]).toBe(keys[1])
    const renamed = workflow({
      ...{ ...upgrade, name: 'w', builders: [flaky('bb')], target: B },
      migrate: { from: 1, builders: { bb: 'b' } },
    })
    await failure(
      over(medium.open(), workflow({ name: 'w', builders: [flaky('b')], target: B }))
        .executor()
        .sequential('w', 'j', A('a1')),
    ).catch(() => undefined)
    expect(await over(medium.open(), older, renamed).executor().resume('w', 'j')).toMatchObject({
      version: 2,
      status: 'completed',
    })
  })

  it('forgets what a builder of the same name did that is another one', async () => {
    const lab = newLab()
    const older = workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [B, X], C)], target: C })
    // Between them, b makes something else; what it made is made by e.
    const newer = workflow({
      ...{ ...upgrade, name: 'w', target: C },
      builders: [lab.step('b', [A], D), lab.step('e', [D], B), lab.step('c', [B, X], C)],
    })
    const { preview, result, again } = await twoVersions(older, newer, [A('a1')])
    expect(preview).toMatchObject({ possible: true, due: ['b'], data: { A: 'a1', B: 'b(a1)' } })
    expect(result.produced.map(({ value }) => value)).toEqual(['b(a1)', 'e(b(a1))'])
    expect(await dataOf(again, 'i')).toEqual({ A: 'a1', B: 'e(b(a1))', D: 'b(a1)' })
  })

  it('does not see again what a version in between had dropped', async () => {
    const lab = newLab()
    const v1 = workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [X], C)], target: C })
    const v2 = workflow({
      ...{ ...upgrade, name: 'w', builders: [lab.step('c', [X], C)], target: C },
      migrate: { from: 1, data: { A: null, B: null } },
    })
    const v3 = workflow({
      ...upgrade,
      name: 'w',
      version: 3,
      builders: [lab.step('b', [A], B), lab.step('c', [X], C)],
      target: C,
    })
    const medium = strictMemory.medium()
    await over(medium.open(), v1).executor().sequential('w', 'i', A('a1'))
    await over(medium.open(), v1, v2).executor().sequential('w', 'i', X('x1'))
    lab.look()
    const polaris = over(medium.open(), v1, v2, v3)
    expect(await polaris.preview('i')).toMatchObject({ possible: true, due: [], data: { X: 'x1', C: 'c(x1)' } })
    expect(await polaris.executor().resume('w', 'i')).toMatchObject({ version: 3 })
    expect(lab.look()).toEqual([])
    expect(await dataOf(over(medium.open(), v1, v2, v3), 'i')).toEqual({ X: 'x1', C: 'c(x1)' })
  })

  it('keeps what a builder with cutoff has found to be the same', async () => {
    const lab = newLab()
    const cut = lab.step('b', [A], B, { options: { cutoff: true }, does: () => 'same' })
    const older = workflow({ name: 'w', builders: [cut, lab.step('c', [B, X], C)], target: C })
    const newer = workflow({
      ...{ ...upgrade, name: 'w', target: C },
      builders: [lab.step('bb', [A], D, { options: { cutoff: true }, does: () => 'same' }), lab.step('c', [D, X], C)],
      migrate: { from: older, data: { B: 'D' }, builders: { bb: 'b' } },
    })
    const medium = strictMemory.medium()
    await over(medium.open(), older).executor().sequential('w', 'i', A('a1'))
    await over(medium.open(), older).executor().sequential('w', 'i', A('a2'))
    lab.look()
    const polaris = over(medium.open(), older, newer)
    expect(await polaris.executor().sequential('w', 'i', X('x1'))).toMatchObject({ version: 2, target: 'c(same,x1)' })
    expect(lab.look()).toEqual(['c'])
    expect(await over(medium.open(), older, newer).executor().resume('w', 'i')).toMatchObject({ status: 'completed' })
    expect(lab.look()).toEqual([])
  })

  it('begins again by restart from what was fed, in its newer shape', async () => {
    const lab = newLab()
    const older = workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [B], C)], target: C })
    const newer = workflow({
      ...{ ...upgrade, name: 'w', target: C },
      builders: [lab.step('b', [D], B), lab.step('c', [B], C)],
      migrate: { from: older, data: { A: 'D' } },
    })
    const medium = strictMemory.medium()
    await over(medium.open(), older).executor().sequential('w', 'i', A('a1'))
    lab.look()
    const polaris = over(medium.open(), older, newer)
    expect(await polaris.executor().restart('w', 'i')).toMatchObject({ version: 2, target: 'c(b(a1))' })
    expect(lab.look()).toEqual(['b', 'c'])
    const again = over(medium.open(), older, newer)
    expect(await again.executor().restart('w', 'i')).toMatchObject({ version: 2, target: 'c(b(a1))' })
    expect(await dataOf(again, 'i')).toEqual({ D: 'a1', B: 'b(a1)', C: 'c(b(a1))' })
  })

  it('takes mail along that was fed to its older version', async () => {
    const lab = newLab()
    const older = workflow({ name: 'w', builders: [lab.step('c', [A, X], C)], target: C })
    const newer = workflow({
      ...{ ...upgrade, name: 'w', builders: [lab.step('c', [D, X], C)], target: C },
      migrate: { from: older, data: { A: 'D' } },
    })
    const medium = strictMemory.medium()
    await over(medium.open(), older).executor().submit('w', 'i', A('a1'))
    await over(medium.open(), older).executor().submit('w', 'i', A('a2'))
    const polaris = over(medium.open(), older, newer)
    expect(await polaris.executor().sequential('w', 'i', X('x1'))).toMatchObject({
      version: 2,
      target: 'c(a2,x1)',
      scope: 3,
    })
    expect(await dataOf(polaris, 'i')).toEqual({ D: 'a2', X: 'x1', C: 'c(a2,x1)' })
  })

  it('takes data of either version, through their steps', async () => {
    const lab = newLab()
    const [v1, v2] = [z.string(), z.object({ text: z.string() })]
    const In1 = data('In', v1)
    const In2 = data('In', v2, {
      version: 2,
      from: { 1: step(v1, (text) => ({ text })) },
      down: { 1: ({ text }) => text },
    })
    const Only2 = data('Only2', type<string>())
    const shown = (...In: readonly unknown[]) =>
      lab.step('out', In as Text[], C, { does: (_, __, input) => JSON.stringify(Object.values(input)) })
    const older = workflow({ name: 'w', builders: [shown(In1)], target: C })
    const newer = workflow({
      name: 'w',
      version: 2,
      builders: [shown(In2), lab.step('x', [Only2 as Text], D)],
      target: C,
    })
    const medium = strictMemory.medium()
    await over(medium.open(), older).executor().sequential('w', 'old', In1('a'))
    const executor = over(medium.open(), older, newer).executor()
    expect(await executor.sequential('w', 'old', In2({ text: 'b' }))).toMatchObject({ version: 1, target: '["b"]' })
    expect(await executor.sequential('w', 'new', In1('a'))).toMatchObject({ version: 2, target: '[{"text":"a"}]' })
    await refusal(executor.sequential('w', 'new', In1(7 as never)), 'DATA_INVALID')
    // Whoever asks for a datum gets it in the version that he knows.
    const result = await executor.sequential('w', 'old', In1('c'))
    expect([result.latest(In1), result.latest(In2), result.latest(Only2)]).toEqual(['c', { text: 'c' }, undefined])
    const view = await over(medium.open(), older, newer).get('new')
    expect([view?.latest(In1), view?.latest(In2)]).toEqual(['a', { text: 'a' }])
    expect(thrown(() => result.get(data('In', v1)), 'DATA_UNKNOWN').message).toContain('namesake')
    const error = await refusal(executor.sequential('w', 'old', Only2('x')), 'VERSION_NOT_SERVED')
    expect(error.message).toContain("'Only2' (version 1) was fed to an instance that runs on version 1")
    await refusal(executor.sequential('w', 'old', data('In', v1)('x')), 'DATA_UNKNOWN')
  })
})

/** A builder of the lab with a version of its own. */
function versioned(lab: Lab, name: string, reads: readonly Text[], makes: Text, version: number, once = false): Step {
  return lab.step(name, reads, makes, { once, options: { version } })
}

describe('what was before a move', () => {
  eachStore((kind) => {
    it('a fork within the rows of a move takes all of it along, and never half', async () => {
      const [A, B, C, D, X, First, Second] = texts('A', 'B', 'C', 'D', 'X', 'First', 'Second')
      const lab = newLab()
      const older = workflow({
        ...{ name: 'w', builders: [lab.step('b', [A], B), lab.step('d', [A], D), lab.step('c', [B, X], C)], target: C },
      })
      const newer = workflow({
        ...{ ...upgrade, name: 'w', target: C },
        builders: [lab.step('b', [A], First), lab.step('d', [A], Second), lab.step('c', [First, Second, X], C)],
        migrate: { from: older, data: { B: 'First', D: 'Second' } },
      })
      const medium = kind.medium()
      await over(medium.open(), older).executor().sequential('w', 'i', A('a1'))
      const polaris = over(medium.open(), older, newer)
      await polaris.executor().sequential('w', 'i', X('x1'))
      const history = await polaris.history('i')
      const moved = history.filter(({ outcome }) => outcome === 'migrated').map(({ seq }) => seq)
      expect(moved.length).toBeGreaterThan(2)
      const last = Math.max(...moved)
      for (const { seq } of history) {
        const copy = await polaris.fork('i', `at ${seq}`, { at: seq })
        const upTo = moved.includes(seq) ? last : seq
        expect([copy.version, await polaris.history(`at ${seq}`)]).toMatchObject([
          seq < Math.min(...moved) ? 1 : 2,
          [...history.slice(0, upTo).map(({ seq, outcome }) => ({ seq, outcome })), { outcome: 'forked' }],
        ])
        const whole = { A: 'a1', First: 'b(a1)', Second: 'd(a1)' }
        if (moved.includes(seq)) expect(copy.data).toEqual(whole)
        const executor = over(medium.open(), older, newer).executor()
        expect(await executor.sequential('w', `at ${seq}`, X('x2'))).toMatchObject({
          ...(seq > 2 && { version: 2, status: 'completed', target: 'c(b(a1),d(a1),x2)' }),
        })
      }
      await refusal(polaris.fork('i', 'beyond', { at: history.length + 1 }), 'OPTION_INVALID')
    })
  })

  it('is told and copied as the version of then had it', async () => {
    const [A, B, C, X] = texts('A', 'B', 'C', 'X')
    const lab = newLab()
    const older = workflow({ name: 'w', builders: [lab.step('c', [A, X], C)], target: C })
    const newer = workflow({
      ...{ ...upgrade, name: 'w', builders: [lab.step('c', [B, X], C)], target: C },
      migrate: { from: older, data: { A: 'B' } },
    })
    const medium = strictMemory.medium()
    await over(medium.open(), older).executor().with({ requestId: 'r' }).sequential('w', 'i', A('a1'))
    const polaris = over(medium.open(), older, newer)
    expect(await polaris.executor().sequential('w', 'i', X('x1'))).toMatchObject({ version: 2, target: 'c(a1,x1)' })
    const again = over(medium.open(), older, newer)
    const repeated = await again.executor().with({ requestId: 'r' }).sequential('w', 'i', A('a1'))
    expect(repeated).toMatchObject({ version: 1, scope: 1, status: 'waiting', waitingFor: ['X'] })
    expect(repeated.latest(A)).toBe('a1')
    expect(await again.fork('i', 'copy', { at: 1 })).toMatchObject({ version: 1, data: { A: 'a1' } })
    expect(await again.fork('i', 'newest')).toMatchObject({ version: 2, data: { B: 'a1', X: 'x1', C: 'c(a1,x1)' } })
    expect(await again.executor().sequential('w', 'copy', X('x2'))).toMatchObject({ version: 2, target: 'c(a1,x2)' })
  })
})

describe('what can be undone', () => {
  it('keeps an instance from moving to a version that does not know how to', async () => {
    const [A, B, C, X] = texts('A', 'B', 'C', 'X')
    const lab = newLab()
    const undo = { options: { compensate: () => undefined } }
    const rest = lab.step('c', [B, X], C)
    const older = workflow({ name: 'w', builders: [lab.step('b', [A], B, undo), rest], target: C })
    const newer = (name: string, part: object) =>
      workflow({ ...upgrade, name: 'w', builders: [lab.step(name, [A], B, part), rest], target: C })
    const gone = await twoVersions(older, newer('b', {}), [A('a1')], [X('x1')])
    expect(gone.preview).toMatchObject({ possible: false, because: [{ reason: 'undo', name: 'b' }] })
    expect(gone.result.version).toBe(1)
    expect((await twoVersions(older, newer('b', undo), [A('a1')])).preview).toMatchObject({ possible: true, due: [] })
  })
})
