import { builder, checkManifest, data, manifest, step, type, workflow } from 'polaris-workflow'
import type { AnyWorkflow, CheckProgress, Datum } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eachStore, strictMemory } from '../support/media.ts'
import { newLab, over, refusal, texts, thrown } from '../support/lab.ts'
import type { Text } from '../support/lab.ts'

const [A, B, C, D, X, Note] = texts('A', 'B', 'C', 'D', 'X', 'Note')
const lab = newLab()
const b = lab.step('b', [A], B)
const c = lab.step('c', [B, X], C)
const one = workflow({ name: 'w', builders: [b, c, lab.step('n', [Note], D)], target: C })
const two = (options: object): AnyWorkflow =>
  workflow({
    name: 'w',
    version: 2,
    builders: [b, lab.step('c', [B, X], C, { options: { version: 2 } })],
    target: C,
    ...options,
  } as never)
const dropsD = { migrate: { from: 1, data: { Note: null, D: null } } }

describe('polaris.check', () => {
  eachStore((kind) => {
    it('says per version how many go on, move, and would be stranded, and why; nothing changes', async () => {
      const medium = kind.medium()
      const executor = over(medium.open(), one).executor()
      await executor.sequential(one, 'a', A('a1'))
      await executor.sequential(one, 'n', A('a1'), Note('n1'))
      await executor.sequential(one, 'through', A('a1'), X('x1'))
      await over(medium.open(), two({})).executor().sequential('w', 'new', A('a1'))
      const polaris = over(medium.open(), one)
      const before = await polaris.list()
      const report = await polaris.check([one, two({ policy: 'upgrade' })])
      expect(report).toMatchObject({ ok: true, open: 3, checked: 3 })
      expect(report.workflows[0]).toMatchObject({ workflow: 'w', newest: 2 })
      const [v1, v2] = report.workflows[0]?.versions ?? []
      expect(v1).toMatchObject({ version: 1, open: 2, continue: 0, move: 1, stay: 1, strand: 0 })
      expect(v1?.blocked).toEqual([
        expect.objectContaining({ reason: 'forgotten', name: 'Note', count: 1, ids: ['n'] }),
        expect.objectContaining({ reason: 'forgotten', name: 'D', count: 1, ids: ['n'] }),
      ])
      expect(v1?.differences).toContain("builder 'n' is gone: it made 'D' of 'Note'")
      expect(v2).toMatchObject({ version: 2, open: 1, continue: 1, move: 0, strand: 0, stranded: [] })
      expect(await over(medium.open(), one).list()).toEqual(before)
      const dropped = await polaris.check([one, two({ policy: 'upgrade', ...dropsD })])
      expect(dropped.workflows[0]?.versions[0]).toMatchObject({ move: 2, stay: 0 })
      expect(await polaris.check([two({ policy: 'upgrade', ...dropsD })])).toMatchObject({ ok: false })
    })
  })

  const open = async (...deltas: readonly (readonly Datum[])[]) => {
    const medium = strictMemory.medium()
    const executor = over(medium.open(), one).executor()
    for (const [i, delta] of deltas.entries()) await executor.sequential('w', `i${i}`, ...delta)
    return over(medium.open(), one)
  }
  const versionOf = async (polaris: ReturnType<typeof over>, ...code: AnyWorkflow[]) =>
    (await polaris.check(code)).workflows[0]?.versions[0]

  it('has old instances go on where their version is still in the code, and strands them where it is not', async () => {
    const polaris = await open([A('a1')])
    expect(await versionOf(polaris, one, two({}))).toMatchObject({ continue: 1, strand: 0 })
    expect(await versionOf(polaris, two({}))).toMatchObject({ strand: 1, stranded: [{ reason: 'unserved' }] })
    const older = workflow({ name: 'w', version: 3, builders: [b, c], target: C })
    expect(await versionOf(over(strictMemory.medium().open(), one), older)).toBeUndefined()
  })

  it('has those stay that cannot move where their version is still in the code', async () => {
    const polaris = await open([A('a1'), Note('n1')])
    const v1 = await versionOf(polaris, one, two({ policy: 'upgrade' }))
    expect(v1).toMatchObject({ move: 0, stay: 1, strand: 0, stranded: [] })
    expect(v1?.blocked.map(({ name }) => name)).toEqual(['Note', 'D'])
  })

  it('strands what changed under one version, and tells how', async () => {
    const polaris = await open([A('a1')])
    const changed = workflow({ name: 'w', builders: [b, c, lab.step('d', [C], D)], target: C })
    const v1 = await versionOf(polaris, changed)
    expect(v1).toMatchObject({ strand: 1, stranded: [{ reason: 'changed' }] })
    expect(v1?.stranded[0]?.message).toContain("builder 'd' is new: it makes 'D' of 'C'")
  })

  it('names what would be done to data and what would run', async () => {
    const polaris = await open([A('a1')], [A('a2')], [Note('n1')])
    const v1 = await versionOf(
      polaris,
      one,
      two({ policy: 'upgrade', migrate: { from: 1, data: { Note: 'X', D: null } } }),
    )
    expect(v1).toMatchObject({ move: 3, steps: { 'Note → X': 1 }, dropped: { D: 1 }, due: {}, wouldRun: {} })
    const more = two({
      policy: 'upgrade',
      ...dropsD,
      builders: [b, lab.step('d', [B], D), lab.step('c', [B, X, D], C)],
    })
    expect(await versionOf(polaris, one, more)).toMatchObject({ due: { d: 2 }, wouldRun: { d: 2, c: 2 } })
  })

  it('runs schemas and steps on what is stored', async () => {
    const v1 = z.object({ fare: z.number() })
    const Fare1 = data('Fare', v1)
    const Fare2 = data('Fare', z.object({ cents: z.int() }), {
      version: 2,
      from: { 1: step(v1, ({ fare }) => ({ cents: fare * 100 })) },
    })
    const Out = data('Out', type<number>())
    const Go = data('Go', type<true>())
    const flow = (Fare: unknown, options: object): AnyWorkflow => {
      const out = builder({
        name: 'o',
        consumes: { fare: Fare as typeof Fare1, go: Go },
        produces: Out,
        process: () => 1,
      })
      return workflow({ name: 'w', builders: [out], target: Out, ...options })
    }
    const medium = strictMemory.medium()
    const older = flow(Fare1, {})
    const executor = over(medium.open(), older).executor()
    for (const fare of [1, 2.5, 0.001]) await executor.sequential('w', `i${fare}`, Fare1({ fare }))
    const polaris = over(medium.open(), older)
    const newer = flow(Fare2, { version: 2, policy: 'upgrade' })
    expect((await polaris.check([older, newer])).workflows[0]?.versions[0]).toMatchObject({
      ...{ move: 2, stay: 1, steps: { 'Fare 1 → 2': 2 } },
      blocked: [{ reason: 'invalid', name: 'Fare', ids: ['i0.001'] }],
    })
  })

  it('counts all and looks at a sample, and tells how far it is', async () => {
    const polaris = await open(...Array.from({ length: 30 }, () => [A('a1')]))
    const progress: CheckProgress[] = []
    const onProgress = (at: CheckProgress) => void progress.push(at)
    const report = await polaris.check([one, two({ policy: 'upgrade', ...dropsD })], { sample: 7, onProgress })
    expect(report).toMatchObject({ ok: true, open: 30, checked: 7 })
    expect(progress[0]).toEqual({ counted: 30, checked: 0, total: undefined })
    expect(progress.at(-1)).toEqual({ counted: 30, checked: 7, total: 7 })
    const abort = new AbortController()
    abort.abort(new Error('enough'))
    await expect(polaris.check([one], { signal: abort.signal })).rejects.toThrow('enough')
    await refusal(polaris.check([one], { sample: 0 }), 'OPTION_INVALID')
    await refusal(polaris.check([{} as AnyWorkflow]), 'WORKFLOW_NOT_FOUND')
    await refusal(polaris.check([one, workflow({ name: 'w', builders: [b], target: B })]), 'GRAPH_INVALID')
  })
})

describe('a manifest', () => {
  const file = JSON.parse(JSON.stringify(manifest([one]))) as unknown
  const verdict = (...code: AnyWorkflow[]) => checkManifest(file, code).workflows[0]?.versions[0]

  it('is what the registered workflows are', () => {
    expect(over(strictMemory.medium().open(), one).manifest()).toEqual(manifest([one]))
    expect(manifest([two({}), one]).workflows.map(({ version }) => version)).toEqual([1, 2])
    thrown(() => manifest([{} as AnyWorkflow]), 'WORKFLOW_NOT_FOUND')
    for (const none of [null, {}, { format: 1, workflows: [{}] }])
      thrown(() => checkManifest(none, [one]), 'MANIFEST_INVALID')
  })

  it('tells what code means without a store; what depends on data is a risk', () => {
    expect(checkManifest(file, [one])).toMatchObject({ ok: true, workflows: [{ versions: [{ verdict: 'continue' }] }] })
    expect(verdict(one, two({}))).toMatchObject({ verdict: 'continue' })
    expect(verdict(two({}))).toMatchObject({ verdict: 'strand', risks: [{ reason: 'unserved' }] })
    expect(verdict(one, two({ policy: 'upgrade', ...dropsD }))).toMatchObject({
      ...{ verdict: 'move', steps: [], dropped: ['Note', 'D'], due: ['c'], risks: [] },
    })
    const forgets = verdict(one, two({ policy: 'upgrade' }))
    expect(forgets).toMatchObject({ verdict: 'move' })
    expect(forgets?.risks.map(({ reason, name }) => [reason, name])).toEqual([
      ['forgotten', 'Note'],
      ['forgotten', 'D'],
    ])
    const orphan = verdict(
      one,
      two({ policy: 'upgrade', migrate: { from: 1, data: { Note: null, D: null, A: null } }, builders: [c] }),
    )
    expect(orphan?.risks).toEqual([expect.objectContaining({ reason: 'no-producer', name: 'B' })])
    const changed = verdict(workflow({ name: 'w', builders: [b, c], target: C }))
    expect(changed).toMatchObject({ verdict: 'strand', risks: [{ reason: 'changed' }] })
  })

  it('names once builders that would run again', () => {
    const pay = (out: Text) => lab.step('pay', [A], out, { once: true })
    const before = workflow({ name: 'w', builders: [pay(B), lab.step('c', [B], C)], target: C })
    const after = (data: object) =>
      two({ policy: 'upgrade', builders: [pay(D), lab.step('c', [D], C)], migrate: { from: 1, data } })
    const risks = (data: object) =>
      checkManifest(manifest([before]), [before, after(data)]).workflows[0]?.versions[0]?.risks
    expect(risks({ B: null })).toEqual([expect.objectContaining({ reason: 'once', name: 'pay' })])
    expect(risks({ B: 'D' })).toEqual([])
  })
})
