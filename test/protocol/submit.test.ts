import { workflow } from 'polaris-workflow'
import type { HookInfo, Polaris } from 'polaris-workflow'
import { expect, it } from 'vitest'
import { deferred, expectUnknown, newLab, refusal, texts } from '../support/lab.ts'
import { eachStore } from '../support/media.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'
import { auditAfterEach, eventually, newBench } from './bench.ts'
import type { Bench } from './bench.ts'

expectNoUnhandledRejections()
auditAfterEach()

const [A, X, M, T] = texts('A', 'X', 'M', 'T')

function world() {
  const lab = newLab()
  const gate = deferred()
  const does = (made: string): unknown => (made.startsWith('t(slow') ? gate.promise.then(() => made) : made)
  const builders = [lab.step('t', [A], T, { optionals: [X, M], does })]
  const w = workflow({ name: 'w', builders, target: T, transients: [M] })
  return { lab, w, gate }
}

const handled = (bench: Bench, id: string, seq: number): Promise<void> =>
  eventually(async () => ((await bench.store.read(id))?.header.mailHandled ?? 0) >= seq, `scope ${seq} of ${id}`)

const working = (polaris: Polaris) => polaris.worker({ pollInterval: 20 }).start()

eachStore((kind) => {
  it('G1: what was submitted is durable on return, and handled by a worker that comes later', async () => {
    const { lab, w } = world()
    const bench = newBench(kind, w)
    const submitted = await bench.hanging().executor().submit(w, 'i', A('a1'))
    expect(submitted).toEqual({ id: 'i', scope: 1 })
    expect(await bench.store.mail('i', { limit: 9 })).toHaveLength(1)
    expect(await bench.header('i')).toMatchObject({ mailAppended: 1, mailHandled: 0, scope: 0, holder: null })
    expect(lab.ran).toEqual([])
    working(bench.process())
    await handled(bench, 'i', 1)
    expect((await bench.process().get('i'))?.data).toEqual({ A: 'a1', T: 't(a1,-,-)' })
  })

  it('a worker that runs already takes it up, in another process, long before it would look again', async () => {
    const { w } = world()
    const bench = newBench(kind, w)
    bench.process().worker({ pollInterval: 200_000 }).start()
    const feeder = bench.process()
    let count = 0
    // Until the worker is known to the server it may not be told; being told once, it takes all there is.
    await eventually(async () => {
      await feeder.executor().submit(w, `i${++count}`, A('a1'))
      return (await bench.header('i1')).mailHandled === 1
    }, 'the first scope')
  })

  it('what would not be taken is refused without a trace', async () => {
    const { w } = world()
    const other = workflow({ name: 'other', builders: [newLab().step('t', [A], T)], target: T })
    const bench = newBench(kind, w)
    const run = bench.process().executor()
    await refusal(run.submit('nowhere', 'i', A('a1')), 'WORKFLOW_NOT_FOUND')
    await refusal(run.submit(other, 'i', A('a1')), 'WORKFLOW_NOT_FOUND')
    await refusal(run.submit(w, '', A('a1')), 'ID_INVALID')
    await refusal(run.submit('w', 'i', texts('Z')[0]('z')), 'DATA_UNKNOWN')
    await refusal(run.submit(w, 'i', A.untyped(undefined)), 'DATA_INVALID')
    await refusal(run.submit(w, 'i', A('a1'), A('a2')), 'DATA_INVALID')
    await refusal(run.with({ expect: 'existing' }).submit(w, 'i', A('a1')), 'INSTANCE_NOT_FOUND')
    await expectUnknown(bench.process(), 'i')
  })

  it('P12: transient data cannot wait: refused by submit, and by a call that would have to queue', async () => {
    const { lab, gate, w } = world()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    expect((await refusal(one.executor().submit(w, 'i', M('m')), 'TRANSIENT_NOT_STORED')).message).toMatch("'M'")
    await expectUnknown(one, 'i')
    expect((await one.executor().sequential(w, 'i', A('a1'), M('m1'))).target).toBe('t(a1,-,m1)')
    const slow = one.executor().sequential(w, 'i', A('slow'))
    await eventually(() => lab.ran.length === 2, 'the slow scope')
    const { mailAppended } = await bench.header('i')
    await refusal(two.executor().sequential(w, 'i', M('m2'), A('a2')), 'TRANSIENT_NOT_STORED')
    expect((await bench.header('i')).mailAppended).toBe(mailAppended)
    gate.resolve()
    expect((await slow).target).toBe('t(slow,-,-)')
    expect((await two.executor().sequential(w, 'i', M('m2'), A('a2'))).target).toBe('t(a2,-,m2)')
  })

  it('expect: new takes one only, also of those that still wait; existing takes what waits for existing', async () => {
    const { w } = world()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    const fresh = [one, two].flatMap((polaris) => {
      const run = polaris.executor().with({ expect: 'new' })
      return [run.submit(w, 'i', A('a1')), run.submit(w, 'i', A('a2'))]
    })
    const ends = await Promise.allSettled(fresh)
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const end of ends) if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'INSTANCE_EXISTS' })
    const more = await two.executor().with({ expect: 'existing' }).submit(w, 'i', X('x2'))
    expect(more.scope).toBe(2)
    await refusal(one.executor().with({ expect: 'new' }).sequential(w, 'i', A('a3')), 'INSTANCE_EXISTS')
  })

  it('P5: the workflow is checked where the mail is put, whatever the feeder knows', async () => {
    const { w } = world()
    const v = workflow({ name: 'v', builders: [newLab().step('t', [A], T)], target: T })
    const bench = newBench(kind, w, v)
    await bench.process().executor().submit(v, 'i', A('a1'))
    await refusal(bench.process().executor().submit(w, 'i', A('a2')), 'WORKFLOW_MISMATCH')
    expect((await bench.header('i')).mailAppended).toBe(1)
  })

  it('rule 25: submitted data and calls are handled in order of arrival', async () => {
    const { lab, gate, w } = world()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    await one.executor().submit(w, 'i', A('a1'))
    const call = one.executor().sequential(w, 'i', A('a2'))
    expect(await call).toMatchObject({ scope: 2, target: 't(a2,-,-)' })
    const slow = one.executor().sequential(w, 'i', A('slow'))
    await eventually(() => lab.ran.length === 3, 'the slow scope')
    expect((await two.executor().submit(w, 'i', X('x4'))).scope).toBe(4)
    const last = two.executor().parallel(w, 'i', A('a5'))
    await eventually(async () => (await bench.header('i')).mailAppended === 5, 'its mail')
    gate.resolve()
    expect((await slow).scope).toBe(3)
    expect(await last).toMatchObject({ scope: 5, target: 't(a5,x4,-)' })
    expect(lab.made).toEqual(['t(a1,-,-)', 't(a2,-,-)', 't(slow,-,-)', 't(slow,x4,-)', 't(a5,x4,-)'])
  })

  it('P13: meta goes with the delta; hooks are those of the process that runs the builder', async () => {
    const lab = newLab()
    const metas: unknown[] = []
    const does = (made: string, _: number, __: unknown, { meta }: { meta: unknown }): string => {
      metas.push(meta)
      return made
    }
    const w = workflow({ name: 'w', builders: [lab.step('t', [A], T, { does })], target: T })
    const bench = newBench(kind, w)
    const heard: unknown[] = []
    const ears = (who: string) => ({
      before: (_: unknown, delta: readonly unknown[], { meta, scope, mode }: HookInfo) =>
        void heard.push([who, delta, meta, scope, mode]),
    })
    const feeder = bench.process().executor(ears('feeder'))
    await feeder.with({ meta: { who: 'me' } }).submit(w, 'i', A('a1'))
    bench
      .process()
      .worker({ ...ears('worker'), pollInterval: 20 })
      .start()
    await handled(bench, 'i', 1)
    expect(metas).toEqual([{ who: 'me' }])
    expect(Object.isFrozen(metas[0])).toBe(true)
    expect(heard).toEqual([['worker', [{ name: 'A', value: 'a1' }], { who: 'me' }, 1, 'parallel']])
    const history = await bench.process().history('i')
    expect(history[0]).toMatchObject({ outcome: 'call', meta: { who: 'me' } })
  })

  it('rule 26: a request submitted twice waits once, and a call of that name gets its result', async () => {
    const { lab, w } = world()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    const submits = [one, two, one, two].map((polaris) =>
      polaris.executor().with({ requestId: 'r' }).submit(w, 'i', A('a1')),
    )
    expect(new Set((await Promise.all(submits)).map(({ scope }) => scope))).toEqual(new Set([1]))
    const called = await two.executor().with({ requestId: 'r' }).sequential(w, 'i', A('a1'))
    expect(called).toMatchObject({ scope: 1, target: 't(a1,-,-)' })
    expect(lab.ran).toEqual(['t'])
  })

  it('P9: one that fails is closed with its error, and what was due goes on with the next', async () => {
    const lab = newLab()
    const [B] = texts('B')
    let down = true
    const does = (made: string): string => {
      if (down) throw new Error('down')
      return made
    }
    const builders = [lab.step('b', [A], B, { does }), lab.step('t', [B], T, { optionals: [X] })]
    const w = workflow({ name: 'w', builders, target: T })
    const bench = newBench(kind, w)
    const polaris = bench.process()
    await polaris.executor().with({ requestId: 'r1' }).submit(w, 'i', A('a1'))
    working(bench.process())
    await handled(bench, 'i', 1)
    expect((await polaris.get('i'))?.status).toBe('failed')
    down = false
    await polaris.executor().with({ requestId: 'r2' }).submit(w, 'i', X('x2'))
    await handled(bench, 'i', 2)
    const again = polaris.executor().with({ requestId: 'r2' }).sequential(w, 'i', X('x2'))
    expect(await again).toMatchObject({ scope: 2, status: 'completed', target: 't(b(a1),x2)' })
    const failed = polaris.executor().with({ requestId: 'r1' }).sequential(w, 'i', A('a1'))
    expect((await refusal(failed, 'BUILDER_FAILED')).message).toMatch(/down/)
    expect(lab.ran).toEqual(['b', 'b', 't'])
  })
}, 'servers')
