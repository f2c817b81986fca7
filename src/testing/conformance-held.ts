/** Cases: changes of an instance that somebody holds, one after the other, as a scope makes them. */
import type { Change, Expected, Header } from '../stores/contract.ts'
import { expectedOf, type Group, insertion, put, putOne, row, same, stands, stood, update } from './conformance-kit.ts'

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

type Run = Parameters<Group['cases'][number]['run']>[0]

export const held: Group = {
  group: 'held',
  cases: [
    ...[true, false].map((told) => ({
      name: `each member of the header changes alone, and the lease stays as it is${told ? '' : ', where `before` is left out'}`,
      async run({ store }: Run) {
        let before = await putOne(store, insertion('a', HELD, [row(1)]))
        for (const fields of CHANGED) {
          const { before: known, ...change } = update(before, fields)
          before = change.header
          const header = { ...before, wakeAt: null }
          await put(store, told && known !== undefined ? { ...change, before: known, header } : { ...change, header })
          await stands(store, before, [1])
        }
      },
    })),
    {
      name: '`before` of another state than `expected` names counts as left out',
      async run({ store }) {
        const current = await putOne(store, insertion('a', HELD, [row(1)]))
        for (const other of [{ incarnation: 'i-0' }, { revision: 7 }, { fence: 7 }]) {
          const change = update({ ...current, ...other, status: 'failed' })
          const late = { ...change, before: { ...current, status: 'failed' as const } }
          same(await store.write([late]), [{ ok: false, current }], 'what became of it')
        }
        const other = { ...current, revision: 7, status: 'failed' as const }
        const right = { ...update(other), expected: expectedOf(current) }
        await put(store, right)
        await stands(store, right.header, [1])
      },
    },
    {
      name: 'P1: those of a batch whose instances have gone on lose, all others stand, each with its row',
      async run({ store }) {
        const begun = Array.from({ length: 40 }, (_, index) => insertion(`i-${index + 10}`, HELD, [row(1)]))
        await put(store, ...begun)
        const early = begun.map((change) => update(change.header, { rows: 2 }, [row(2)]))
        const isAhead = (_: unknown, index: number): boolean => index % 7 === 3
        await put(store, ...early.filter(isAhead))
        const late = begun.map((change) => update(change.header, { rows: 2, pass: 2 }, [row(2)]))
        const current = late.map(
          (change, index) => (isAhead(change, index) ? early[index] : change)?.header ?? change.header,
        )
        const answers = current.map((header, index) =>
          isAhead(header, index) ? { ok: false, current: header } : stood(2),
        )
        same(await store.write(late), answers, 'the answers')
        for (const header of current) await stands(store, header, [1, 2])
        const next = current.map((header) => update(header, { rows: 3 }, [row(3)]))
        for (const changes of [next.slice(0, 20), next.slice(20)]) await put(store, ...changes)
        for (const change of next) await stands(store, change.header, [1, 2, 3])
      },
    },
    ...FORMS.map(({ how, of }) => ({
      name: `P1: a change of an instance that another bore the id of before loses, where it ${how}`,
      async run({ store }: Run) {
        const current = await putOne(store, insertion('a', HELD, [row(1)]))
        const late = update({ ...current, incarnation: 'i-0' }, { rows: 2 }, [row(2)])
        same(await store.write([of(late)]), [{ ok: false, current }], 'what became of it')
        await stands(store, current, [1])
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
