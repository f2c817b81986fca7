import { data, step, type } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { stepsOf } from '../../src/graph/data.ts'
import { stridesDown, stridesUp } from '../../src/graph/steps.ts'
import { problemsOf } from './lab.ts'

const text = type<string>()
const up = step(text, (old) => `${old}+`)

describe('steps between the versions of a data', () => {
  const Note = data('Note', text, {
    version: 4,
    from: { 2: step(text, (old) => `${old}3`), 3: step(text, (old) => `${old}4`) },
    down: { 3: (value) => `${value}/3`, 2: (value) => `${value}/2` },
  })
  const walk = (strides: ReturnType<typeof stridesUp>, value: unknown): unknown =>
    strides?.reduce((at, { apply }) => apply(at), value)

  it('follow on one another, upwards and back', () => {
    const steps = stepsOf(Note)
    expect(Note.version).toBe(4)
    expect(walk(stridesUp(steps, 2), 'a')).toBe('a34')
    expect(walk(stridesUp(steps, 3), 'a')).toBe('a4')
    expect(stridesUp(steps, 4)).toEqual([])
    expect(walk(stridesDown(steps, 2), 'a')).toBe('a/3/2')
    expect(stridesUp(steps, 3)?.map(({ to }) => to)).toEqual([4])
    expect(stridesDown(steps, 2)?.map(({ to }) => to)).toEqual([3, 2])
  })

  it('lead from no version that has none, nor to one', () => {
    expect(stridesUp(stepsOf(Note), 1)).toBeUndefined()
    expect(stridesDown(stepsOf(Note), 1)).toBeUndefined()
    expect(stridesUp(stepsOf(data('Bare', text, { version: 2 })), 1)).toBeUndefined()
  })

  it('are 1 and none where nothing is said', () => {
    expect(data('Plain', text).version).toBe(1)
    expect(stridesUp(stepsOf(data('Plain', text)), 1)).toEqual([])
  })

  it.each<[string, object, RegExp]>([
    ['a version that is no whole number', { version: 1.5 }, /'version' must be a whole number from 1, but is 1\.5/],
    ['a version from 0', { version: 0 }, /'version' must be a whole number from 1/],
    ['steps without a version', { from: { 1: up } }, /a step for version 1, but the data's version is 1: raise/],
    ['a step from the version itself', { version: 2, from: { 2: up } }, /a step for version 2, but the data's version/],
    ['a gap', { version: 4, from: { 1: up, 3: up } }, /a step for version 1, but none for version 2/],
    ['an end before the version', { version: 3, from: { 1: up } }, /a step for version 1, but none for version 2/],
    ['a bare function', { version: 2, from: { 1: () => 'x' } }, /'from\.1' must be made by step\(schema, …\), but is/],
    ['what is no version', { version: 2, from: { one: up } }, /'from' has a step for version one/],
    ['no object', { version: 2, from: up.up }, /'from' must be an object by version/],
    [
      'a way down that is no function',
      { version: 2, from: { 1: up }, down: { 1: up } },
      /'down\.1' must be a function/,
    ],
    ['a way down to an unknown schema', { version: 2, down: { 1: String } }, /whose schema is not known/],
    ['a gap on the way down', { version: 3, from: { 1: up, 2: up }, down: { 1: String } }, /none for version 2/],
    ['an unknown option', { versoin: 2 }, /no option 'versoin': did you mean 'version'\?/],
  ])('refuses %s', (_, options, says) => {
    expect(problemsOf(() => data('Note', text, options as never)).join()).toMatch(says)
  })
})
