import { Polaris, workflow } from 'polaris-workflow'
import type { AnyWorkflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, strictMemory } from '../support/media.ts'
import type { Medium } from '../support/media.ts'
import { dataOf, failure, newLab, over, refusal, texts } from '../support/lab.ts'
import type { Step } from '../support/lab.ts'

const [A, B, C, D, X] = texts('A', 'B', 'C', 'D', 'X')
const lab = newLab()
const b = lab.step('b', [A], B)
const c = lab.step('c', [B, X], C)
const make = (...builders: Step[]): AnyWorkflow => workflow({ name: 'w', builders, target: C })
const older = make(b, c)
const changed = (): AnyWorkflow => make(b, c, lab.step('d', [B], D))

function accepting(medium: Medium, what: AnyWorkflow): Polaris {
  return new Polaris({ store: medium.open(), acceptChanged: true }).register(what as never)
}

describe('a graph that changed without its version', () => {
  eachStore((kind) => {
    it('is refused at start, with the difference in words, while an open instance depends on the older one', async () => {
      const medium = kind.medium()
      await over(medium.open(), older).executor().sequential('w', 'i', A('a1'))
      const polaris = over(medium.open(), changed())
      const { message } = await refusal(polaris.start(), 'VERSION_CHANGED')
      expect(message).toContain("version 1 of workflow 'w'")
      expect(message).toContain("builder 'd' is new: it makes 'D' of 'B'")
      expect(message).toContain("'i'")
      expect(message).toContain('acceptChanged')
      // Whatever else it serves: a process that has not started does nothing.
      await refusal(polaris.executor().sequential('w', 'other', A('a1')), 'VERSION_CHANGED')
      await refusal(polaris.executor().submit('w', 'other', A('a1')), 'VERSION_CHANGED')
      await refusal(polaris.upgrade({ workflow: 'w' }), 'VERSION_CHANGED')
      const troubles: unknown[] = []
      const worker = polaris.worker({ onTrouble: (error) => void troubles.push(error) }).start()
      await expect.poll(() => troubles).toMatchObject([{ code: 'VERSION_CHANGED' }])
      await worker.stop()
      expect(await polaris.summary('other')).toBeUndefined()
      expect(await over(medium.open(), older).executor().sequential('w', 'i', X('x1'))).toMatchObject({
        ...{ status: 'completed', target: 'c(b(a1),x1)' },
      })
    })

    it('is taken where no open instance depends on the older one, which is refused from then on', async () => {
      const medium = kind.medium()
      await over(medium.open(), older).executor().sequential('w', 'i', A('a1'), X('x1'))
      await over(medium.open(), changed()).executor().sequential('w', 'j', A('a1'))
      const { message } = await refusal(over(medium.open(), older).start(), 'VERSION_CHANGED')
      expect(message).toContain("builder 'd' is gone: it made 'D' of 'B'")
    })

    it('that is taken back is taken, since what is open was begun with the graph that stands again', async () => {
      const medium = kind.medium()
      await over(medium.open(), older).executor().sequential('w', 'i', A('a1'))
      await accepting(medium, changed()).start()
      const polaris = await over(medium.open(), older).start()
      expect(await polaris.executor().sequential('w', 'i', X('x1'))).toMatchObject({ target: 'c(b(a1),x1)' })
    })

    it('stands once, whoever of 20 processes that start at the same time is the first', async () => {
      const medium = kind.medium()
      const fleet = Array.from({ length: 20 }, () => over(medium.join(), older))
      await Promise.all(fleet.map((polaris, i) => polaris.executor().sequential('w', `i${i}`, A('a1'))))
      const store = medium.join()
      expect(await store.listMeta('polaris-graph', { limit: 10 })).toMatchObject([{ key: '1 w', revision: 1 }])
      const others = await Promise.allSettled(
        Array.from({ length: 20 }, () => over(medium.join(), changed()).executor().sequential('w', 'new', A('a1'))),
      )
      expect(others.map((other) => other.status === 'rejected' && (other.reason as { code: string }).code)).toEqual(
        Array.from({ length: 20 }, () => 'VERSION_CHANGED'),
      )
      expect(await store.listMeta('polaris-graph', { limit: 10 })).toMatchObject([{ revision: 1 }])
      await store.close()
    })
  }, 'servers')

  it('names every workflow that changed', async () => {
    const medium = strictMemory.medium()
    const other = workflow({ name: 'other', builders: [b, c], target: C })
    const before = over(medium.open(), older, other)
    for (const name of ['w', 'other']) await before.executor().sequential(name, name, A('a1'))
    const anew = workflow({ name: 'other', builders: [b, c], target: B })
    const { message } = await refusal(over(medium.open(), changed(), anew).start(), 'VERSION_CHANGED')
    expect(message).toContain("builder 'd' is new")
    expect(message).toContain("the target is 'B' instead of 'C'")
  })
})

describe('acceptChanged', () => {
  it('has open instances go on with the changed graph, and what is new in it run', async () => {
    const medium = strictMemory.medium()
    await over(medium.open(), older).executor().sequential('w', 'i', A('a1'))
    await over(medium.open(), older).executor().sequential('w', 'j', A('a1'))
    const polaris = accepting(medium, changed())
    expect(await (await polaris.start()).preview('i')).toMatchObject({ possible: true, due: ['d'] })
    lab.look()
    expect(await polaris.executor().sequential('w', 'i', X('x1'))).toMatchObject({ status: 'completed', version: 1 })
    expect(lab.look().sort()).toEqual(['c', 'd'])
    expect((await polaris.history('i')).find(({ outcome }) => outcome === 'migrated')?.move).toMatchObject({
      ...{ from: { version: 1 }, to: { version: 1 }, due: ['d'] },
    })
    // From now on it is the version's graph, also for those who do not accept anything.
    expect(await dataOf(over(medium.open(), changed()), 'i')).toMatchObject({ C: 'c(b(a1),x1)', D: 'd(b(a1))' })
    // Edited again and again, an instance that was left alone meanwhile still knows where it comes from.
    const again = accepting(medium, make(b, c, lab.step('e', [B], D)))
    await again.executor().submit('w', 'j', X('x2'))
    const worker = again.worker().start()
    await expect.poll(() => again.summary('j')).toMatchObject({ status: 'completed', version: 1 })
    await worker.stop()
    expect(await dataOf(again, 'j')).toMatchObject({ C: 'c(b(a1),x2)', D: 'e(b(a1))' })
  })

  it('refuses what cannot go on, and leaves it as it was', async () => {
    const medium = strictMemory.medium()
    await over(medium.open(), older).executor().sequential('w', 'i', A('a1'))
    const without = workflow({ name: 'w', builders: [lab.step('c', [A, X], C)], target: C })
    const polaris = accepting(medium, without)
    const { message } = await refusal(polaris.executor().sequential('w', 'i', X('x1')), 'MIGRATION_FAILED')
    expect(message).toContain("'B'")
    expect(await polaris.executor().sequential('w', 'new', A('a1'))).toMatchObject({ status: 'waiting' })
    expect(await dataOf(accepting(medium, older), 'i')).toEqual({ A: 'a1', B: 'b(a1)' })
  })

  it('leaves a scope that a crash cut short to the builders that began it', async () => {
    const medium = strictMemory.medium()
    const dies = lab.step('c', [B, X], C, { does: () => new Promise(() => undefined) })
    const dying = over(medium.open(), make(b, dies)).executor()
    await dying.sequential('w', 'i', A('a1'))
    void dying.sequential('w', 'i', X('x1'))
    await new Promise((resolve) => setImmediate(resolve))
    const polaris = accepting(medium, changed())
    await refusal(polaris.executor().resume('w', 'i'), 'VERSION_CHANGED')
    expect(await over(medium.open(), older).summary('i')).toMatchObject({ status: 'running' })
  })

  it('takes up what failed before', async () => {
    const medium = strictMemory.medium()
    const fails = lab.step('c', [B, X], C, {
      does: () => {
        throw new Error('a bug')
      },
    })
    await failure(over(medium.open(), make(b, fails)).executor().sequential('w', 'i', A('a1'), X('x1')))
    const polaris = accepting(medium, changed())
    expect(await polaris.executor().resume('w', 'i')).toMatchObject({ status: 'completed', target: 'c(b(a1),x1)' })
  })
})
