import { workflow } from 'polaris-workflow'
import type { AnyWorkflow, DataStore, UpgradeReport, Polaris } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, strictMemory } from '../support/media.ts'
import { deferred, newLab, over, texts, until } from '../support/lab.ts'
import type { Step } from '../support/lab.ts'

const [A, B, C, D, X] = texts('A', 'B', 'C', 'D', 'X')

function versions(lab = newLab(), d: Step = lab.step('d', [B], D)) {
  const [b, c] = [lab.step('b', [A], B), lab.step('c', [B, X], C)]
  const one = workflow({ name: 'w', builders: [b, c], target: C })
  const two = workflow({ name: 'w', version: 2, builders: [b, c, d], target: C, policy: 'upgrade-idle' })
  return { lab, one, two }
}

async function begin(polaris: Polaris, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await polaris.executor().sequential('w', `i${i}`, A(`a${i}`))
}

async function onVersion(polaris: Polaris, version: number): Promise<number> {
  return (await polaris.list({ workflow: 'w', version, limit: 1000 })).items.length
}

describe("policy 'upgrade-idle'", () => {
  eachStore((kind) => {
    it('has workers move what is at rest, in small batches, and what becomes due by that run', async () => {
      const { lab, one, two } = versions()
      const medium = kind.medium()
      const old = over(medium.open(), one)
      await begin(old, 120)
      await old.close()
      lab.look()
      const polaris = over(medium.open(), one, two)
      const workers = [polaris, over(medium.join(), one, two)].map((each) => each.worker({ pollInterval: 20 }).start())
      await expect.poll(() => onVersion(polaris, 2), { timeout: 20_000 }).toBe(120)
      await Promise.all(workers.map((worker) => worker.stop()))
      expect(lab.look()).toEqual(Array.from({ length: 120 }, () => 'd'))
      expect(await polaris.summary('i77')).toMatchObject({ version: 2, status: 'waiting', scopes: 2 })
    })
  }, 'servers')

  it('waits for the whole fleet, workers and next scopes alike', async () => {
    const { one, two } = versions()
    const medium = strictMemory.medium()
    const old = await over(medium.open(), one).start()
    await begin(old, 3)
    const both = over(medium.join(), one, two)
    const worker = both.worker({ pollInterval: 5 }).start()
    expect(await both.executor().sequential('w', 'i0', A('a'))).toMatchObject({ version: 1, scope: 2 })
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await onVersion(both, 1)).toBe(3)
    await worker.stop()
    await old.close()
    const fresh = over(medium.join(), one, two)
    expect(await fresh.executor().sequential('w', 'i0', A('a'))).toMatchObject({ version: 2, scope: 3 })
    const again = fresh.worker({ pollInterval: 5 }).start()
    await expect.poll(() => onVersion(fresh, 2)).toBe(3)
    await again.stop()
  })

  it('leaves alone what cannot move, and looks at it again only much later', async () => {
    const { lab, one } = versions()
    const stuck = workflow({
      ...{ name: 'w', version: 2, builders: [lab.step('c', [A, X], C)], target: C, policy: 'upgrade-idle' },
    } as const)
    const medium = strictMemory.medium()
    await begin(over(medium.open(), one), 3)
    let reads = 0
    const store = medium.open()
    const counting: DataStore = { ...store, read: (id) => (reads++, store.read(id)) }
    const polaris = over(counting, one, stuck)
    const worker = polaris.worker({ pollInterval: 5 }).start()
    await until(() => reads >= 3)
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 5))
    await worker.stop()
    expect(await onVersion(polaris, 1)).toBe(3)
    expect(reads).toBeLessThan(20)
  })

  it('passes by what is of a version that is not here', async () => {
    const lab = newLab()
    const rest = { name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [B, X], C)], target: C } as const
    const [one, two, three] = [1, 2, 3].map((version) => workflow({ ...rest, version, policy: 'upgrade-idle' }))
    const medium = strictMemory.medium()
    await over(medium.open(), one!).executor().sequential('w', 'old', A('a'))
    const before = over(medium.open(), two!)
    await begin(before, 9)
    await before.close()
    const troubles: unknown[] = []
    const polaris = over(medium.open(), two!, three!)
    const worker = polaris.worker({ pollInterval: 5, onTrouble: (error) => void troubles.push(error) }).start()
    await expect.poll(() => onVersion(polaris, 3)).toBe(9)
    await worker.stop()
    expect(await onVersion(polaris, 1)).toBe(1)
    expect(troubles).toEqual([])
  })

  it('a worker that stops leaves what it had moved and not finished to the next one', async () => {
    const gate = deferred()
    const lab = newLab()
    const slow = lab.step('d', [B], D, { does: (made, run) => (run === 1 ? gate.promise.then(() => made) : made) })
    const { one, two } = versions(lab, slow)
    const medium = strictMemory.medium()
    await begin(over(medium.open(), one), 1)
    const polaris = over(medium.open(), one, two)
    const worker = polaris.worker({ pollInterval: 5, grace: 0 }).start()
    await expect.poll(() => lab.ran.includes('d')).toBe(true)
    await worker.stop()
    gate.resolve()
    const next = over(medium.join(), one, two)
    const other = next.worker({ pollInterval: 5 }).start()
    await expect.poll(async () => (await next.get('i0'))?.data['D']).toBe('d(b(a0))')
    await other.stop()
    expect(await next.summary('i0')).toMatchObject({ version: 2, status: 'waiting' })
  })
})

describe('polaris.upgrade asked again', () => {
  const old = (): { one: AnyWorkflow; two: AnyWorkflow } => versions()

  eachStore((kind) => {
    it('after a signal or a crash goes on where it was, and its report counts what was done before', async () => {
      const { one, two } = old()
      const medium = kind.medium()
      await begin(over(medium.open(), one), 250)
      const first = over(medium.open(), one, two)
      const controller = new AbortController()
      const stopped = await first.upgrade(
        { workflow: 'w' },
        { concurrency: 30, signal: controller.signal, onProgress: ({ moved }) => moved >= 130 && controller.abort() },
      )
      expect(stopped).toMatchObject({ moved: 130 })
      const reports: UpgradeReport[] = []
      let dead = false
      const store = medium.open()
      const dying: DataStore = { ...store, read: (id) => (dead ? new Promise(() => undefined) : store.read(id)) }
      void over(dying, one, two).upgrade(
        { workflow: 'w' },
        {
          concurrency: 20,
          onProgress: (report) => {
            reports.push(report)
            dead = report.moved >= 220
          },
        },
      )
      await expect.poll(() => dead).toBe(true)
      expect(reports[0]).toMatchObject({ moved: 150 })
      const last = over(medium.open(), one, two)
      expect(await onVersion(last, 2)).toBe(220)
      // What the page under way had come to is moved, and only not counted.
      expect(await last.upgrade({ workflow: 'w' })).toMatchObject({ moved: 230, busy: 0, stranded: [] })
      expect(await onVersion(last, 2)).toBe(250)
      expect(await last.upgrade({ workflow: 'w' })).toMatchObject({ moved: 0 })
    })
  }, 'text')

  it('another query, or another version, begins at the beginning', async () => {
    const { one, two } = old()
    const medium = strictMemory.medium()
    await begin(over(medium.open(), one), 150)
    const polaris = over(medium.open(), one, two)
    const controller = new AbortController()
    await polaris.upgrade({ workflow: 'w' }, { signal: controller.signal, onProgress: () => controller.abort() })
    expect(await polaris.upgrade({ workflow: 'w', status: 'waiting' })).toMatchObject({ moved: 150 - 32 })
    expect(await polaris.upgrade({ workflow: 'w' }, { to: 1 })).toMatchObject({ stranded: [{ name: 'D' }] })
  })
})
