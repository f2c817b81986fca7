import { builder, data, nothing, service, step, type, workflow } from 'polaris-workflow'
import type { AnyWorkflow, UpgradeReport } from 'polaris-workflow'
import { Polaris } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eachStore, strictMemory } from '../support/media.ts'
import { dataOf, deferred, newLab, over, refusal, texts, until } from '../support/lab.ts'

const [A, B, C, D, X] = texts('A', 'B', 'C', 'D', 'X')

describe('polaris.upgrade', () => {
  eachStore((kind) => {
    it('moves open instances without waiting for their next scope, and has what is due run', async () => {
      const lab = newLab()
      const [b, c] = [lab.step('b', [A], B), lab.step('c', [B, X], C)]
      const one = workflow({ name: 'w', builders: [b, c], target: C })
      const two = workflow({ name: 'w', version: 2, builders: [b, c, lab.step('d', [B], D)], target: C })
      const medium = kind.medium()
      const before = over(medium.open(), one).executor()
      for (let i = 0; i < 5; i++) await before.sequential(one, `i${i}`, A(`a${i}`))
      await before.sequential(one, 'through', A('a'), X('x'))
      lab.look()
      const polaris = over(medium.open(), one, two)
      const reports: UpgradeReport[] = []
      const onProgress = (at: UpgradeReport) => void reports.push(at)
      const report = await polaris.upgrade({ workflow: 'w' }, { concurrency: 2, onProgress })
      expect(report).toEqual({ moved: 5, failed: 0, busy: 0, stranded: [] })
      expect(reports.map(({ moved }) => moved)).toEqual([2, 4, 5])
      expect(lab.look()).toEqual(['d', 'd', 'd', 'd', 'd'])
      expect(await polaris.summary('i3')).toMatchObject({ version: 2, status: 'waiting' })
      expect(await polaris.summary('through')).toMatchObject({ version: 1, status: 'completed' })
      expect(await over(medium.open(), two).executor().sequential(two, 'i3', X('x3'))).toMatchObject({
        ...{ version: 2, target: 'c(b(a3),x3)' },
      })
      expect(await polaris.upgrade({ workflow: 'w' })).toEqual({ moved: 0, failed: 0, busy: 0, stranded: [] })
    })
  })

  it('moves one instance and no other; what is over or there already stays', async () => {
    const lab = newLab()
    const [b, c] = [lab.step('b', [A], B), lab.step('c', [B, X], C)]
    const one = workflow({ name: 'w', builders: [b, c], target: C })
    const two = workflow({ name: 'w', version: 2, builders: [b, c, lab.step('d', [B], D)], target: C })
    const medium = strictMemory.medium()
    const before = over(medium.open(), one).executor()
    for (const id of ['i', 'j']) await before.sequential(one, id, A('a'))
    await before.sequential(one, 'over', A('a'), X('x'))
    lab.look()
    const polaris = over(medium.open(), one, two)
    const none = { moved: 0, failed: 0, busy: 0, stranded: [] }
    expect(await polaris.upgrade('i')).toEqual({ ...none, moved: 1 })
    expect(lab.look()).toEqual(['d'])
    const stand = async () => Promise.all(['i', 'j', 'over'].map(async (id) => (await polaris.summary(id))?.version))
    expect(await stand()).toEqual([2, 1, 1])
    expect(await polaris.upgrade('i')).toEqual(none)
    expect(await polaris.upgrade('over')).toEqual(none)
    expect(await polaris.upgrade('i', { to: 1 })).toMatchObject({ moved: 0, stranded: [{ name: 'D', ids: ['i'] }] })
    await refusal(polaris.upgrade('nobody'), 'INSTANCE_NOT_FOUND')
    await refusal(polaris.upgrade('j', { to: 3 }), 'VERSION_NOT_SERVED')
    await refusal(polaris.upgrade(' '), 'ID_INVALID')
    await refusal(polaris.upgrade('j', { from: 1 } as never), 'OPTION_INVALID')
    expect(await stand()).toEqual([2, 1, 1])
  })

  it('one that is cancelled while it moves holds up no other', async () => {
    const lab = newLab()
    const [b, c] = [lab.step('b', [A], B), lab.step('c', [B, X], C)]
    const hangs = (signal: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('told to end'))))
    const d = lab.step('d', [B], D, { does: (made, run, _, { signal }) => (run === 1 ? hangs(signal) : made) })
    const one = workflow({ name: 'w', builders: [b, c], target: C })
    const two = workflow({ name: 'w', version: 2, builders: [b, c, d], target: C })
    const medium = strictMemory.medium()
    const before = over(medium.open(), one).executor()
    for (let i = 0; i < 3; i++) await before.sequential(one, `i${i}`, A(`a${i}`))
    const polaris = over(medium.open(), one, two)
    const upgrading = polaris.upgrade({ workflow: 'w' }, { concurrency: 1 })
    await until(() => lab.ran.includes('d'))
    await polaris.cancel('i0')
    expect(await upgrading).toEqual({ moved: 2, failed: 0, busy: 0, stranded: [] })
  })

  it('ends with its Polaris: what is under way is finished, and nothing further begun', async () => {
    const lab = newLab()
    const gates = [deferred(), deferred(), deferred()]
    const [b, c] = [lab.step('b', [A], B), lab.step('c', [B, X], C)]
    const d = lab.step('d', [B], D, { does: (made, run) => gates[run - 1]!.promise.then(() => made) })
    const one = workflow({ name: 'w', builders: [b, c], target: C })
    const two = workflow({ name: 'w', version: 2, builders: [b, c, d], target: C })
    const medium = strictMemory.medium()
    const before = over(medium.open(), one).executor()
    for (let i = 0; i < 3; i++) await before.sequential(one, `i${i}`, A(`a${i}`))
    const polaris = over(medium.open(), one, two)
    const upgrading = refusal(polaris.upgrade({ workflow: 'w' }, { concurrency: 1 }), 'CLOSED')
    await until(() => lab.ran.includes('d'))
    const closing = polaris.close()
    gates[0]!.resolve()
    await Promise.race([closing, until(() => lab.ran.filter((name) => name === 'd').length > 1)])
    for (const gate of gates) gate.resolve()
    await closing
    await upgrading
    const headers = await Promise.all([0, 1, 2].map(async (i) => (await medium.join().read(`i${i}`))?.header))
    expect(headers.map((header) => [header?.version, header?.holder])).toEqual([
      [2, null],
      [1, null],
      [1, null],
    ])
  })

  it.each(['one', 'all'])('what a migration of sensitive data throws is not told (%s)', async (how) => {
    const Card = data('Card', type<string>(), { sensitive: true })
    const Number = data('Number', type<string>(), { sensitive: true })
    const throws = (card: unknown): never => {
      throw new Error(`no digits in ${JSON.stringify(card)}`)
    }
    const make = (card: typeof Card, version: number, rest: object): AnyWorkflow => {
      const t = builder({ name: 't', consumes: { card, x: X }, produces: C, process: ({ x }) => x })
      return workflow({ name: 'w', version, builders: [t], target: C, ...rest } as never)
    }
    const one = make(Card, 1, {})
    const two = make(Number as never, 2, { migrate: { from: 1, data: how === 'all' ? throws : { Card: throws } } })
    const medium = strictMemory.medium()
    await over(medium.open(), one).executor().sequential('w', 'i', Card('4111'))
    const preview = await over(medium.open(), one, two).preview('i')
    expect(preview).toMatchObject({
      possible: false,
      because: [{ message: expect.stringContaining("'migrate' threw") as string }],
    })
    expect(JSON.stringify(preview)).not.toContain('4111')
  })

  it('one of a version that is not here stays where it is, and holds up no other', async () => {
    const lab = newLab()
    const builders = [lab.step('b', [A], B), lab.step('c', [B, X], C)]
    const [one, two, three] = [1, 2, 3].map((version) => workflow({ name: 'w', version, builders, target: C }))
    const medium = strictMemory.medium()
    await over(medium.open(), one!).executor().sequential('w', 'old', A('a'))
    for (let i = 0; i < 3; i++)
      await over(medium.open(), two!)
        .executor()
        .sequential('w', `i${i}`, A(`a${i}`))
    const report = await over(medium.open(), two!, three!).upgrade({ workflow: 'w' })
    expect(report).toMatchObject({ moved: 3, stranded: [{ reason: 'unserved', count: 1, ids: ['old'] }] })
  })

  const versions = (lab = newLab()) => {
    const b = lab.step('b', [A], B)
    const one = workflow({ name: 'w', builders: [b, lab.step('c', [B, X], C)], target: C })
    const two = (options: object): AnyWorkflow =>
      workflow({ name: 'w', version: 2, builders: [b, lab.step('c', [B, X], C)], target: C, ...options } as never)
    return { lab, b, one, two }
  }

  it('takes instances back by the steps that lead down', async () => {
    const [v1, v2] = [z.string(), z.object({ text: z.string() })]
    const In1 = data('In', v1)
    const In2 = data('In', v2, {
      version: 2,
      from: { 1: step(v1, (text) => ({ text })) },
      down: { 1: ({ text }) => text },
    })
    const Go = data('Go', type<true>())
    const Out = data('Out', type<string>())
    const one = workflow({
      ...{ name: 'w', target: Out },
      builders: [builder({ name: 'o', consumes: { x: In1, go: Go }, produces: Out, process: ({ x }) => x })],
    })
    const two = workflow({
      ...{ name: 'w', version: 2, target: Out, policy: 'upgrade' },
      builders: [builder({ name: 'o', consumes: { x: In2, go: Go }, produces: Out, process: ({ x }) => `${x.text}2` })],
    } as const)
    const medium = strictMemory.medium()
    const polaris = over(medium.open(), one, two)
    await polaris.executor().sequential(two, 'i', In2({ text: 'a' }))
    expect(await polaris.upgrade({ workflow: 'w' }, { to: 1 })).toMatchObject({ moved: 1 })
    expect(await dataOf(polaris, 'i')).toEqual({ In: 'a' })
    expect(await over(medium.open(), one).executor().sequential(one, 'i', Go(true))).toMatchObject({
      version: 1,
      target: 'a',
    })
  })

  it('leaves as they are those that cannot move, and says why', async () => {
    const { lab, one, two } = versions()
    const medium = strictMemory.medium()
    const before = over(medium.open(), one).executor()
    await before.sequential(one, 'i', A('a1'))
    await before.sequential(one, 'x', X('x1'))
    const newer = two({ builders: [lab.step('c', [X], C)] })
    const polaris = over(medium.open(), one, newer)
    expect(await polaris.upgrade({ workflow: 'w' })).toMatchObject({
      moved: 1,
      stranded: [
        { reason: 'forgotten', name: 'A', count: 1, ids: ['i'] },
        { reason: 'forgotten', name: 'B', count: 1, ids: ['i'] },
      ],
    })
    expect((await polaris.list()).items.map(({ id, version }) => [id, version])).toEqual([
      ['i', 1],
      ['x', 2],
    ])
  })

  it('counts those where what became due has failed, which have moved', async () => {
    const { lab, one, b, two } = versions()
    const medium = strictMemory.medium()
    await over(medium.open(), one).executor().sequential(one, 'i', A('a1'))
    const fails = lab.step('d', [B], D, {
      does: () => {
        throw new Error('down')
      },
    })
    const polaris = over(medium.open(), one, two({ builders: [b, fails, lab.step('c', [B, X], C)] }))
    expect(await polaris.upgrade({ workflow: 'w' })).toMatchObject({ moved: 1, failed: 1 })
    expect(await polaris.summary('i')).toMatchObject({ version: 2, status: 'failed' })
  })

  it('leaves alone what others work on, and takes its turn after calls of its own process', async () => {
    const gate = deferred()
    const lab = newLab()
    const slow = lab.step('b', [A], B, { does: (made) => gate.promise.then(() => made) })
    const one = workflow({ name: 'w', builders: [slow, lab.step('c', [B, X], C)], target: C })
    const two = workflow({ name: 'w', version: 2, builders: [slow, lab.step('c', [B, X], C)], target: C })
    const medium = strictMemory.medium()
    const busy = over(medium.open(), one)
    const running = busy.executor().sequential(one, 'i', A('a1'))
    await until(() => lab.ran.length > 0)
    const other = over(medium.join(), one, two)
    expect(await other.upgrade({ workflow: 'w' })).toMatchObject({ moved: 0, busy: 1 })
    busy.register(two as never)
    const upgrading = busy.upgrade({ workflow: 'w' })
    gate.resolve()
    expect(await running).toMatchObject({ version: 1 })
    expect(await upgrading).toMatchObject({ moved: 1, busy: 0 })
  })

  it('takes a query, ends with its signal, and refuses what it does not know', async () => {
    const { one, two } = versions()
    const medium = strictMemory.medium()
    const polaris = over(medium.open(), one, two({}))
    for (const id of ['a', 'b', 'c']) await over(medium.open(), one).executor().sequential(one, id, A('a1'))
    const abort = new AbortController()
    const onProgress = () => abort.abort()
    expect(
      await polaris.upgrade({ workflow: 'w' }, { concurrency: 1, signal: abort.signal, onProgress }),
    ).toMatchObject({ moved: 1 })
    expect(await polaris.upgrade({ workflow: 'w', version: 7 })).toMatchObject({ moved: 0 })
    expect(await polaris.upgrade({ workflow: 'w', status: 'failed' })).toMatchObject({ moved: 0 })
    expect(await polaris.upgrade({ workflow: 'w', version: 1 })).toMatchObject({ moved: 2 })
    await refusal(polaris.upgrade({ workflow: 'x' }), 'WORKFLOW_NOT_FOUND')
    await refusal(polaris.upgrade({ workflow: 'w' }, { to: 9 }), 'VERSION_NOT_SERVED')
    await refusal(polaris.upgrade({ workflow: 'w', versions: 1 } as never), 'OPTION_INVALID')
  })
})

describe('polaris.versions', () => {
  it('counts open instances by version, with the oldest and the last touched', async () => {
    const { one, two } = { ...versionsOf() }
    const medium = strictMemory.medium()
    const polaris = over(medium.open(), one)
    await polaris.executor().sequential(one, 'a', A('a1'))
    await polaris.executor().sequential(one, 'b', A('a1'))
    await polaris.executor().sequential(one, 'b', A('a2'))
    await polaris.executor().sequential(one, 'through', A('a1'), X('x1'))
    await over(medium.open(), two).executor().sequential(two, 'c', A('a1'))
    const counts = await polaris.versions()
    expect(counts).toMatchObject([
      { workflow: 'w', version: 1, open: 2, byStatus: { running: 0, waiting: 2, retrying: 0, failed: 0 } },
      { workflow: 'w', version: 2, open: 1 },
    ])
    const [a, b] = [await polaris.summary('a'), await polaris.summary('b')]
    expect(counts[0]).toMatchObject({ oldest: a?.createdAt, lastTouched: b?.updatedAt })
  })
})

describe('polaris.shadow', () => {
  const In = data('In', type<number>())
  const Sum = data('Sum', type<number>())
  const Text = data('Text', z.string())
  const Rate = service<number>()('rate')
  const sums = (process: (x: number) => unknown, pure = true) =>
    builder({ name: 'sum', consumes: { x: In }, produces: Sum, pure, process: ({ x }) => process(x) as number })
  const texts = builder({ name: 'text', consumes: { x: Sum }, produces: Text, pure: true, process: ({ x }) => `=${x}` })
  const flow = (sum: ReturnType<typeof sums>, options: object = {}): AnyWorkflow =>
    workflow({ name: 'w', builders: [sum, texts], target: Text, ...options })
  const started = async () => {
    const polaris = over(strictMemory.medium().open(), flow(sums((x) => x + 1)))
    for (const x of [1, 2, 3]) await polaris.executor().sequential('w', `i${x}`, In(x))
    return polaris
  }

  it('shows what pure builders of a newer version would make of stored data, one on the other, and changes nothing', async () => {
    const polaris = await started()
    const before = await polaris.history('i2')
    expect(
      await polaris.shadow(
        'i2',
        flow(
          sums((x) => x + (x > 1 ? 2 : 1)),
          { version: 2 },
        ),
      ),
    ).toEqual([
      {
        ...{ id: 'i2', from: 1, to: 2, ran: 2 },
        differences: [
          { builder: 'sum', data: 'Sum', stored: 3, made: 4 },
          { builder: 'text', data: 'Text', stored: '=3', made: '=4' },
        ],
      },
    ])
    expect(await polaris.history('i2')).toEqual(before)
    expect(
      await polaris.shadow(
        'i1',
        flow(
          sums((x) => x + (x > 1 ? 2 : 1)),
          { version: 2 },
        ),
      ),
    ).toMatchObject([{ differences: [] }])
    expect(await polaris.shadow('nobody', flow(sums((x) => x)))).toEqual([])
  })

  it('takes stored products where a builder is not pure, and says what was thrown, refused or left out', async () => {
    const polaris = await started()
    const effects = await polaris.shadow(
      'i1',
      flow(
        sums(() => 100, false),
        { version: 2 },
      ),
    )
    expect(effects).toMatchObject([{ ran: 1, differences: [] }])
    const throws = await polaris.shadow(
      'i1',
      flow(
        sums(() => {
          throw new Error('down')
        }),
        { version: 2 },
      ),
    )
    expect(throws).toMatchObject([{ differences: [{ builder: 'sum', stored: 2, error: 'down' }] }])
    const none = await polaris.shadow(
      'i1',
      flow(
        sums(() => nothing('not now')),
        { version: 2 },
      ),
    )
    expect(none).toMatchObject([{ ran: 1, differences: [{ builder: 'sum', stored: 2, because: 'not now' }] }])
    const odd = await polaris.shadow(
      'i1',
      flow(
        sums(() => undefined),
        { version: 2 },
      ),
    )
    expect(odd[0]?.differences[0]?.error).toContain('it returned undefined')
  })

  it('takes a query, services, and instances that could not move', async () => {
    const polaris = await started()
    await polaris.executor().sequential('w', 'open', Sum(5))
    await refusal(polaris.shadow('i1', {} as AnyWorkflow), 'WORKFLOW_NOT_FOUND')
    const rated = builder({
      ...{ name: 'sum', consumes: { x: In }, services: { rate: Rate }, produces: Sum, pure: true },
      process: ({ x }, { services: { rate } }) => x * rate,
    })
    const newer = workflow({ name: 'w', version: 2, builders: [rated, texts], target: Text })
    await refusal(polaris.shadow('i1', newer), 'SERVICE_MISSING')
    const medium = strictMemory.medium()
    const older = flow(sums((x) => x + 1))
    await over(medium.open(), older).executor().sequential('w', 'i', In(3))
    const served = new Polaris({ store: medium.open(), services: { rate: 10 } }).register(older as never)
    expect(await served.shadow('i', newer)).toMatchObject([{ differences: [{ made: 30 }, { made: '=30' }] }])
    expect(await served.shadow({ limit: 5 }, newer)).toEqual([])
    const bare = workflow({ name: 'w', version: 2, builders: [texts], target: Text })
    expect(await served.shadow('i', bare)).toMatchObject([{ ran: 0, because: [{ reason: 'forgotten', name: 'In' }] }])
  })
})

function versionsOf() {
  const lab = newLab()
  const b = lab.step('b', [A], B)
  const one = workflow({ name: 'w', builders: [b, lab.step('c', [B, X], C)], target: C })
  const two = workflow({ name: 'w', version: 2, builders: [b, lab.step('c', [B, X], C)], target: C })
  return { one, two }
}
