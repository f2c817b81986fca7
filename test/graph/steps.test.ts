import { data, step, type } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { problemsOf } from './lab.ts'

const text = type<string>()
const up = step(text, (old) => `${old}+`)

describe('steps between the versions of a data', () => {
  it('are 1 where nothing is said', () => {
    expect(data('Plain', text).version).toBe(1)
    expect(data('Note', text, { version: 3, from: { 2: up } }).version).toBe(3)
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
