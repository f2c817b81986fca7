/** Cases: calls in which changes of every kind stand beside each other. */
import type { Change, DataStore, Header } from '../stores/contract.ts'
import {
  claimOne,
  delta,
  type Group,
  header,
  insertion,
  LONG,
  named,
  post,
  put,
  row,
  same,
  snapshot,
  stood,
  update,
} from './conformance-kit.ts'
import { settle, start } from './conformance-mail.ts'

/** What there is of an instance, and how it is due. */
interface Seen {
  readonly revision: number | undefined
  readonly counters: readonly (number | undefined)[]
  readonly holder: string | null | undefined
  readonly rows: readonly number[]
  readonly mail: readonly string[]
  readonly due: boolean
}

/** A change to what stands before it, and what must be there afterwards. */
interface Kind {
  readonly before?: (id: string) => Change
  readonly mailed?: boolean
  readonly change: (before: Header) => Change
  readonly loses?: true
  readonly seen: Seen
}

const held = (id: string): Change => ({ ...insertion(id, { holder: 'w-1' }), lease: LONG })
const free = (id: string): Change => insertion(id)

const KINDS: Readonly<Record<string, Kind>> = {
  insert: {
    change: ({ id }) => insertion(id, { wakeAt: 5 }, [row(1), row(2)]),
    seen: { revision: 1, counters: [0, 0], holder: null, rows: [1, 2], mail: [], due: true },
  },
  'direct start of a new instance': {
    change: ({ id }) => ({
      ...insertion(id, { mailAppended: 1, holder: 'w-1', wakeAt: 5 }, [row(1)]),
      lease: LONG,
      mail: { ...delta(id, 'direct').mail, body: undefined, seq: 1, outcome: null, handledAt: null },
    }),
    seen: { revision: 1, counters: [1, 0], holder: 'w-1', rows: [1], mail: ['direct'], due: false },
  },
  'direct start': {
    before: free,
    change: (before) => start(before, 'direct'),
    seen: { revision: 2, counters: [1, 0], holder: 'w-1', rows: [], mail: ['direct'], due: false },
  },
  'direct start that mail forestalls': {
    before: free,
    mailed: true,
    change: (before) => start(before, 'direct'),
    loses: true,
    seen: { revision: 1, counters: [1, 0], holder: null, rows: [], mail: ['mailed'], due: true },
  },
  'batch of products': {
    before: held,
    mailed: true,
    change: (before) => update(before, { wakeAt: 5 }, [row(1), row(2), row(3)]),
    seen: { revision: 2, counters: [1, 0], holder: 'w-1', rows: [1, 2, 3], mail: ['mailed'], due: false },
  },
  'lease given back': {
    before: held,
    change: (before) => ({ ...update(before, { holder: null }), lease: 0 }),
    seen: { revision: 2, counters: [0, 0], holder: null, rows: [], mail: [], due: true },
  },
  'end of a scope': {
    before: held,
    mailed: true,
    change: (before) => settle(before, 1),
    seen: { revision: 2, counters: [1, 1], holder: null, rows: [], mail: ['mailed: outcome 1'], due: false },
  },
  'end of a scope with mail that came': {
    before: held,
    mailed: true,
    change: (before) => update(before, { holder: null }, [row(1)]),
    seen: { revision: 2, counters: [1, 0], holder: null, rows: [1], mail: ['mailed'], due: true },
  },
  'change of one who lost the lease': {
    before: held,
    mailed: true,
    change: (before) => settle({ ...before, fence: 0 }, 1),
    loses: true,
    seen: { revision: 1, counters: [1, 0], holder: 'w-1', rows: [], mail: ['mailed'], due: false },
  },
  'change of what is not there': {
    change: ({ id }) => ({ ...start(header(id), 'direct'), rows: [row(1)] }),
    loses: true,
    seen: { revision: undefined, counters: [undefined, undefined], holder: undefined, rows: [], mail: [], due: false },
  },
}

async function look(store: DataStore, id: string): Promise<Seen> {
  const found = (await store.read(id))?.header
  const mail = await store.mail(id, { limit: 10 })
  return {
    revision: found?.revision,
    counters: [found?.mailAppended, found?.mailHandled],
    holder: found?.holder,
    rows: (await store.history(id, { limit: 10 })).map(({ seq }) => seq),
    mail: mail.map(({ requestId, outcome }) => (outcome === null ? requestId : `${requestId}: ${outcome}`)),
    due: (await claimOne(store, id)) !== undefined,
  }
}

async function mix(store: DataStore, count: number): Promise<void> {
  const kinds = Object.entries(KINDS)
  const all = named('i', count).flatMap((id, index) => {
    const kind = kinds[(index * 7) % kinds.length]
    return kind === undefined ? [] : [{ id, name: kind[0], ...kind[1] }]
  })
  await put(store, ...all.flatMap(({ id, before }) => before?.(id) ?? []))
  await post(store, ...all.flatMap(({ id, mailed }) => (mailed === true ? delta(id, 'mailed') : [])))
  const changes = all.map(({ id, before, change }) => change(before?.(id).header ?? header(id)))
  const answers = (await store.write(changes)).map((answer) => (answer.ok ? answer.mailAppended : 'lost'))
  const expected = all.map(({ loses, seen }) => (loses === true ? 'lost' : seen.counters[0]))
  same(answers, expected, 'the answers')
  for (const { id, name, seen } of all) same(await look(store, id), seen, `what stands after '${name}'`)
}

export const mixed: Group = {
  group: 'mixed',
  cases: [
    { name: 'one change of each kind in one call', run: ({ store }) => mix(store, Object.keys(KINDS).length) },
    { name: '128 changes of all kinds in one call', run: ({ store }) => mix(store, 128) },
    {
      name: 'mail goes on behind the number that a direct start took',
      async run({ store }) {
        await put(store, insertion('a'))
        await put(store, start(header('a'), 'direct'))
        same((await post(store, delta('a', 'mailed'))).mailAppended, 2, 'the counter')
        const { header: found } = await snapshot(store, 'a')
        same(await store.write([start(found, 'late')]), [stood(3)], 'the next direct start')
        const mail = await store.mail('a', { limit: 5 })
        same(
          mail.map(({ requestId }) => requestId),
          ['direct', 'mailed', 'late'],
          'the mail',
        )
      },
    },
  ],
}
