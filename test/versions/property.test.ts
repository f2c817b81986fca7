import { data, type, workflow } from 'polaris-workflow'
import type { AnyWorkflow, Polaris } from 'polaris-workflow'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { strictMemory } from '../support/media.ts'
import { dataOf, newLab, over } from '../support/lab.ts'
import type { Lab, Step, Text } from '../support/lab.ts'

/** A builder in short: what it reads and makes, by numbers of data. Data 0 to 2 are fed. */
interface Spec {
  readonly name: string
  readonly reads: readonly number[]
  readonly makes: number
  readonly once: boolean
  readonly version: number
}
interface Edit {
  readonly kind: 'remove' | 'add' | 'rewire' | 'raise' | 'renameBuilder' | 'renameData' | 'once'
  readonly at: number
  readonly to: number
  /** Whether the newer version says what it means: names what goes, and what has another name. */
  readonly says: boolean
}

const FED = 3
const specs = fc
  .array(fc.record({ reads: fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 2 }), once: fc.boolean() }), {
    ...{ minLength: 2, maxLength: 5 },
  })
  .map((drawn) =>
    drawn.map(({ reads, once }, i): Spec => {
      const makes = FED + i
      return { name: `b${i}`, reads: [...new Set(reads.map((read) => read % makes))], makes, once, version: 1 }
    }),
  )
const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom(
    ...(['remove', 'remove', 'remove', 'renameData', 'renameData', 'renameData'] as const),
    ...(['add', 'rewire', 'raise', 'renameBuilder', 'once'] as const),
  ),
  at: fc.nat(9),
  to: fc.nat(9),
  // One that says nothing is mostly stranded, whatever else is edited.
  says: fc.nat(3).map((n) => n > 0),
})
const scopes = fc.array(
  // The last one never comes, so that much of what is open waits for it.
  fc.record({ feeds: fc.uniqueArray(fc.nat(FED - 2), { minLength: 1 }), fails: fc.option(fc.nat(4)) }),
  {
    ...{ minLength: 1, maxLength: 3 },
  },
)

interface Newer {
  readonly specs: readonly Spec[]
  readonly becomes: Record<string, string | null>
  readonly builders: Record<string, string>
}

function apply({ specs, becomes, builders }: Newer, { kind, at, to, says }: Edit): Newer {
  // Mostly what goes is something that nobody reads: all else has to be rewired as well.
  const unread = specs.slice(0, -1).filter(({ makes }) => !specs.some(({ reads }) => reads.includes(makes)))
  const list = kind === 'remove' && unread.length > 0 && to < 8 ? unread : specs
  const spec = list[at % Math.max(list.length, 1)]
  if (spec === undefined) return { specs, becomes, builders }
  const others = specs.filter((other) => other !== spec)
  const change = (changed: Partial<Spec>) => specs.map((other) => (other === spec ? { ...other, ...changed } : other))
  if (kind === 'remove' && others.length > 0) {
    const goes = says ? { ...becomes, [`D${spec.makes}`]: null } : becomes
    return { specs: others, becomes: goes, builders }
  }
  if (kind === 'add') {
    const added = { name: `n${at}`, reads: [to % FED], makes: 20 + at, once: false, version: 1 }
    return specs.some(({ name }) => name === added.name)
      ? { specs, becomes, builders }
      : { specs: [added, ...specs], becomes, builders }
  }
  if (kind === 'rewire') return { specs: change({ reads: [to % Math.min(spec.makes, 10)] }), becomes, builders }
  if (kind === 'raise') return { specs: change({ version: spec.version + 1 }), becomes, builders }
  if (kind === 'once') return { specs: change({ once: !spec.once }), becomes, builders }
  if (kind === 'renameBuilder') {
    const name = `${spec.name}x`
    return {
      specs: change({ name }),
      becomes,
      builders: says ? { ...builders, [name]: builders[spec.name] ?? spec.name } : builders,
    }
  }
  if (kind === 'renameData' && spec.makes < 10) {
    const made = spec.makes + 10
    const renamed = specs.map((other) => ({
      ...other,
      makes: other === spec ? made : other.makes,
      reads: other.reads.map((read) => (read === spec.makes ? made : read)),
    }))
    return { specs: renamed, becomes: says ? { ...becomes, [`D${spec.makes}`]: `D${made}` } : becomes, builders }
  }
  return { specs, becomes, builders }
}

function build(
  lab: Lab,
  token: (n: number) => Text,
  list: readonly Spec[],
  options: object,
  fails: { now: string | undefined },
): AnyWorkflow | undefined {
  try {
    const builders = list.map(({ name, reads, makes, once, version }): Step =>
      lab.step(name, reads.map(token), token(makes), {
        ...{ once, options: { version } },
        does: (made) => {
          if (fails.now === name) throw new Error('down')
          return made
        },
      }),
    )
    const target = token((list.at(-1) as Spec).makes)
    return workflow({ name: 'w', builders, target, ...options } as never)
  } catch {
    // An edit that no graph comes of: a cycle, a name twice.
    return undefined
  }
}

async function reopen(medium: ReturnType<typeof strictMemory.medium>, ...versions: AnyWorkflow[]): Promise<Polaris> {
  return Promise.resolve(over(medium.open(), ...versions))
}

const OFTEN = ['moved', 'stranded', 'due', 'nothing due', 'after a failure', 'once with its product', 'completed by it']
const SOMETIMES = ['dropped', 'steps', 'builder renamed', 'stranded: forgotten']

it(
  'what check and preview say is what an upgrade then does, and no datum vanishes unnamed',
  { timeout: 120_000 },
  async () => {
    // What a property does not come across it does not hold for.
    const seen = new Map<string, number>()
    const see = (what: string, holds = true): void => void seen.set(what, (seen.get(what) ?? 0) + (holds ? 1 : 0))
    await fc.assert(
      fc.asyncProperty(specs, scopes, fc.array(edit, { minLength: 1, maxLength: 4 }), async (list, feeds, edits) => {
        const lab = newLab()
        const tokens = new Map<number, Text>()
        const token = (n: number): Text => {
          const found = tokens.get(n) ?? data(`D${n}`, type<string>())
          tokens.set(n, found)
          return found
        }
        const fails: { now: string | undefined } = { now: undefined }
        const older = build(lab, token, list, {}, fails)
        if (older === undefined) return
        const newer = edits.reduce(apply, { specs: list, becomes: {}, builders: {} } as Newer)
        const named = new Set(newer.specs.flatMap(({ reads, makes }) => [...reads, makes]).map((n) => `D${n}`))
        const becomes = Object.fromEntries(
          Object.entries(newer.becomes).filter(([, to]) => to === null || named.has(to)),
        )
        const names = new Set(newer.specs.map(({ name }) => name))
        const builders = Object.fromEntries(Object.entries(newer.builders).filter(([name]) => names.has(name)))
        const migrate = { from: 1, data: becomes, builders }
        const two = build(lab, token, newer.specs, { version: 2, policy: 'upgrade', migrate }, fails)
        if (two === undefined) return

        const medium = strictMemory.medium()
        const before = await reopen(medium, older)
        for (const [i, { feeds: fed, fails: failing }] of feeds.entries()) {
          fails.now = failing === null ? undefined : `b${failing}`
          const delta = fed.map((n) => token(n)(`v${n}.${i}`)).filter(({ name }) => older.plan.inputs.includes(name))
          if (delta.length > 0)
            await before
              .executor()
              .sequential('w', 'i', ...delta)
              .catch(() => undefined)
        }
        fails.now = undefined
        const view = await before.get('i')
        if (view === undefined || view.status === 'completed') return

        const polaris = await reopen(medium, older, two)
        const preview = await polaris.preview('i')
        const check = (await polaris.check([older, two])).workflows[0]?.versions[0]
        lab.look()
        const report = await polaris.upgrade({ workflow: 'w' })
        const ran = lab.look()
        if (preview?.possible !== true) {
          see('stranded')
          for (const { reason } of new Set(report.stranded)) see(`stranded: ${reason}`)
          expect(check).toMatchObject({ move: 0, stay: 1 })
          expect(report).toMatchObject({ moved: 0 })
          expect(report.stranded.length).toBeGreaterThan(0)
          expect(await dataOf(await reopen(medium, older, two), 'i')).toEqual({ ...view.data })
          return
        }
        see('moved')
        see('dropped', preview.dropped.length > 0)
        see('due', preview.due.length > 0)
        see('nothing due', preview.due.length === 0)
        see('steps', preview.steps.length > 0)
        see('builder renamed', Object.keys(builders).length > 0)
        see('after a failure', view.status === 'failed')
        see(
          'once with its product',
          list.some(({ once, makes }) => once && view.data[`D${makes}`] !== undefined),
        )
        see('completed by it', (await polaris.summary('i'))?.status === 'completed')
        expect(check).toMatchObject({ move: 1, stay: 0 })
        expect(Object.keys(check?.due ?? {}).sort()).toEqual([...preview.due].sort())
        expect(report).toMatchObject({ moved: 1, stranded: [] })
        // Every datum is there, under its name or its new one, or named as gone.
        for (const [name, value] of Object.entries(view.data)) {
          const became = Object.hasOwn(becomes, name) ? becomes[name] : name
          if (became === null) expect(preview.dropped).toContain(name)
          else expect(preview.data[became as string]).toBe(value)
        }
        // What was to run has run, each once at most, and nothing beyond what was said.
        for (const name of preview.due) expect(ran).toContain(name)
        expect(new Set(ran).size).toBe(ran.length)
        for (const name of ran) expect(preview.wouldRun).toContain(name)
        const after = await dataOf(await reopen(medium, older, two), 'i')
        const made = new Set(newer.specs.filter(({ name }) => ran.includes(name)).map(({ makes }) => `D${makes}`))
        for (const [name, value] of Object.entries(preview.data)) if (!made.has(name)) expect(after[name]).toBe(value)
        expect(await dataOf(polaris, 'i')).toEqual(after)
        // It is settled there: nothing runs that nobody asked for.
        await (await reopen(medium, older, two)).executor().resume('w', 'i')
        expect(lab.look()).toEqual([])
      }),
      { numRuns: Number(process.env['POLARIS_RUNS'] ?? 300) },
    )
    for (const what of OFTEN) expect(seen.get(what), what).toBeGreaterThan(20)
    for (const what of SOMETIMES) expect(seen.get(what), what).toBeGreaterThan(0)
  },
)
