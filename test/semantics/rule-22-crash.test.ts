import { workflow } from 'polaris-workflow'
import type { AnyWorkflow, HistoryEntry, Polaris } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore } from '../support/media.ts'
import type { Medium, StoreKind } from '../support/media.ts'
import { newLab, over, texts } from '../support/lab.ts'
import type { Part, Text } from '../support/lab.ts'
import { mortal } from '../support/mortal.ts'

type Mode = 'sequential' | 'parallel'
interface World {
  readonly workflow: AnyWorkflow
  /** What each call feeds. */
  readonly calls: readonly (readonly [Text, string])[]
  /** Every run: the builder with what it would make, and its key. */
  readonly runs: { readonly name: string; readonly made: string; readonly key: string }[]
  readonly target: string
  /** Runs are begun on committed data only, so every one of them is known after a crash. */
  readonly eager: boolean
}

interface Shape {
  readonly durability: 'builder' | 'scope'
  readonly pure: boolean
  readonly loops: boolean
}

function world({ durability, pure, loops }: Shape, later: boolean): World {
  const [A, X, B, C, M, D, T] = texts('A', 'X', 'B', 'C', 'M', 'D', 'T')
  const lab = newLab()
  const runs: World['runs'] = []
  const noted =
    (name: string): NonNullable<Part['does']> =>
    (made, _, __, { idempotencyKey: key }) => {
      runs.push({ name, made, key })
      return later ? Promise.resolve(made) : made
    }
  const step = (name: string, from: readonly Text[], to: Text, optionals: readonly Text[] = []) =>
    lab.step(name, from, to, { optionals, pure, does: noted(name) })
  const builders = loops
    ? [step('c', [D], C), step('b', [A], B), step('d', [B], D, [C]), step('m', [C], M), step('t', [M, X], T)]
    : [
        lab.step('b', [A], B, { once: true, does: noted('b') }),
        step('c', [A], C),
        step('m', [C], M),
        step('d', [B, M], D),
        lab.step('t', [D, X], T, { does: noted('t') }),
      ]
  return {
    workflow: workflow({ name: 'w', builders, target: T, durability, loops, transients: loops ? [] : [M] }),
    calls: [
      [A, 'a1'],
      [X, 'x1'],
      [X, 'x2'],
    ],
    runs,
    target: loops ? 't(m(c(d(b(a1),-))),x2)' : 't(d(b(a1),m(c(a1))),x2)',
    eager: durability === 'builder',
  }
}

/** Feeds what is left, and answers how many calls were acknowledged before the process died, if it did. */
async function live(polaris: Polaris, { workflow, calls }: World, mode: Mode, from: number, death: Promise<'died'>) {
  for (let i = from; i < calls.length; i++) {
    const [data, value] = calls[i] as World['calls'][number]
    const end = await Promise.race([polaris.executor()[mode](workflow as never, 'i', data(value) as never), death])
    if (end === 'died') return { acknowledged: i, died: true }
  }
  return { acknowledged: calls.length, died: false }
}

const fedBy = (entries: readonly HistoryEntry[]): unknown[] =>
  entries.filter(({ outcome }) => outcome === 'fed').map(({ value }) => value)
const productsOf = (entries: readonly HistoryEntry[]): string[] =>
  entries.filter(({ outcome }) => outcome === 'produced').map((e) => `${e.scope}/${e.pass}/${e.builder}`)

async function crashAt(medium: Medium, made: World, mode: Mode, fatal: number, how: 'unsent' | 'answer lost') {
  const first = mortal(medium.open(), fatal, how)
  const { acknowledged, died } = await live(over(first.store, made.workflow), made, mode, 0, first.death)
  if (!died) return false
  const polaris = over(medium.open(), made.workflow)
  const stored = await polaris.history('i')
  const values = made.calls.map(([, value]) => value)
  // Nothing acknowledged is lost, and at most the call under way is there besides.
  expect(fedBy(stored)).toSatisfy((fed: unknown[]) => {
    const count = fed.length
    return (
      (count === acknowledged || count === acknowledged + 1) && values.slice(0, count).every((v, i) => fed[i] === v)
    )
  })
  const before = made.runs.splice(0)
  const interrupted = (await polaris.get('i'))?.status === 'running'
  if (interrupted) {
    const scope = stored.at(-1)!.scope
    const result = await polaris.executor().resume(made.workflow, 'i')
    expect(result.scope).toBe(scope)
    // What the scope had stored does not run again, but to make a transient that is gone.
    const kept = productsOf(stored.filter((entry) => entry.scope === scope)).map((each) => each.split('/')[2])
    const again = made.runs.map(({ name }) => name).filter((name) => kept.includes(name))
    expect(again.filter((name) => name !== 'm' || made.target.includes('-'))).toEqual([])
  }
  const never = new Promise<'died'>(() => undefined)
  await live(polaris, made, mode, fedBy(stored).length, never)
  const end = (await polaris.get('i'))!
  expect(end).toMatchObject({ status: 'completed', targetName: 'T' })
  expect(end.data['T']).toBe(made.target)
  const entries = await polaris.history('i')
  expect(fedBy(entries)).toEqual(values)
  // One product per builder, scope and pass; what was stored stands as it was.
  expect(new Set(productsOf(entries)).size).toBe(productsOf(entries).length)
  expect(entries.slice(0, stored.length)).toEqual(stored)
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
  checkRuns(made, [...before, ...made.runs])
  return true
}

function checkRuns(made: World, runs: World['runs']): void {
  expect([...new Set(runs.map(({ name }) => name))].sort()).toEqual(['b', 'c', 'd', 'm', 't'])
  if (!made.eager) return
  const keys = new Map<string, string>()
  for (const { made: text, key, name } of runs) {
    // `m` is made again for later scopes, on the same input.
    if (name === 'm') continue
    expect(keys.get(text) ?? key, `${name} keeps its key`).toBe(key)
    keys.set(text, key)
  }
  expect(new Set(keys.values()).size, 'different runs have different keys').toBe(keys.size)
}

const shapes: Shape[] = [
  { durability: 'builder', pure: false, loops: false },
  { durability: 'builder', pure: true, loops: false },
  { durability: 'scope', pure: false, loops: false },
  { durability: 'builder', pure: false, loops: true },
]

function cases(kind: StoreKind): void {
  for (const shape of shapes) {
    for (const mode of ['sequential', 'parallel'] as const) {
      for (const how of ['unsent', 'answer lost'] as const) {
        const words = `${mode}, durability ${shape.durability}${shape.pure ? ', pure' : ''}${shape.loops ? ', loops' : ''}`
        it(`rule 22: killed at any write (${how}; ${words}): nothing acknowledged is lost, and all gets done`, async () => {
          let deaths = 0
          for (const later of [false, true]) {
            for (let fatal = 1; ; fatal++) {
              const made = world(shape, later)
              const durable = { ...made, eager: made.eager && kind.text }
              if (!(await crashAt(kind.medium(), durable, mode, fatal, how))) break
              deaths++
            }
          }
          expect(deaths).toBeGreaterThanOrEqual(6)
        })
      }
    }
  }
}

describe('rule 22 and G1 to G3: a process that dies', () => {
  eachStore(cases)
})
