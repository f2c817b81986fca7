import { describe, expect, it } from 'vitest'
import { freezeDeep } from '../../src/engine/values/freeze.ts'

describe('freezeDeep', () => {
  it('ends on a cycle that branches, which a walk without memory would follow 2^100 times', () => {
    const value: { left?: unknown; right?: unknown } = {}
    value.left = value
    value.right = [value, value]
    expect(freezeDeep(value)).toBe(false)
    expect(Object.isFrozen(value)).toBe(true)
    expect(Object.isFrozen(value.right)).toBe(true)
  })

  it('ends on parts that are shared many times over', () => {
    let value: object = { bytes: new Uint8Array(1) }
    for (let level = 0; level < 60; level++) value = { left: value, right: value }
    expect(freezeDeep(value)).toBe(true)
  })

  it('needs no stack for depth', () => {
    const innermost = { n: 1 }
    let value: object = innermost
    for (let level = 0; level < 200_000; level++) value = level % 2 === 0 ? [value] : { value }
    expect(freezeDeep(value)).toBe(false)
    expect(Object.isFrozen(innermost)).toBe(true)
  })

  it('freezes what hangs below a Map, a Set and a value that was frozen at the top only', () => {
    const inner = [{ n: 1 }, { n: 2 }, { n: 3 }] as const
    freezeDeep(Object.freeze({ map: new Map([[inner[0], inner[1]]]), set: new Set([inner[2]]) }))
    for (const value of inner) expect(Object.isFrozen(value)).toBe(true)
  })
})
