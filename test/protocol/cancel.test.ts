import { workflow } from 'polaris-workflow'
import type { BuildContext } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { dataOf, deferred, newLab, refusal, texts } from '../support/lab.ts'
import { eachStore } from '../support/media.ts'
import { eachTimedStore } from '../support/timed.ts'
import { auditAfterEach, eventually, newBench } from './bench.ts'

/** `b` answers when it is told to, `c` depends on it, `d` does not. */
function world() {
  const [A, B, C, D] = texts('A', 'B', 'C', 'D')
  const lab = newLab()
  const gate = deferred()
  const contexts: BuildContext[] = []
  const builders = [
    lab.step('b', [A], B, {
      does(made, _run, _input, context) {
        contexts.push(context)
        // A signal is made when it is asked for.
        void context.signal.aborted
        return gate.promise.then(() => made)
      },
    }),
    lab.step('c', [B], C),
    lab.step('d', [A], D),
  ]
  return { A, B, lab, gate, contexts, w: workflow({ name: 'w', builders, target: C }) }
}

describe('P10: cancel', () => {
  auditAfterEach()

  eachStore((kind) => {
    it('P10: cancel ends an instance at rest, keeps what it has, and says who and why', async () => {
      const { A, gate, lab, w } = world()
      gate.resolve()
      const bench = newBench(kind, w)
      const polaris = bench.process()
      const run = polaris.executor()
      await run.parallel(w, 'i', A('a1'))
      const view = await bench.process().cancel('i', { reason: 'changed my mind', meta: { who: 'ada' } })
      expect(view).toMatchObject({ status: 'cancelled', data: { A: 'a1', C: 'c(b(a1))' } })
      const [call, cancelled] = (await polaris.history('i')).slice(-2)
      expect(call).toMatchObject({ outcome: 'call', meta: { who: 'ada' } })
      expect(cancelled).toMatchObject({ outcome: 'cancelled', because: 'changed my mind' })
      lab.look()
      for (const other of [polaris, bench.process()]) {
        const calls = other.executor()
        await refusal(calls.parallel(w, 'i', A('a2')), 'CANCELLED')
        await refusal(calls.submit(w, 'i', A('a2')), 'CANCELLED')
        await refusal(calls.resume(w, 'i'), 'CANCELLED')
        await refusal(calls.restart(w, 'i'), 'CANCELLED')
        await refusal(calls.rerun(w, 'i', 'b'), 'CANCELLED')
      }
      expect(lab.look()).toEqual([])
      expect((await bench.header('i')).wakeAt).toBeNull()
      // Twice is as good as once, and a copy of it lives.
      expect((await polaris.cancel('i')).status).toBe('cancelled')
      expect((await polaris.fork('i', 'j')).status).toBe('completed')
    })

    it('P10: a scope under way gets its signal, keeps what it finished, and its call is refused', async () => {
      const { A, gate, contexts, lab, w } = world()
      const bench = newBench(kind, w)
      const polaris = bench.process()
      const call = polaris.executor().parallel(w, 'i', A('a1'))
      const refused = refusal(call, 'CANCELLED')
      await eventually(() => lab.ran.length === 2, 'both')
      const cancelling = polaris.cancel('i')
      await eventually(() => contexts[0]?.signal.aborted === true, 'the signal')
      expect(contexts[0]?.signal.reason).toMatchObject({ code: 'CANCELLED' })
      gate.resolve()
      expect((await cancelling).status).toBe('cancelled')
      await refused
      expect(lab.look()).toEqual(['b', 'd'])
      expect(await dataOf(bench.process(), 'i')).toEqual({ A: 'a1', B: 'b(a1)', D: 'd(a1)' })
    })

    it('P10: another process is told, and what waits in the mailbox is kept but not run', async () => {
      const { A, gate, lab, w } = world()
      const bench = newBench(kind, w)
      const runner = bench.process()
      // It listens to the store, as each process with a worker does.
      runner.worker().start()
      const call = refusal(runner.executor().parallel(w, 'i', A('a1')), 'CANCELLED')
      await eventually(() => lab.ran.length === 2, 'both')
      const waiting = refusal(bench.process().executor().parallel(w, 'i', A('a2')), 'CANCELLED')
      await eventually(async () => (await bench.header('i')).mailAppended === 2, 'the second delta')
      const cancelling = bench.process().cancel('i')
      await eventually(async () => (await bench.header('i')).cancelling === 3, 'the wish')
      const late = bench.process().executor()
      await refusal(late.parallel(w, 'i', A('a3')), 'CANCELLED')
      await refusal(late.submit(w, 'i', A('a3')), 'CANCELLED')
      await eventually(() => runner.get('i').then((view) => view !== undefined), 'a moment')
      gate.resolve()
      expect((await cancelling).status).toBe('cancelled')
      await Promise.all([call, waiting])
      expect(lab.ran.filter((name) => name === 'b')).toHaveLength(1)
      expect(await dataOf(bench.process(), 'i')).toMatchObject({ A: 'a2', B: 'b(a1)' })
    })

    it('P10: cancel of an instance whose process died takes it over and runs nothing', async () => {
      const { A, lab, w } = world()
      const bench = newBench(kind, w)
      const victim = bench.dying(2, 'unsent')
      const call = victim.polaris.executor().parallel(w, 'i', A('a1'))
      await Promise.race([call, victim.death])
      lab.look()
      await kind.endLeases()
      expect((await bench.process().cancel('i')).status).toBe('cancelled')
      expect(lab.look()).toEqual([])
      expect(await bench.header('i')).toMatchObject({ status: 'cancelled', pass: 0, mailHandled: 2, scope: 2 })
    })

    it('P10: a process that dies while it cancels leaves nothing half done', async () => {
      for (const how of ['unsent', 'answer lost'] as const) {
        const { A, gate, w } = world()
        gate.resolve()
        const bench = newBench(kind, w)
        await bench.process().executor().parallel(w, 'i', A('a1'))
        const victim = bench.dying(1, how)
        await Promise.race([victim.polaris.cancel('i'), victim.death])
        await kind.endLeases()
        expect((await bench.process().cancel('i')).status).toBe('cancelled')
        const rows = await bench.store.history('i', { limit: 100 })
        expect(rows.filter(({ outcome }) => outcome === 'cancelled')).toHaveLength(1)
      }
    })

    it('two that cancel at once both learn that it is done, and it is in the history once', async () => {
      const { A, gate, w } = world()
      gate.resolve()
      const bench = newBench(kind, w)
      await bench.process().executor().parallel(w, 'i', A('a1'))
      const views = await Promise.all([1, 2, 3].map(() => bench.process().cancel('i')))
      expect(views.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled'])
      const rows = await bench.store.history('i', { limit: 100 })
      expect(rows.filter(({ outcome }) => outcome === 'cancelled')).toHaveLength(1)
    })

    it('cancel of what is not there, and wrong options, are refused', async () => {
      const { w } = world()
      const polaris = newBench(kind, w).process()
      await refusal(polaris.cancel('i'), 'INSTANCE_NOT_FOUND')
      await refusal(polaris.cancel(''), 'ID_INVALID')
      await refusal(polaris.cancel('i', { because: 'x' } as never), 'OPTION_INVALID')
      await refusal(polaris.cancel('i', { meta: { when: new Date() } }), 'OPTION_INVALID')
      expect(await polaris.get('i')).toBeUndefined()
    })
  }, 'servers')

  eachTimedStore((kind, clock) => {
    it('P10: a builder that does not heed its signal is waited for one lease at most, and can commit nothing', async () => {
      const { A, gate, lab, w } = world()
      const bench = newBench(kind, w)
      const polaris = bench.process({ clock, lease: 15_000 })
      const call = refusal(polaris.executor().parallel(w, 'i', A('a1')), 'CANCELLED')
      await clock.advance(0)
      expect(lab.ran).toEqual(['b', 'd'])
      let done = false
      const cancelling = polaris.cancel('i').then((view) => ((done = true), view))
      await clock.advance(14_000)
      expect(done).toBe(false)
      await clock.advance(2_000)
      expect((await cancelling).status).toBe('cancelled')
      await call
      gate.resolve()
      await clock.advance(1)
      expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1', D: 'd(a1)' })
    })
  }, 'text')
})
