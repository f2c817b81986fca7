/** Cases: changes of an instance that somebody holds, one after the other, as a scope makes them. */
import type { Change, Expected, Header } from '../stores/contract.ts'
import { expectedOf, type Group, insertion, put, putOne, row, same, stands, update } from './conformance-kit.ts'

const HELD = { status: 'running', holder: 'h-1', wakeAt: 9, mailAppended: 2, rows: 1 } as const

/** Each is changed alone, so that what a store compares to find out how little it has to do is found lacking. */
const CHANGED: readonly Partial<Header>[] = [
  { workflow: 'parcel' },
  { version: 2 },
  { fingerprint: 'f1' },
  { status: 'failed' },
  { status: 'running' },
  { holder: 'h-2' },
  { fence: 2 },
  { mailHandled: 1 },
  { scope: 2 },
  { pass: 2 },
  { mode: 'parallel' },
  { settled: 1 },
  { claims: 3 },
  { updatedAt: 1_700_000_000_007 },
  { revision: 40 },
]

/** How a change leaves the lease: the same, begun anew, given back. */
const FORMS: readonly { readonly how: string; readonly of: (change: Change) => Change }[] = [
  { how: 'goes on', of: (change) => change },
  { how: 'takes the lease', of: (change) => ({ ...change, lease: 1_000 }) },
  { how: 'gives it back', of: (change) => ({ ...change, header: { ...change.header, holder: null } }) },
]

export const held: Group = {
  group: 'held',
  cases: [
    {
      name: 'each member of the header changes alone',
      async run({ store }) {
        let before = await putOne(store, insertion('a', HELD, [row(1)]))
        for (const fields of CHANGED) {
          before = await putOne(store, update(before, fields))
          await stands(store, before, [1])
        }
      },
    },
    ...FORMS.map(({ how, of }) => ({
      name: `P1: a change of an instance that another bore the id of before loses, where it ${how}`,
      async run({ store }: Parameters<Group['cases'][number]['run']>[0]) {
        const stood = await putOne(store, insertion('a', HELD, [row(1)]))
        const late = update({ ...stood, incarnation: 'i-0' }, { rows: 2 }, [row(2)])
        same(await store.write([of(late)]), [{ ok: false, current: stood }], 'what became of it')
        await stands(store, stood, [1])
      },
    })),
    {
      name: 'P7: an update that expects the counter of mail sets it, also where it goes on',
      async run({ store }) {
        const before = await putOne(store, insertion('a', HELD))
        const expected: Expected = { ...expectedOf(before), mailAppended: 2 }
        const change = { ...update(before, { mailAppended: 3 }), expected }
        await put(store, change)
        await stands(store, change.header, [])
      },
    },
  ],
}
