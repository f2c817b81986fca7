/** Cases: what `append` does to a mailbox and to its instance. */
import type { Append, Appended } from '../stores/contract.ts'
import {
  brief,
  claimOne,
  delta,
  type Group,
  header,
  holds,
  insertion,
  isDue,
  isNotDue,
  listsAll,
  LONG,
  post,
  put,
  putOne,
  row,
  same,
  snapshot,
  stands,
  stood,
  update,
  waiting,
} from './conformance-kit.ts'

const STATUSES = ['running', 'waiting', 'completed', 'failed', 'retrying'] as const

function briefly(answers: readonly Appended[]): (number | string)[] {
  return answers.map(brief)
}

const creating: Group['cases'] = [
  {
    name: 'makes the instance where there is none, with its mail, and due at once',
    async run({ store }) {
      const fields = { status: 'waiting', scope: 0, pass: 0, version: 3, revision: 0 } as const
      const append = delta('a', 'r-1', { header: header('a', fields) })
      const [answer] = await store.append([append])
      const found = await snapshot(store, 'a')
      same(answer, { ok: true, seq: 1, header: found.header }, 'the answer')
      holds(found.header.wakeAt !== null, 'wakeAt is set')
      await stands(store, { ...header('a', fields), mailAppended: 1, wakeAt: found.header.wakeAt }, [])
      same(await store.mail('a', { limit: 10 }), [waiting(append, 1)], 'its mail')
      await listsAll(store, ['a'])
      const due = await claimOne(store, 'a', { serves: [{ workflow: 'ride', version: 3 }] })
      same(due?.mailAppended, 1, 'the mail of what is claimed')
    },
  },
  {
    name: 'the counter and wakeAt of an instance it makes are its own, whatever the header says',
    async run({ store }) {
      await post(store, delta('a', 'r-1', { header: header('a', { mailAppended: 9, wakeAt: null }) }))
      await post(store, delta('b', 'r-1', { header: header('b', { wakeAt: Number.MAX_SAFE_INTEGER }) }))
      same((await isDue(store, 'a')).mailAppended, 1, 'the counter')
      same((await isDue(store, 'b')).mailAppended, 1, 'the counter of the other')
    },
  },
  {
    name: 'an instance that was made so can be worked on like any other',
    async run({ store }) {
      await post(store, delta('a', 'r-1'))
      const claimed = await isDue(store, 'a')
      const change = update(claimed, { holder: null, wakeAt: null, mailHandled: 1, rows: 1 }, [row(1)])
      await put(store, { ...change, handled: { seq: 1, outcome: 'done', at: 7 } })
      await stands(store, change.header, [1])
    },
  },
  {
    name: "what expects a new instance is refused where there is one; 'existing' where there is none",
    async run({ store }) {
      const current = await putOne(store, insertion('a'))
      const answers = await store.append([
        delta('a', 'r-1', { expect: 'new' }),
        delta('b', 'r-1', { expect: 'existing' }),
        delta('c', 'r-1', { expect: 'new' }),
        delta('a', 'r-2', { expect: 'existing' }),
      ])
      same(answers[0], { ok: false, current }, "'new' where there is one")
      same(answers[1], { ok: false, current: undefined }, "'existing' where there is none")
      same(briefly(answers.slice(2)), [1, 1], 'those that fit')
      same(await store.read('b'), undefined, 'what was not made')
      same(await store.mail('b', { limit: 5 }), [], 'its mail')
      same(await store.request('a', 'r-1'), undefined, 'what was refused')
    },
  },
  {
    name: 'an append for another workflow is refused; another version is not',
    async run({ store }) {
      const current = await putOne(store, insertion('a'))
      const [refused] = await store.append([delta('a', 'r-1', { header: header('a', { workflow: 'parcel' }) })])
      same(refused, { ok: false, current }, 'another workflow')
      await stands(store, current, [])
      same(await store.mail('a', { limit: 5 }), [], 'the mail')
      await isNotDue(store, 'a')
      const [taken] = await store.append([
        delta('a', 'r-1', { header: header('a', { version: 2, incarnation: 'i-2' }) }),
      ])
      same(brief(taken), 1, 'another version and incarnation')
      const { version, incarnation } = (await snapshot(store, 'a')).header
      same([version, incarnation], [1, 'i-1'], 'version and incarnation')
    },
  },
  {
    name: 'a cancelled instance takes no mail; one of any other status does',
    async run({ store }) {
      const current = await putOne(store, insertion('a', { status: 'cancelled' }))
      same(await store.append([delta('a', 'r-1')]), [{ ok: false, current }], 'cancelled')
      same(await store.append([delta('a', 'r-1', { expect: 'existing' })]), [{ ok: false, current }], 'expected')
      await stands(store, current, [])
      await isNotDue(store, 'a')
      for (const status of STATUSES) {
        await put(store, insertion(status, { status }))
        same((await post(store, delta(status, 'r-1'))).status, status, 'the status')
      }
    },
  },
]

const raising: Group['cases'] = [
  {
    name: 'raises the counter, makes it due, and leaves all else of the header and the rows alone',
    async run({ store }) {
      const fields = {
        revision: 41,
        fence: 7,
        status: 'completed',
        mailAppended: 5,
        mailHandled: 5,
        claims: 2,
      } as const
      const before = await putOne(store, insertion('a', { ...fields, rows: 2, token: 'mine' }, [row(1), row(2)]))
      const append = delta('a', 'r-6', { header: header('a', { token: 'other', updatedAt: 5, createdAt: 5 }) })
      const after = await post(store, append)
      same({ ...after, wakeAt: null }, { ...before, mailAppended: 6 }, 'the header')
      await stands(store, after, [1, 2])
      same(await store.mail('a', { after: 5, limit: 5 }), [waiting(append, 6)], 'the mail')
      same((await isDue(store, 'a')).fence, 8, 'the fence of what is claimed')
    },
  },
  {
    name: 'while somebody holds the instance, wakeAt stays',
    async run({ store }) {
      const held = await putOne(store, insertion('a', { holder: 'w-1', wakeAt: 9_000_000_000_000 }))
      same(await post(store, delta('a', 'r-1')), { ...held, mailAppended: 1 }, 'the header')
      same(await post(store, delta('a', 'r-2')), { ...held, mailAppended: 2 }, 'the header after one more')
      await isNotDue(store, 'a')
      await put(store, { ...insertion('b', { holder: 'w-1' }), lease: LONG })
      const { wakeAt } = (await snapshot(store, 'b')).header
      same((await post(store, delta('b', 'r-1'))).wakeAt, wakeAt, 'the end of the lease')
      await isNotDue(store, 'b')
    },
  },
  {
    name: 'nobody holding it, mail wakes it before its retry or timer is due, and once',
    async run({ store }) {
      await put(store, insertion('a', { status: 'retrying', wakeAt: 9_000_000_000_000 }))
      await isNotDue(store, 'a')
      await post(store, delta('a', 'r-1'))
      await isDue(store, 'a')
      await isNotDue(store, 'a')
    },
  },
  {
    name: 'one that is due already keeps its place among what is claimed, however often more comes',
    async run({ store }) {
      await put(store, insertion('a', { wakeAt: 5 }))
      for (const requestId of ['r-1', 'r-2']) {
        same((await post(store, delta('a', requestId))).wakeAt, 5, 'since when it is due')
      }
    },
  },
  {
    name: 'never makes the holder lose',
    async run({ store }) {
      let last = await putOne(store, { ...insertion('a', { holder: 'w-1', mailAppended: 0 }), lease: LONG })
      for (let seq = 1; seq <= 20; seq += 1) {
        await post(store, delta('a', `r-${seq}`))
        const change = { ...update(last, { rows: seq }, [row(seq)]), lease: LONG }
        same(await store.write([change]), [stood(seq)], `the answer to change ${seq}`)
        last = change.header
      }
      const { mailAppended, rows, revision } = (await snapshot(store, 'a')).header
      same([mailAppended, rows, revision], [20, 20, 21], 'mail, rows and revision')
    },
  },
  {
    name: 'numbers its mail 1, 2, 3, in the order given, within a call and over calls',
    async run({ store }) {
      const appends = Array.from({ length: 30 }, (_, index) => delta(['a', 'b', 'c'][index % 3] ?? 'a', `r-${index}`))
      const answers = await store.append(appends)
      same(
        briefly(answers),
        appends.map((_, index) => 1 + Math.floor(index / 3)),
        'the answers',
      )
      same(briefly(await store.append([delta('c', 'x'), delta('a', 'x'), delta('c', 'y')])), [11, 11, 12], 'the second')
      const mail = await store.mail('c', { limit: 100 })
      const ofC = [...appends.filter(({ header: { id } }) => id === 'c'), delta('c', 'x'), delta('c', 'y')]
      same(
        mail,
        ofC.map((append, index) => waiting(append, index + 1)),
        'the mail',
      )
      same((await snapshot(store, 'b')).header.mailAppended, 10, 'the counter')
    },
  },
  {
    name: 'later ones of a call see what earlier ones did',
    async run({ store }) {
      const answers = await store.append([
        delta('a', 'r-1', { expect: 'existing' }),
        delta('a', 'r-2', { expect: 'new' }),
        delta('a', 'r-3', { expect: 'new' }),
        delta('a', 'r-4', { header: header('a', { workflow: 'parcel' }) }),
        delta('a', 'r-5', { expect: 'existing' }),
        delta('a', 'r-2', { expect: 'new' }),
      ])
      same(briefly(answers), ['not there', 1, 'refused', 'refused', 2, 'known 1'], 'the answers')
      same((await snapshot(store, 'a')).header.mailAppended, 2, 'the counter')
    },
  },
  {
    name: 'a call without appends',
    async run({ store }) {
      same(await store.append([]), [], 'the answer')
    },
  },
]

/** Sends the append again, in the ways it must not matter, and compares what is there. */
const again: Group['cases'] = [
  {
    name: 'sent again, it is known, and nothing changes',
    async run({ store }) {
      await put(store, insertion('a', { holder: 'w-1', wakeAt: 9_000_000_000_000 }))
      const append = delta('a', 'r-1')
      const before = await post(store, append)
      const other: Append = { ...append, mail: { ...append.mail, body: 'other', hash: 'h1', mode: 'parallel' } }
      for (const one of [append, other]) {
        same(await store.append([one]), [{ ok: false, known: waiting(append, 1) }], 'the answer')
      }
      await stands(store, before, [])
      same(await store.mail('a', { limit: 5 }), [waiting(append, 1)], 'the mail')
    },
  },
  {
    name: 'twice in one call, the second is known',
    async run({ store }) {
      const answers = await store.append([delta('a', 'r-1'), delta('a', 'r-1'), delta('b', 'r-1'), delta('a', 'r-2')])
      same(briefly(answers), [1, 'known 1', 1, 2], 'the answers')
      same((await snapshot(store, 'a')).header.mailAppended, 2, 'the counter')
    },
  },
  {
    name: 'known when it was handled, with its outcome, and nobody is woken',
    async run({ store }) {
      const append = delta('a', 'r-1')
      await post(store, append)
      const claimed = await isDue(store, 'a')
      const change = update(claimed, { holder: null, wakeAt: null, mailHandled: 1 })
      await put(store, { ...change, handled: { seq: 1, outcome: '{"ok":1}', at: 77 } })
      const known = { ...waiting(append, 1), body: undefined, outcome: '{"ok":1}', handledAt: 77 }
      same(await store.append([append]), [{ ok: false, known }], 'the answer')
      await stands(store, change.header, [])
      await isNotDue(store, 'a')
    },
  },
  {
    name: 'known whatever else would refuse it',
    async run({ store }) {
      const append = delta('a', 'r-1')
      const first = await post(store, append)
      const answers = await store.append([
        { ...append, expect: 'new' },
        { ...append, header: header('a', { workflow: 'parcel' }) },
        { ...append, header: header('a', { workflow: 'parcel' }), expect: 'new' },
      ])
      same(briefly(answers), ['known 1', 'known 1', 'known 1'], 'the answers')
      const cancelled = await putOne(store, update(first, { status: 'cancelled', mailHandled: 1, wakeAt: null }))
      same(
        briefly(await store.append([append, { ...append, expect: 'existing' }])),
        ['known 1', 'known 1'],
        'cancelled',
      )
      await stands(store, cancelled, [])
    },
  },
  {
    name: 'a request id is of its instance only',
    async run({ store }) {
      same(
        briefly(await store.append([delta('a', 'r:1'), delta('a:r', '1'), delta('b', 'r:1')])),
        [1, 1, 1],
        'the answers',
      )
      same(await store.request('a:r', 'r:1'), undefined, 'a request of another')
      same((await store.request('b', 'r:1'))?.seq, 1, 'its own')
    },
  },
]

export const appending: Group = { group: 'append', cases: [...creating, ...raising] }
export const repeating: Group = { group: 'append again', cases: again }
