import { Polaris, workflow } from 'polaris-workflow'
import type { AnyWorkflow, DataStore } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { isPolarisError, VersionError } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { simulatedClock } from 'polaris-workflow/testing'
import { eachStore, strictMemory } from '../support/media.ts'
import { newLab, over, refusal, texts } from '../support/lab.ts'
import { silenced } from '../support/mortal.ts'
import { eachLocalStore, unobserved } from '../support/timed.ts'

const [A, B] = texts('A', 'B')
const lab = newLab()
const b = lab.step('b', [A], B)
const version = (number: number): AnyWorkflow => workflow({ name: 'w', version: number, builders: [b], target: B })
const [one, two, three] = [version(1), version(2), version(3)]

let ids = 0
async function begins(polaris: Polaris, what: AnyWorkflow | string = 'w'): Promise<number> {
  return (await polaris.executor().sequential(what as string, `new${++ids}`, A('a'))).version
}

describe('new instances', () => {
  eachStore((kind) => {
    it('begin on the newest version that the whole live fleet serves', async () => {
      const medium = kind.medium()
      const old = await over(medium.open(), one).start()
      const both = await over(medium.join(), one, two).start()
      expect(await begins(both)).toBe(1)
      expect(await begins(both, two)).toBe(1)
      await both.executor().submit('w', 'later', A('a'))
      expect(await both.summary('later')).toMatchObject({ version: 1 })
      expect(await begins(old)).toBe(1)
      await old.close()
      const fresh = await over(medium.join(), one, two).start()
      expect(await begins(fresh)).toBe(2)
      await fresh.executor().submit('w', 'latest', A('a'))
      expect(await fresh.summary('latest')).toMatchObject({ version: 2 })
    })
  }, 'servers')

  it('begin on the version that the call asks for, and existing ones stay where they are', async () => {
    const medium = strictMemory.medium()
    const polaris = over(medium.open(), one, two)
    const executor = polaris.executor().with({ version: 1 })
    expect(await executor.sequential(two, 'i', A('a'))).toMatchObject({ version: 1 })
    expect(await executor.submit('w', 'j', A('a'))).toMatchObject({ scope: 1 })
    expect(await polaris.summary('j')).toMatchObject({ version: 1 })
    expect(await executor.with({ version: 2 }).sequential('w', 'i', A('a2'))).toMatchObject({ version: 1, scope: 2 })
    expect(await executor.compute('w', A('a'))).toMatchObject({ version: 1 })
    for (const asking of [
      executor.with({ version: 3 }).sequential('w', 'k', A('a')),
      executor.with({ version: 3 }).compute('w', A('a')),
    ]) {
      const error = await refusal(asking, 'VERSION_NOT_SERVED')
      expect(error).toMatchObject({ workflow: 'w', version: 3, served: [1, 2] })
    }
    expect(await polaris.get('k')).toBeUndefined()
    expect(() => executor.with({ version: 0 })).toThrow('whole number')
  })

  it('begin on the newest of the process where no version is served by all', async () => {
    const medium = strictMemory.medium()
    await over(medium.open(), three).start()
    expect(await begins(await over(medium.join(), one, two).start())).toBe(2)
  })

  it('do not care for processes that do not serve the workflow at all', async () => {
    const medium = strictMemory.medium()
    const other = workflow({ name: 'other', builders: [b], target: B })
    await over(medium.open(), other).start()
    expect(await begins(await over(medium.join(), one, two).start())).toBe(2)
  })

  it('begin on what was registered since, once the others have it too', async () => {
    const medium = strictMemory.medium()
    const polaris = over(medium.open(), one)
    const other = over(medium.join(), one)
    expect([await begins(polaris), await begins(other)]).toEqual([1, 1])
    polaris.register(two)
    expect(await begins(polaris)).toBe(1)
    other.register(two)
    expect(await begins(other)).toBe(2)
  })

  it('are known not to be served by their version and those that are', async () => {
    const medium = strictMemory.medium()
    await over(medium.open(), two).executor().sequential('w', 'i', A('a'))
    const error: unknown = await refusal(
      over(medium.open(), one).executor().sequential('w', 'i', A('a')),
      'VERSION_NOT_SERVED',
    )
    expect(error).toBeInstanceOf(VersionError)
    expect(isPolarisError(error, 'VERSION_NOT_SERVED') && [error.workflow, error.version, error.served]).toEqual([
      'w',
      2,
      [1],
    ])
  })
})

describe('a process alone', () => {
  it('asks the store for nothing when it begins instances, and on memory answers in the same turn', async () => {
    const asked: string[] = []
    const noting = (store: DataStore): DataStore =>
      new Proxy(store, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key)
          if (typeof value !== 'function' || !/meta$/i.test(String(key))) return value
          return (...args: unknown[]): unknown => {
            asked.push(String(key))
            return (value as (...args: unknown[]) => unknown)(...args)
          }
        },
      })
    const plain = over(noting(memoryStore()), one, two)
    expect([await begins(plain), asked]).toEqual([2, []])
    const polaris = over(noting(memoryStore({ strict: true })), one, two)
    await begins(polaris)
    expect(asked).toContain('listMeta')
    asked.length = 0
    for (let i = 0; i < 100; i++) expect(await begins(polaris)).toBe(2)
    expect(asked).toEqual([])
  })
})

describe('the fleet', () => {
  eachLocalStore((kind, clock) => {
    it('waits for a process that only is quiet, and forgets one that died', async () => {
      const medium = kind.medium()
      let alive = true
      const dying = silenced(clock.observe(medium.open()), () => !alive)
      await new Polaris({ clock: unobserved(clock), store: dying }).register(one).start()
      const both = await new Polaris({ clock, store: medium.join() }).register(one, two).start()
      await clock.advance(600_000)
      expect(await begins(both)).toBe(1)
      alive = false
      await clock.advance(10_000)
      expect(await begins(both)).toBe(1)
      await clock.advance(20_000)
      expect(await begins(both)).toBe(2)
      await both.close()
    })
  })

  it('outlives a store that is out of reach', async () => {
    const clock = simulatedClock()
    const shared = memoryStore({ strict: true, now: clock.now })
    let down = false
    const shaky: DataStore = {
      ...shared,
      setMeta: (record, expected) => {
        if (down) throw new Error('down')
        return shared.setMeta(record, expected)
      },
    }
    const old = await new Polaris({ clock, store: shaky }).register(one).start()
    const both = await new Polaris({ clock, store: shared }).register(one, two).start()
    down = true
    await clock.advance('1m')
    expect(await begins(both)).toBe(2)
    down = false
    await clock.advance('1m')
    expect(await begins(both)).toBe(1)
    await old.close()
  })
})

describe('explain', () => {
  eachStore((kind) => {
    it('names mail that waits for a version that no live process serves', async () => {
      const medium = kind.medium()
      const old = await over(medium.open(), one).start()
      await old.executor().sequential('w', 'i', A('a'))
      await old.executor().submit('w', 'i', A('b'))
      const waits = { scope: 2, version: 1, since: expect.any(Number) as number }
      expect(await old.explain('i')).toMatchObject({ status: 'completed', mail: [waits] })
      expect((await old.explain('i'))?.mail?.[0]?.stuck).toBeUndefined()
      await old.close()
      const fresh = await over(medium.join(), two).start()
      const explained = await fresh.explain('i')
      expect(explained).toMatchObject({ version: 1, unserved: true, builders: [{ name: 'b', state: 'done' }] })
      expect(explained?.mail).toEqual([
        { ...waits, stuck: "no process that is alive serves version 1 of workflow 'w', on which the instance is" },
      ])
      // A process that serves it is found, wherever it is.
      await over(medium.join(), one).start()
      expect((await fresh.explain('i'))?.mail).toEqual([waits])
      await fresh.executor().sequential('w', 'j', A('a'))
      expect((await fresh.explain('j'))?.mail).toBeUndefined()
    })
  }, 'text')

  it('names mail that was fed to a version that nobody knows any more who could handle it', async () => {
    const medium = strictMemory.medium()
    const fresh = over(medium.open(), two)
    await fresh.executor().sequential('w', 'i', A('a'))
    const old = over(medium.join(), one)
    await old.executor().submit('w', 'i', A('b'))
    await old.close()
    expect((await fresh.explain('i'))?.mail).toMatchObject([
      { scope: 2, version: 1, stuck: expect.stringContaining('it was fed to version 1 of workflow') as string },
    ])
    await over(medium.join(), one, two).start()
    expect((await fresh.explain('i'))?.mail?.[0]?.stuck).toBeUndefined()
  })
})
