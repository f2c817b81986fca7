import { builder, data, type, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory } from '../support/media.ts'
import { failure, over, refusal } from '../support/lab.ts'

interface Rich {
  list: { deep: number[] }[]
  when: Date
  map: Map<string, { n: number }>
  set: Set<{ n: number }>
  bytes: Uint8Array
}
const rich = (): Rich => ({
  list: [{ deep: [1, 2] }],
  when: new Date(0),
  map: new Map([['k', { n: 1 }]]),
  set: new Set([{ n: 2 }]),
  bytes: new Uint8Array([1, 2, 3]),
})

/** Every way to change such a value that does not go through its bytes. */
const changes: Record<string, (value: Rich) => unknown> = {
  'a member': (value) => (value.list = []),
  'a new member': (value) => ((value as unknown as Record<string, unknown>)['extra'] = 1),
  'a deletion': (value) => delete (value as Partial<Rich>).list,
  'an element': (value) => value.list.push({ deep: [] }),
  'a deep element': (value) => (value.list[0]!.deep[0] = 7),
  sorting: (value) => value.list[0]!.deep.sort(),
  setTime: (value) => value.when.setTime(9),
  setFullYear: (value) => value.when.setFullYear(1999),
  setUTCDate: (value) => value.when.setUTCDate(3),
  'Map.set': (value) => value.map.set('x', { n: 0 }),
  'Map.delete': (value) => value.map.delete('k'),
  'Map.clear': (value) => value.map.clear(),
  'a value in a Map': (value) => (value.map.get('k')!.n = 5),
  'Set.add': (value) => value.set.add({ n: 0 }),
  'Set.clear': (value) => value.set.clear(),
  'Set.delete': (value) => value.set.delete([...value.set][0]!),
  'a value in a Set': (value) => ([...value.set][0]!.n = 5),
}

function world(change?: (value: Rich) => unknown) {
  const Fed = data('Fed', type<Rich>())
  const Made = data('Made', type<Rich>())
  const Out = data('Out', type<string>())
  const builders = [
    builder({ name: 'made', consumes: { fed: Fed }, produces: Made, process: () => rich() }),
    builder({
      name: 'out',
      consumes: { fed: Fed, made: Made },
      produces: Out,
      process({ fed, made }) {
        change?.(fed as Rich)
        change?.(made as Rich)
        return 'out'
      },
    }),
  ]
  return { Fed, Made, Out, w: workflow({ name: 'w', builders, target: Out }) }
}

describe('rule 19: values are values', () => {
  eachStore((kind) => {
    for (const [name, change] of Object.entries(changes)) {
      it(`rule 19: a builder that writes to its input fails at once: ${name}`, async () => {
        const { Fed, w } = world(change)
        const polaris = over(kind.medium().open(), w)
        const error = await failure(polaris.executor().sequential(w, 'i', Fed(rich())))
        expect(error.builder).toBe('out')
        expect(error.cause).toBeInstanceOf(TypeError)
        expect((await polaris.get('i'))?.data).toEqual({ Fed: rich(), Made: rich() })
      })

      it(`rule 19: so does whoever writes to a result or to what get and history show: ${name}`, async () => {
        const { Fed, Made, w } = world()
        const polaris = over(kind.medium().open(), w)
        const result = await polaris.executor().sequential(w, 'i', Fed(rich()))
        const view = (await polaris.get('i'))!
        const [, entry] = await polaris.history('i')
        for (const value of [result.get(Made), result.latest(Fed), view.data['Made'], view.latest(Fed)]) {
          expect(() => change(value as Rich)).toThrow(TypeError)
        }
        // What the history shows may be a copy, but never a way in.
        try {
          change(entry?.value as Rich)
        } catch {
          // As it should.
        }
        expect((await polaris.get('i'))?.data).toEqual({ Fed: rich(), Made: rich(), Out: 'out' })
        expect((await polaris.history('i'))[1]?.value).toEqual(rich())
      })
    }

    it('rule 19: readers get copies of bytes', async () => {
      const scribbles: Uint8Array[] = []
      const { Fed, Made, w } = world((value) => {
        scribbles.push(value.bytes)
        value.bytes.fill(9)
      })
      const polaris = over(kind.medium().open(), w)
      const result = await polaris.executor().sequential(w, 'i', Fed(rich()))
      expect(scribbles).toHaveLength(2)
      const entries = await polaris.history('i')
      const view = (await polaris.get('i'))!
      const readers = [
        ...[result.get(Made), result.require(Made), result.latest(Fed), result.produced[0]?.value],
        ...[view.data['Fed'], view.latest(Made), entries[0]?.value, entries[1]?.value],
      ] as Rich[]
      for (const reader of readers) {
        expect(reader.bytes).toEqual(new Uint8Array([1, 2, 3]))
        reader.bytes.fill(8)
      }
      expect(result.get(Made)).toEqual(rich())
      expect(result.latest(Fed)).toEqual(rich())
      expect((await polaris.get('i'))?.data).toEqual({ Fed: rich(), Made: rich(), Out: 'out' })
      expect((await polaris.history('i'))[0]?.value).toEqual(rich())
      expect((await polaris.executor().sequential(w, 'i')).latest(Made)).toEqual(rich())
    })

    it('rule 19: what hooks do to the bytes they are shown harms no value', async () => {
      const { Fed, Made, w } = world()
      const polaris = over(kind.medium().open(), w)
      const scribble = (value: unknown): void => void (value as Rich | undefined)?.bytes?.fill(7)
      const executor = polaris.executor({
        before: (_, delta) => delta.forEach(({ value }) => scribble(value)),
        after: (_, produced) => scribble(produced?.value),
      })
      const result = await executor.sequential(w, 'i', Fed(rich()))
      expect(result.get(Made)).toEqual(rich())
      expect(result.latest(Fed)).toEqual(rich())
      expect((await polaris.get('i'))?.data).toEqual({ Fed: rich(), Made: rich(), Out: 'out' })
    })

    it('rule 19: bytes that the feeder or the builder keeps and changes later change no value', async () => {
      const Fed = data('Fed', type<Uint8Array>())
      const Made = data('Made', type<Uint8Array>())
      const own = new Uint8Array([1, 2, 3])
      const given = new Uint8Array([4, 5, 6])
      const w = workflow({
        name: 'w',
        builders: [builder({ name: 'b', consumes: { fed: Fed }, produces: Made, process: () => own })],
        target: Made,
      })
      const polaris = over(kind.medium().open(), w)
      const result = await polaris.executor().sequential(w, 'i', Fed(given))
      own.fill(0)
      given.fill(0)
      expect(result.target).toEqual(new Uint8Array([1, 2, 3]))
      expect(result.latest(Fed)).toEqual(new Uint8Array([4, 5, 6]))
    })
  })

  it('rule 19: they are frozen in place: the caller and the builder hold frozen values, too', async () => {
    const { Fed, w } = world()
    const fed = rich()
    await over(memory.medium().open(), w).executor().compute(w, Fed(fed))
    expect(Object.isFrozen(fed)).toBe(true)
    expect(Object.isFrozen(fed.list[0]!.deep)).toBe(true)
    expect(() => fed.map.set('x', { n: 1 })).toThrow(TypeError)
    expect(() => fed.when.setTime(1)).toThrow(TypeError)
    expect(Object.isFrozen(fed.map.get('k'))).toBe(true)
  })

  it('rule 19: a refused delta leaves the caller`s values as they were', async () => {
    const { Fed, w } = world()
    const [Other] = [data('Other', type<Rich>())]
    const fed = rich()
    const run = over(memory.medium().open(), w).executor()
    await expect(run.sequential('w', 'i', Fed(fed), Other(rich()))).rejects.toMatchObject({ code: 'DATA_UNKNOWN' })
    expect(Object.isFrozen(fed)).toBe(false)
  })

  it('rule 19: class instances are left alone, by the memory store and as transients', async () => {
    class Counter {
      count = 0
      inner = { n: 1 }
    }
    const Fed = data('Fed', type<{ counter: Counter }>())
    const Made = data('Made', type<Counter>())
    const made = new Counter()
    for (const transients of [[], [Fed, Made]]) {
      const Out = data('Out', type<string>())
      const builders = [
        builder({
          name: 'b',
          consumes: { fed: Fed },
          produces: Made,
          process({ fed }) {
            ;(fed.counter as Counter).count++
            return made
          },
        }),
        builder({ name: 'out', consumes: { made: Made }, produces: Out, process: () => 'out' }),
      ]
      const w = workflow({ name: 'w', builders, target: Out, transients })
      const fed = { counter: new Counter() }
      const result = await over(memory.medium().open(), w).executor().sequential(w, 'i', Fed(fed))
      expect(fed.counter.count).toBe(1)
      expect(result.get(Made)).toBe(made)
      expect(Object.isFrozen(made)).toBe(false)
    }
  })

  it('rule 19: values already frozen at the top are frozen below', async () => {
    const { Fed, w } = world((value) => value.list[0]!.deep.push(3))
    await failure(
      over(memory.medium().open(), w)
        .executor()
        .compute(w, Fed(Object.freeze(rich()))),
    )
  })

  it('rule 19: a Map, Set or Date that was frozen or sealed before can be protected no more, and is refused', async () => {
    const Fed = data('Fed', type<unknown>())
    const Made = data('Made', type<unknown>())
    for (const shut of [Object.freeze, Object.seal, Object.preventExtensions] as (<T>(value: T) => T)[]) {
      for (const make of [() => new Map(), () => new Set(), () => new Date(0)]) {
        const b = builder({ name: 'b', optionals: { fed: Fed }, produces: Made, process: () => [shut(make())] })
        const run = over(memory.medium().open(), workflow({ name: 'w', builders: [b], target: Made })).executor()
        const error = await refusal(run.compute('w', Fed({ in: shut(make()) })), 'DATA_INVALID')
        expect(error.message).toContain(`a frozen ${make().constructor.name}`)
        await failure(run.compute('w', Fed(1)), 'PRODUCT_INVALID')
      }
    }
  })

  it('rule 19: one that a value had before may become part of another value', async () => {
    const { Fed, Made } = world()
    const b = builder({ name: 'b', consumes: { fed: Fed }, produces: Made, process: ({ fed }) => fed })
    const run = over(memory.medium().open(), workflow({ name: 'w', builders: [b], target: Made })).executor()
    expect((await run.compute('w', Fed(rich()))).target).toEqual(rich())
  })

  it('rule 19: bytes of a Buffer, and within a cycle, are copied, too', async () => {
    const Fed = data('Fed', type<unknown>())
    const Made = data('Made', type<{ bytes: Uint8Array; self?: unknown }>())
    const made: { bytes: Uint8Array; self?: unknown } = { bytes: Buffer.from([1, 2, 3]) }
    made.self = made
    const b = builder({ name: 'b', consumes: { fed: Fed }, produces: Made, process: () => made })
    const w = workflow({ name: 'w', builders: [b], target: Made })
    const result = await over(memory.medium().open(), w).executor().sequential(w, 'i', Fed(1))
    made.bytes.fill(0)
    result.target!.bytes.fill(9)
    expect([...result.target!.bytes]).toEqual([1, 2, 3])
    const again = result.target!.self as { bytes: Uint8Array }
    expect([...again.bytes]).toEqual([1, 2, 3])
  })
})
