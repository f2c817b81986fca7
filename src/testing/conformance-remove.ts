/** Cases: instances that are taken away, and tombstones in their place. */
import type { Change, DataStore, Header } from '../stores/contract.ts'
import {
  brief,
  type CaseBody,
  delta,
  expectedOf,
  type Group,
  header,
  insertion,
  isDue,
  isNotDue,
  listsAll,
  named,
  post,
  put,
  putOne,
  row,
  rowsOf,
  same,
  seqsOf,
  snapshot,
  stands,
  stood,
  update,
  walk,
} from './conformance-kit.ts'
import { DONE, grave, hasNothing, isGone, removal, removalRaces } from './conformance-remove-race.ts'

/** An instance with a history, handled mail, and mail that waits. */
async function full(store: DataStore, id: string, fields: Partial<Header> = {}): Promise<Header> {
  await put(
    store,
    insertion(
      id,
      fields,
      rowsOf(1, 4, (seq) => `d:${seq % 2}`),
    ),
  )
  const { header: created } = await snapshot(store, id)
  await post(store, delta(id, 'handled'), delta(id, 'waiting'))
  const change = update(created, { mailHandled: 1, rows: 6 }, [row(5), row(6, { place: 'd:0' })])
  const written = await store.write([{ ...change, handled: { seq: 1, outcome: 'done', at: 7 } }])
  same(written, [stood(2)], `what became of '${id}'`)
  return (await snapshot(store, id)).header
}

const going: readonly CaseBody[] = [
  {
    name: 'header, rows, mail and requests go, of that instance and of no other',
    async run({ store }) {
      const [a, b] = [await full(store, 'a'), await full(store, 'b')]
      same(await store.remove([removal(a)]), [DONE], 'the answer')
      await isGone(store, 'a')
      for (const request of ['handled', 'waiting']) same(await store.request('a', request), undefined, 'a request')
      await isNotDue(store, 'a')
      await listsAll(store, ['b'])
      await stands(store, b, [1, 2, 3, 4, 5, 6])
      same((await store.mail('b', { limit: 5 })).length, 2, 'the mail of the other')
    },
  },
  {
    name: 'what is gone loses every change, and an id that is used again sees no trace',
    async run({ store }) {
      const old = await full(store, 'a', { createdAt: 5 })
      await store.remove([removal(old)])
      same(await store.write([update(old)]), [{ ok: false, current: undefined }], 'a change of what is gone')
      same(await store.remove([removal(old)]), [{ ok: false, current: undefined }], 'one more removal')
      await isGone(store, 'a')
      const fresh = await putOne(
        store,
        insertion('a', { incarnation: 'i-2', createdAt: 9 }, [row(1, { place: 'd:1' })]),
      )
      await stands(store, fresh, [1])
      same(seqsOf((await snapshot(store, 'a')).rows), [1], 'the newest rows')
      same((await store.append([delta('a', 'handled')])).map(brief), [1], 'the old request')
      same(
        await store.write([update(old)]),
        [{ ok: false, current: (await snapshot(store, 'a')).header }],
        'a late one',
      )
    },
  },
  {
    name: 'loses where incarnation, revision or fence differ, and changes nothing',
    async run({ store }) {
      const current = await full(store, 'a', { revision: 5, fence: 5 })
      const others = [{ incarnation: 'other' }, { revision: 4 }, { revision: 7 }, { fence: 4 }, { fence: 6 }]
      for (const other of others) {
        for (const tombstone of [undefined, grave('a')]) {
          const answer = await store.remove([removal({ ...current, ...other }, tombstone)])
          same(answer, [{ ok: false, current }], `the answer with ${JSON.stringify(other)}`)
        }
      }
      same(await store.remove([removal(header('x'), grave('x'))]), [{ ok: false, current: undefined }], 'of nothing')
      await isGone(store, 'x')
      await stands(store, current, [1, 2, 3, 4, 5, 6])
      same((await store.mail('a', { limit: 5 })).length, 2, 'the mail')
    },
  },
  {
    name: 'loses to mail that came meanwhile if it compares the counter; else the mail goes too',
    async run({ store }) {
      const before = await putOne(store, insertion('a'))
      const counted = { ...expectedOf(before), mailAppended: 0 }
      const current = await post(store, delta('a', 'r-1'))
      same(await store.remove([{ id: 'a', expected: counted }]), [{ ok: false, current }], 'the answer')
      await stands(store, current, [])
      same(await store.remove([{ id: 'a', expected: { ...counted, mailAppended: 1 } }]), [DONE], 'compared as it is')
      await isGone(store, 'a')
      const other = await putOne(store, insertion('b'))
      await post(store, delta('b', 'r-1'))
      same(await store.remove([removal(other)]), [DONE], 'not compared')
      await isGone(store, 'b')
    },
  },
  {
    name: 'each of a call for itself, answered in the order given',
    async run({ store }) {
      const ids = named('i', 60)
      await put(store, ...ids.map((id, index) => insertion(id, { rows: 1, createdAt: 60 - index }, [row(1)])))
      const removals = [...ids].reverse().map((id, index) => {
        const before = header(id, { revision: index % 3 === 0 ? 2 : 1 })
        return removal(before, index % 2 === 0 ? undefined : grave(id, { mailAppended: index, mailHandled: index }))
      })
      const answers = await store.remove([...removals, removal(header('x'))])
      for (const [index, { id }] of removals.entries()) {
        const stays = index % 3 === 0
        const mailAppended = index % 2 === 0 ? 0 : index
        same(answers[index]?.ok, !stays, `whether '${id}' went`)
        if (!stays) same(answers[index], { ok: true, mailAppended, cancelling: 0 }, 'the answer')
        const status = (await store.read(id))?.header.status
        same(status, stays ? 'running' : index % 2 === 0 ? undefined : 'deleted', `what stands for '${id}'`)
      }
      same(answers[removals.length], { ok: false, current: undefined }, 'of one that never was')
      same(await store.remove([]), [], 'a call without removals')
    },
  },
  {
    name: 'handled mail that went is not pruned from the next instance of the id',
    needs: 'lists',
    async run({ store }) {
      const old = await full(store, 'a')
      await store.remove([removal(old)])
      await put(store, insertion('a', { incarnation: 'i-2' }))
      await post(store, delta('a', 'handled'), delta('a', 'waiting'))
      same(await store.prune(1_000, 10), 0, 'how much is pruned')
      same((await store.mail('a', { limit: 5 })).length, 2, 'the mail')
    },
  },
  {
    name: '1,500 rows and 300 letters at once',
    async run({ store }) {
      const before = await putOne(
        store,
        insertion(
          'a',
          { rows: 1_500 },
          rowsOf(1, 1_500, (seq) => `d:${seq % 700}`),
        ),
      )
      const letters = Array.from({ length: 300 }, (_, index) => delta('a', `r-${index}`))
      await post(store, ...letters)
      same(await store.remove([removal(before, grave('a'))]), [DONE], 'the answer')
      await stands(store, grave('a'), [])
      await hasNothing(store, 'a')
    },
  },
  {
    name: 'odd ids too',
    async run({ store }) {
      for (const id of ['__proto__', `a'"\\/`, 'Рейс 🚕', 'x'.repeat(512)]) {
        const before = await full(store, id)
        same(await store.remove([removal(before, grave(id))]), [DONE], `the answer for '${id}'`)
        await stands(store, grave(id), [])
        same(await store.remove([removal(grave(id))]), [DONE], `the answer for the tombstone of '${id}'`)
        await isGone(store, id)
      }
      await listsAll(store, [])
    },
  },
]

const graves: readonly CaseBody[] = [
  {
    name: 'a tombstone stands in its place just as it was given, but asks for no cancelling',
    async run({ store }) {
      const before = await full(store, 'a')
      const tombstone = grave('a', { revision: 9, fence: 8, workflow: 'parcel', version: 3, createdAt: 77, claims: 2 })
      const given = { ...tombstone, mailAppended: 12, mailHandled: 3, cancelling: 5, holder: 'who', settled: 4 }
      const answer = await store.remove([removal(before, given)])
      same(answer, [stood(12)], 'the answer')
      await stands(store, { ...given, cancelling: 0 }, [])
      await hasNothing(store, 'a')
      same(await store.request('a', 'handled'), undefined, 'a request')
    },
  },
  {
    name: 'it takes no mail, makes inserts lose, and can be changed like any header',
    async run({ store }) {
      await store.remove([removal(await putOne(store, insertion('a')), grave('a'))])
      const current = grave('a')
      same(await store.write([insertion('a')]), [{ ok: false, current }], 'an insert')
      for (const expect of [{}, { expect: 'new' }, { expect: 'existing' }] as const) {
        same(await store.append([delta('a', 'r-1', expect)]), [{ ok: false, current }], 'an append')
      }
      same(await store.append([delta('a', 'r-1', { cancels: true })]), [{ ok: false, current }], 'one that cancels')
      await stands(store, current, [])
      const change = update(current, { wakeAt: 5 })
      await put(store, change)
      await stands(store, change.header, [])
    },
  },
  {
    name: 'it is claimed when it is due, and not before; and goes in its turn',
    async run({ store }) {
      const [a, b] = [await putOne(store, insertion('a')), await putOne(store, insertion('b'))]
      await store.remove([removal(a, grave('a', { wakeAt: 5 })), removal(b, grave('b'))])
      const claimed = await isDue(store, 'a')
      same([claimed.status, claimed.fence], ['deleted', 2], 'status and fence')
      await isNotDue(store, 'b')
      same(await store.remove([removal(a)]), [{ ok: false, current: claimed }], 'by the one who had it before')
      same(await store.remove([removal(claimed)]), [DONE], 'by the one who has it')
      await isGone(store, 'a')
    },
  },
  {
    name: 'a new instance takes the place of a tombstone in one step, created anew',
    async run({ store }) {
      const before = await putOne(store, insertion('a', { createdAt: 5 }))
      await store.remove([removal(before, grave('a', { createdAt: 5 }))])
      const fresh = header('a', { incarnation: 'i-2', createdAt: 50, status: 'waiting', wakeAt: null })
      same(await store.remove([removal(grave('a'), fresh)]), [DONE], 'the answer')
      const change = update(fresh, { rows: 1 }, [row(1)])
      await put(store, change)
      await stands(store, change.header, [1])
      same((await store.append([delta('a', 'r-1')])).map(brief), [1], 'mail')
      await listsAll(store, ['a'])
      same(
        await store.remove([removal(grave('a'))]),
        [{ ok: false, current: (await snapshot(store, 'a')).header }],
        'late',
      )
    },
  },
  {
    name: 'a change of another incarnation begins the id anew in its place, in one step, as an insert would',
    async run({ store }) {
      const odd = grave('a', { workflow: '', version: 0, createdAt: 5, revision: 9, fence: 4, claims: 3 })
      await store.remove([removal(await full(store, 'a', { createdAt: 9 }), odd)])
      await store.remove([removal(await full(store, 'b', { createdAt: 7 }), grave('b', { createdAt: 7 }))])
      const expected = { ...expectedOf(odd), mailAppended: 0 }
      const fresh = header('a', { incarnation: 'i-2', createdAt: 50, rows: 2, mailAppended: 1, holder: 'me' })
      const mail = { ...delta('a', 'handled').mail, seq: 1, outcome: null, handledAt: null }
      const change = { expected, header: { ...fresh, wakeAt: 77 }, rows: [row(1), row(2)], mail }
      for (const other of [{ incarnation: 'other' }, { revision: 8 }, { fence: 5 }, { mailAppended: 1 }]) {
        const lost = await store.write([{ ...change, expected: { ...expected, ...other } }])
        same(lost, [{ ok: false, current: odd }], `the answer with ${JSON.stringify(other)}`)
      }
      same(await store.write([change]), [stood(1)], 'the answer')
      await stands(store, change.header, [1, 2])
      same(
        (await store.mail('a', { limit: 5 })).map(({ requestId }) => requestId),
        ['handled'],
        'the mail',
      )
      same(await store.write([change]), [{ ok: false, current: change.header }], 'the same change again')
      same((await store.append([delta('a', 'r-1')])).map(brief), [2], 'mail that comes then')
      await put(store, update((await snapshot(store, 'a')).header, { rows: 3, holder: null, mailHandled: 2 }, [row(3)]))
      same(seqsOf(await store.history('a', { limit: 9 })), [1, 2, 3], 'the history')
      await listsAll(store, ['a'])
    },
  },
  {
    name: 'what begins anew and waits is due at once, in the lists of its own workflow and time',
    needs: 'lists',
    async run({ store }) {
      const odd = (id: string) => grave(id, { workflow: '', version: 0, createdAt: 5 })
      const ids = named('i', 9)
      await put(store, ...ids.map((id, index) => insertion(id, { createdAt: 100 + index })))
      await store.remove(ids.map((id) => removal(header(id), odd(id))))
      const begun = ids.filter((_, index) => index % 2 === 0)
      const changes = begun.map((id, index) => ({
        expected: { ...expectedOf(odd(id)), mailAppended: 0 },
        header: header(id, {
          ...{ incarnation: 'i-2', createdAt: 900 - index, status: 'waiting', holder: null, wakeAt: null },
          mailAppended: index === 0 ? 1 : 0,
        }),
        rows: [],
        ...(index === 0 && { mail: { ...delta(id, 'r-1').mail, seq: 1, outcome: null, handledAt: null } }),
      })) as readonly Change[]
      same(
        (await store.write(changes)).map(({ ok }) => ok),
        begun.map(() => true),
        'the answers',
      )
      same(await walk(store, { limit: 2, workflow: 'ride', version: 1 }), [...begun].reverse(), 'of the workflow')
      same(await walk(store, { limit: 2, status: 'waiting' }), [...begun].reverse(), 'those that wait')
      same((await walk(store, { limit: 2, status: 'deleted' })).length, ids.length - begun.length, 'the tombstones')
      await isDue(store, begun[0] ?? '')
      for (const id of begun.slice(1)) await isNotDue(store, id)
    },
  },
  {
    name: 'lists leave it out unless they ask for it, before and behind it',
    needs: 'lists',
    async run({ store }) {
      const ids = named('i', 30)
      await put(store, ...ids.map((id, index) => insertion(id, { createdAt: 100 + index })))
      const some = ids.filter((_, index) => index % 2 === 0)
      await store.remove(some.map((id) => removal(header(id), grave(id, { createdAt: 100 + ids.indexOf(id) }))))
      const left = ids.filter((_, index) => index % 2 === 1)
      for (const limit of [1, 4, 100]) same(await walk(store, { limit }), left, `all, ${limit} a page`)
      same(await walk(store, { limit: 4, workflow: 'ride', version: 1 }), left, 'of a workflow')
      same(await walk(store, { limit: 4, status: 'deleted' }), some, 'the tombstones')
      same(await walk(store, { limit: 4, status: ['deleted', 'running'] }), ids, 'both')
      same(await walk(store, { limit: 4, createdFrom: 110, createdBefore: 120 }), left.slice(5, 10), 'of a time')
    },
  },
]

export const removing: Group = { group: 'remove', cases: [...going, ...graves, ...removalRaces] }
