import { describe, expect, it } from 'vitest'
import { ById } from '../../src/engine/instances/by-id.ts'
import type { Warm } from '../../src/engine/instances/driver.ts'
import { WarmOnes } from '../../src/engine/instances/warm.ts'
import { Stranded } from '../../src/engine/mail/stranded.ts'

const ids = Array.from({ length: 40 }, (_, i) => `id${i}`)

describe('instances at hand', () => {
  const kept = (warm: WarmOnes): string[] => ids.filter((id) => warm.get(id) !== undefined)

  it.each([0, 1, 2, 3, 10])('are never more than %i, and then at least half of them: those used last', (most) => {
    const warm = new WarmOnes(most)
    ids.forEach((id, i) => {
      warm.keep(id, {} as Warm)
      const now = kept(warm)
      expect(now.length).toBeLessThanOrEqual(most)
      const least = Math.min(i + 1, Math.floor(most / 2))
      expect(now.slice(-least || ids.length)).toEqual(ids.slice(i + 1 - least, i + 1))
    })
  })

  it('stay while they are used', () => {
    const warm = new WarmOnes(4)
    const used = {} as Warm
    for (const id of ids) {
      warm.keep('used', used)
      warm.keep(id, {} as Warm)
      expect(warm.get('used')).toBe(used)
    }
  })

  it('are gone once dropped, of whatever generation', () => {
    const warm = new WarmOnes(4)
    const first = {} as Warm
    for (const id of ['a', 'b', 'a']) warm.keep(id, first)
    warm.drop('a')
    expect(warm.get('a')).toBeUndefined()
    expect(warm.get('b')).toBe(first)
  })
})

describe('a map by id', () => {
  it('holds what a Map holds, whatever comes and goes', () => {
    const ours = new ById<number>()
    const theirs = new Map<string, number>()
    const few = ids.slice(0, 4)
    // Every fourth step takes one out, in an order that meets all cases: the only one, one of several, one that is not there.
    for (let step = 0; step < 500; step++) {
      const id = few[(step * 7 + (step >> 3)) % few.length] as string
      if ((step * 5 + (step >> 2)) % 4 < 2) {
        ours.delete(id)
        theirs.delete(id)
      } else {
        ours.set(id, step)
        theirs.set(id, step)
      }
      expect(few.map((each) => ours.get(each))).toEqual(few.map((each) => theirs.get(each)))
      expect(ours.isEmpty).toBe(theirs.size === 0)
    }
  })
})

describe('instances that trouble with the store has stranded', () => {
  it('are known for a lease, and do not pile up however long it lasts', () => {
    let now = 0
    const stranded = new Stranded({ now: () => now }, 1_000)
    for (const id of ids) {
      stranded.add(id)
      now += 100
      expect(stranded.size).toBeLessThanOrEqual(11)
    }
    expect(ids.filter((id) => stranded.has(id))).toEqual(ids.slice(-11))
    stranded.add('id30')
    now += 901
    stranded.add('id0')
    expect([stranded.has('id30'), stranded.has('id31'), stranded.size]).toEqual([true, false, 2])
    stranded.delete('id30')
    expect(stranded.has('id30')).toBe(false)
  })
})
