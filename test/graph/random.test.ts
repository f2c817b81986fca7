import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { compileAll, graphFor, type Parts } from './lab.ts'

interface Case {
  readonly parts: readonly Parts[]
  readonly size: number
}

/** Builder `bi` makes `Di`; edges lead anywhere but to itself, fed data are `Fi`. */
const cases: fc.Arbitrary<Case> = fc.integer({ min: 1, max: 14 }).chain((size) => {
  const some = fc.array(fc.tuple(fc.boolean(), fc.nat(size - 1)), { maxLength: 3 })
  return fc.array(fc.tuple(some, some, some), { minLength: size, maxLength: size }).map((all) => ({
    size,
    parts: all.map(([consumes, optionals, accesses], i) => {
      const names = (inputs: readonly (readonly [boolean, number])[], own: boolean): string[] => [
        ...new Set(inputs.filter(([fed, n]) => own || fed || n !== i).map(([fed, n]) => `${fed ? 'F' : 'D'}${n}`)),
      ]
      return {
        name: `b${i}`,
        consumes: names(consumes, false),
        optionals: names(optionals, false),
        accesses: names(accesses, true),
        makes: `D${i}`,
      }
    }),
  }))
})

/** Whether `to` reads what `from` makes, by declared number: rule 1, read off the definition. */
function edge({ parts }: Case, from: number, to: number): boolean {
  return [...(parts[to]?.consumes ?? []), ...(parts[to]?.optionals ?? [])].includes(`D${from}`)
}

function reachability(size: number, has: (from: number, to: number) => boolean): boolean[][] {
  const all = Array.from({ length: size }, (_, i) => i)
  const reach = all.map((from) => all.map((to) => has(from, to)))
  for (const via of all) {
    for (const from of all) for (const to of all) if (reach[from]?.[via] && reach[via]?.[to]) reach[from][to] = true
  }
  return reach
}

/** Rule 3 to the letter: edges into the first-declared member of each component go, again and again. */
function naiveCut(given: Case): Set<string> {
  const cut = new Set<string>()
  const has = (from: number, to: number): boolean => edge(given, from, to) && !cut.has(`${from}>${to}`)
  for (;;) {
    const reach = reachability(given.size, has)
    const first = reach.findIndex((row, node) => row[node] === true)
    if (first < 0) return cut
    reach.forEach((row, from) => {
      if (has(from, first) && row[first] && reach[first]?.[from]) cut.add(`${from}>${first}`)
    })
  }
}

test.prop([cases], { numRuns: 500 })('rules 1 to 4 hold for random graphs with loops', (given) => {
  const made = compileAll(given.parts, { loops: true, target: 'D0' })
  const { nodes, slots, isAncestor } = graphFor(made)
  const cut = naiveCut(given)
  const follows = (from: number, to: number): boolean => edge(given, from, to) && !cut.has(`${from}>${to}`)
  const reach = reachability(given.size, follows)
  const indexOf = new Map(nodes.map(({ declared, index }) => [declared, index]))
  const rankOf = new Map(nodes.map(({ declared, rank }) => [declared, rank]))

  // Rule 3: the edges cut are those that the rule names, and what is left has no cycle.
  const cutHere = slots.flatMap(({ producer, laterReaders }) =>
    laterReaders.map((reader) => `${nodes[producer]?.declared}>${nodes[reader]?.declared}`),
  )
  expect(new Set(cutHere)).toEqual(cut)
  expect(reach.some((row, node) => row[node])).toBe(false)

  for (let to = 0; to < given.size; to++) {
    // Rule 2: topological and as early as possible.
    const before = Array.from({ length: given.size }, (_, from) => from).filter((from) => follows(from, to))
    expect(rankOf.get(to)).toBe(Math.max(-1, ...before.map((from) => rankOf.get(from) ?? NaN)) + 1)
    for (let from = 0; from < given.size; from++) {
      expect(isAncestor(indexOf.get(from) ?? -1, indexOf.get(to) ?? -1)).toBe(reach[from]?.[to])
    }
  }
  // Rule 2: ties keep declaration order.
  const sorted = [...nodes].sort((a, b) => a.rank - b.rank || a.declared - b.declared)
  expect(nodes.map(({ declared }) => declared)).toEqual(sorted.map(({ declared }) => declared))
  // Rule 1: an access looks back unless an ancestor makes what it shows.
  for (const { declared, inputs } of nodes) {
    for (const { key, lookback } of inputs) {
      const from = /^a_D(\d+)$/.exec(key)?.[1]
      if (from !== undefined) expect(lookback).toBe(!reach[Number(from)]?.[declared])
    }
  }
  // Rule 4: unreachable are those from which no edge, cut or not, leads to the target.
  const whole = reachability(given.size, (from, to) => edge(given, from, to))
  const lost = nodes.filter(({ declared }) => declared !== 0 && !whole[declared]?.[0])
  expect(made.plan.unreachable).toEqual(lost.map(({ name }) => name))
})

test.prop([cases], { numRuns: 300 })(
  'rule 3: without loops, a definition is refused exactly if it has a cycle',
  (given) => {
    const cyclic = reachability(given.size, (from, to) => edge(given, from, to)).some((row, node) => row[node])
    const define = () => compileAll(given.parts, { target: 'D0' })
    if (cyclic) expect(define).toThrow('there is a cycle: ')
    else expect(define().plan.ranks.flat()).toHaveLength(given.size)
  },
)

test.prop([cases], { numRuns: 200 })('rule 3: the cycle that is named is one', (given) => {
  let message = ''
  try {
    compileAll(given.parts, { target: 'D0' })
  } catch (error) {
    message = (error as Error).message
  }
  for (const [, path = ''] of message.matchAll(/there is a cycle: (.*);/g)) {
    const steps = [...path.matchAll(/b(\d+)(?: -\(D(\d+)\)->)?/g)].map(([, node, data]) => [Number(node), Number(data)])
    for (const [i, [from = -1, made]] of steps.slice(0, -1).entries()) {
      expect(made).toBe(from)
      expect(edge(given, from, steps[i + 1]?.[0] ?? -1)).toBe(true)
    }
    expect(steps.at(-1)?.[0]).toBe(steps[0]?.[0])
    expect(steps.length).toBeGreaterThan(2)
  }
})
