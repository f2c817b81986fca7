/** Cases: mail in changes, the counters of mail, and what `mail`, `request` and `prune` give. */
import type { Change, DataStore, Header, Mail } from '../stores/contract.ts'
import {
  type CaseBody,
  claimOne,
  delta,
  expectedOf,
  type Group,
  header,
  insertion,
  isDue,
  isNotDue,
  LONG,
  post,
  put,
  putOne,
  refuses,
  row,
  same,
  snapshot,
  stands,
  stood,
  update,
  waiting,
} from './conformance-kit.ts'

/** The record of a request that is worked on at once. */
function record(seq: number, requestId: string): Mail {
  const { mail } = delta('a', requestId)
  return { ...mail, mode: 'parallel', body: undefined, seq, outcome: null, handledAt: null }
}

/** A direct start: a change that compares the counter of mail and raises it by a record of its own. */
export function start(before: Header, requestId: string, fields: Partial<Header> = {}): Change {
  const mailAppended = before.mailAppended + 1
  const change = update(before, { mailAppended, holder: 'w-1', ...fields })
  const expected = { ...expectedOf(before), mailAppended: before.mailAppended }
  return { ...change, expected, lease: LONG, mail: record(mailAppended, requestId) }
}

/** The change that settles the scope of a mail. */
export function settle(before: Header, seq: number, fields: Partial<Header> = {}): Change {
  const change = update(before, { holder: null, wakeAt: null, mailHandled: seq, ...fields })
  return { ...change, handled: { seq, outcome: `outcome ${seq}`, at: 1_000 + seq } }
}

const counting: Group['cases'] = [
  {
    name: 'compared and equal, the counter becomes the header’s',
    async run({ store }) {
      const first = await putOne(store, insertion('a', { mailAppended: 3, mailHandled: 3 }))
      const change = start(first, 'r-4')
      same(await store.write([change]), [stood(4)], 'the answer')
      const { header: found } = await snapshot(store, 'a')
      same({ ...found, wakeAt: null }, change.header, 'the header')
    },
  },
  {
    name: 'compared and not equal, the change loses and leaves no trace',
    async run({ store }) {
      const first = await putOne(store, { ...insertion('a', { holder: 'w-1' }), lease: LONG })
      const current = await post(store, delta('a', 'r-1'))
      for (const change of [start(first, 'r-x'), start({ ...first, mailAppended: 2 }, 'r-x')]) {
        same(await store.write([{ ...change, rows: [row(1)] }]), [{ ok: false, current }], 'the answer')
        await stands(store, current, [])
        same(await store.mail('a', { limit: 5 }), [waiting(delta('a', 'r-1'), 1)], 'the mail')
        same(await store.request('a', 'r-x'), undefined, 'the record of the loser')
      }
    },
  },
  {
    name: 'a record of a request that is there already: the change is refused or loses, and leaves no trace',
    async run({ store }) {
      const first = await putOne(store, start(await putOne(store, insertion('a')), 'r-1'))
      const current = await putOne(store, settle(first, 1, { scope: 1 }))
      const mail = await store.mail('a', { limit: 5 })
      const [written] = await store.write([{ ...start(current, 'r-1'), rows: [row(1)] }])
      same(written?.ok, false, 'whether it applied')
      await stands(store, current, [])
      same(await store.mail('a', { limit: 5 }), mail, 'the mail')
    },
  },
  {
    name: 'not compared, the store keeps its own counter and answers it, whatever the header says',
    async run({ store }) {
      let last = await putOne(store, { ...insertion('a', { holder: 'w-1' }), lease: LONG })
      await post(store, delta('a', 'r-1'), delta('a', 'r-2'))
      for (const mailAppended of [0, 1, 7]) {
        const change = { ...update(last, { mailAppended }), lease: LONG }
        same(await store.write([change]), [stood(2)], `the answer to ${mailAppended}`)
        same((await snapshot(store, 'a')).header.mailAppended, 2, 'the counter')
        last = change.header
      }
      same((await post(store, delta('a', 'r-3'))).mailAppended, 3, 'the counter after one more')
    },
  },
  {
    name: 'an update that is compared in full but for the counter, and finds it raised, still loses by the others',
    async run({ store }) {
      const first = await putOne(store, insertion('a', { mailAppended: 1, mailHandled: 1 }))
      const second = await putOne(store, update(first))
      const late = start(first, 'r-2')
      same(await store.write([late]), [{ ok: false, current: second }], 'the answer')
    },
  },
]

const inChanges: Group['cases'] = [
  {
    name: 'an insert with the record of its request',
    async run({ store }) {
      const change = { ...insertion('a', { mailAppended: 1, holder: 'w-1' }), lease: LONG, mail: record(1, 'r-1') }
      await put(store, change)
      same(await store.request('a', 'r-1'), record(1, 'r-1'), 'the record')
      same(await store.append([delta('a', 'r-1')]), [{ ok: false, known: record(1, 'r-1') }], 'the request sent again')
      same(await store.mail('a', { limit: 5 }), [record(1, 'r-1')], 'the mail')
    },
  },
  {
    name: 'an insert that loses writes no mail',
    async run({ store }) {
      const current = await putOne(store, insertion('a'))
      const change = { ...insertion('a', { mailAppended: 1, token: 'late' }), mail: record(1, 'r-1') }
      same(await store.write([change]), [{ ok: false, current }], 'the answer')
      same(await store.request('a', 'r-1'), undefined, 'the record')
      same(await store.mail('a', { limit: 5 }), [], 'the mail')
    },
  },
  {
    name: 'a direct start and its end: the record, then its outcome',
    async run({ store }) {
      const first = await putOne(store, insertion('a', { mailAppended: 2, mailHandled: 2 }))
      const started = await putOne(store, start(first, 'r-3'))
      same(await store.request('a', 'r-3'), record(3, 'r-3'), 'the record')
      await put(store, settle(started, 3))
      const handled = { ...record(3, 'r-3'), outcome: 'outcome 3', handledAt: 1_003 }
      same(await store.request('a', 'r-3'), handled, 'the record with its outcome')
      same(await store.mail('a', { limit: 5 }), [handled], 'the mail')
      same(await store.append([delta('a', 'r-3')]), [{ ok: false, known: handled }], 'the request sent again')
    },
  },
  {
    name: 'an outcome drops the body of its mail, and of no other',
    async run({ store }) {
      const appends = [1, 2, 3].map((seq) => delta('a', `r-${seq}`))
      await post(store, ...appends, delta('b', 'r-2'))
      await put(store, settle(await isDue(store, 'a'), 2, { mailHandled: 0 }))
      const expected = appends.map((append, index) => {
        const mail = waiting(append, index + 1)
        return index === 1 ? { ...mail, body: undefined, outcome: 'outcome 2', handledAt: 1_002 } : mail
      })
      same(await store.mail('a', { limit: 5 }), expected, 'the mail')
      same(await store.mail('b', { limit: 5 }), [waiting(delta('b', 'r-2'), 1)], 'the mail of another instance')
    },
  },
  {
    name: 'a change that loses notes no outcome and keeps the body',
    async run({ store }) {
      const append = delta('a', 'r-1')
      await post(store, append)
      const claimed = await isDue(store, 'a')
      const late = settle({ ...claimed, fence: claimed.fence - 1 }, 1)
      same(await store.write([late]), [{ ok: false, current: claimed }], 'the answer')
      same(await store.request('a', 'r-1'), waiting(append, 1), 'the record')
    },
  },
  {
    name: 'an outcome of mail that is not there is ignored, the change applies',
    async run({ store }) {
      const first = await putOne(store, insertion('a'))
      const change = settle(first, 4, { mailHandled: 0 })
      await put(store, change)
      await stands(store, change.header, [])
      same(await store.mail('a', { limit: 5 }), [], 'the mail')
      await post(store, delta('a', 'r-1'))
      same(await store.request('a', 'r-1'), waiting(delta('a', 'r-1'), 1), 'mail that comes later')
    },
  },
  {
    name: 'one outcome and the next record in one change',
    async run({ store }) {
      const first = await putOne(store, start(await putOne(store, insertion('a')), 'r-1'))
      const change = { ...start(first, 'r-2', { mailHandled: 1 }), handled: { seq: 1, outcome: 'one', at: 5 } }
      await put(store, change)
      const records = [{ ...record(1, 'r-1'), outcome: 'one', handledAt: 5 }, record(2, 'r-2')]
      same(await store.mail('a', { limit: 5 }), records, 'the mail')
    },
  },
  {
    name: 'a bad row refuses mail, outcome and lease with it',
    needs: 'text',
    async run({ store }) {
      await post(store, delta('a', 'r-1'))
      const current = await isDue(store, 'a')
      const bad = { ...start(current, 'r-2'), rows: [row(1, { value: 41 })] }
      const [answer] = await store.write([{ ...bad, lease: 2 * LONG, handled: { seq: 1, outcome: 'x', at: 5 } }])
      same(answer !== undefined && 'error' in answer && answer.error.code, 'DATA_INVALID', 'its code')
      await stands(store, current, [])
      same(await store.mail('a', { limit: 5 }), [waiting(delta('a', 'r-1'), 1)], 'the mail')
    },
  },
]

const waking: Group['cases'] = [
  {
    name: 'settled with mail waiting and nobody holding it, it is due at once, whatever the header’s wakeAt',
    async run({ store }) {
      for (const [id, wakeAt] of [
        ['a', null],
        ['b', 9_000_000_000_000],
      ] as const) {
        const held = await putOne(store, { ...insertion(id, { holder: 'w-1' }), lease: LONG })
        await post(store, delta(id, 'r-1'))
        // The holder knows nothing of it: its header says that no mail came.
        same(await store.write([update(held, { holder: null, wakeAt })]), [stood(1)], 'the answer')
        same((await isDue(store, id)).mailAppended, 1, 'the counter')
      }
    },
  },
  {
    name: 'settled with more mail behind what was handled, it is due at once',
    async run({ store }) {
      await post(store, delta('a', 'r-1'), delta('a', 'r-2'))
      same(await store.write([settle(await isDue(store, 'a'), 1)]), [stood(2)], 'the first')
      same(await store.write([settle(await isDue(store, 'a'), 2)]), [stood(2)], 'the second')
      await isNotDue(store, 'a')
    },
  },
  {
    name: 'settled without mail, wakeAt is the header’s, though the header speaks of mail that never came',
    async run({ store }) {
      const first = await putOne(store, insertion('a'))
      const change = update(first, { mailAppended: 5, wakeAt: null })
      same(await store.write([change]), [stood(0)], 'the answer')
      await isNotDue(store, 'a')
      const later = update(change.header, { wakeAt: 9_000_000_000_000 })
      await store.write([later])
      same((await snapshot(store, 'a')).header.wakeAt, 9_000_000_000_000, 'wakeAt')
      await isNotDue(store, 'a')
    },
  },
  {
    name: 'an insert with mail that waits and nobody holding it is due at once',
    async run({ store }) {
      await put(store, { ...insertion('a', { mailAppended: 1 }), mail: record(1, 'r-1') }, insertion('b'))
      await isDue(store, 'a')
      await isNotDue(store, 'b')
    },
  },
  {
    name: 'with a holder, mail that waits does not wake it',
    async run({ store }) {
      await post(store, delta('a', 'r-1'))
      const claimed = await isDue(store, 'a')
      const going = await putOne(store, update(claimed))
      await stands(store, going, [])
      await isNotDue(store, 'a')
      await put(store, { ...update(going), lease: LONG })
      await isNotDue(store, 'a')
    },
  },
]

/** Appends and handles `count` mails of an instance; mail n at time 1,000 + n. */
async function handleAll(store: DataStore, id: string, count: number): Promise<void> {
  await post(store, ...Array.from({ length: count }, (_, index) => delta(id, `r-${index + 1}`)))
  let last = (await claimOne(store, id)) ?? header(id)
  for (let seq = 1; seq <= count; seq += 1) {
    last = await putOne(store, settle(last, seq, seq < count ? { holder: 'w-1', wakeAt: last.wakeAt } : {}))
  }
}

const reading: readonly CaseBody[] = [
  {
    name: 'pages of every size, in order of seq, handled or not',
    async run({ store }) {
      const appends = Array.from({ length: 23 }, (_, index) => delta('a', `r-${(index * 7) % 23}`))
      await post(store, ...appends, delta('ab', 'other'))
      await put(store, settle(await isDue(store, 'a'), 1))
      const expected = appends.map((append, index) => {
        const mail = waiting(append, index + 1)
        return index > 0 ? mail : { ...mail, body: undefined, outcome: 'outcome 1', handledAt: 1_001 }
      })
      for (const limit of [1, 2, 7, 22, 23, 24]) {
        const found: Mail[] = []
        for (let after = 0; ; after = found.length) {
          const page = await store.mail('a', after === 0 ? { limit } : { after, limit })
          if (page.length === 0) break
          same(page.length, Math.min(limit, 23 - found.length), `the size of a page of ${limit}`)
          found.push(...page)
        }
        same(found, expected, `the mail in pages of ${limit}`)
      }
    },
  },
  {
    name: 'seq counts as a number: 2 before 10 before 100',
    async run({ store }) {
      await post(store, ...Array.from({ length: 120 }, (_, index) => delta('a', `r-${index}`)))
      const seqs = (await store.mail('a', { after: 1, limit: 118 })).map(({ seq }) => seq)
      same(
        seqs,
        Array.from({ length: 118 }, (_, index) => index + 2),
        'the mail',
      )
    },
  },
  {
    name: 'what was read stays as it was',
    async run({ store }) {
      const append = delta('a', 'r-1')
      await post(store, append)
      const [page, one] = [await store.mail('a', { limit: 5 }), await store.request('a', 'r-1')]
      await put(store, settle(await isDue(store, 'a'), 1))
      same([page, one], [[waiting(append, 1)], waiting(append, 1)], 'what was read before')
      same((await store.request('a', 'r-1'))?.outcome, 'outcome 1', 'what is read now')
    },
  },
  {
    name: 'nothing for an unknown id, an unknown request, and behind the last',
    async run({ store }) {
      await post(store, delta('a', 'r-1'))
      same(await store.mail('b', { limit: 5 }), [], 'an unknown id')
      same(await store.mail('a', { after: 1, limit: 5 }), [], 'behind the last')
      same(await store.request('a', 'r'), undefined, 'an unknown request')
      same(await store.request('a', ''), undefined, 'the empty request')
      same(await store.request('b', 'r-1'), undefined, 'a request of an unknown id')
      same(await store.read('b'), undefined, 'asking makes no instance')
    },
  },
]

const pruning: readonly CaseBody[] = [
  {
    name: 'deletes mail handled before the time, and neither later mail nor such as waits',
    async run({ store }) {
      await handleAll(store, 'a', 4)
      await post(store, delta('a', 'r-5'))
      const before = (await snapshot(store, 'a')).header
      same(await store.prune(1_003, 100), 2, 'how many it were')
      same(
        (await store.mail('a', { limit: 9 })).map(({ seq }) => seq),
        [3, 4, 5],
        'what is left',
      )
      same(await store.request('a', 'r-2'), undefined, 'a request that was pruned')
      await stands(store, before, [])
      same(await store.prune(1_003, 100), 0, 'the second time')
    },
  },
  {
    name: 'at most the limit at a time, over all instances',
    async run({ store }) {
      for (const id of ['a', 'b', 'c']) await handleAll(store, id, 5)
      const counts = [await store.prune(9_999, 10), await store.prune(9_999, 10), await store.prune(9_999, 10)]
      same(counts, [10, 5, 0], 'how many it were')
      for (const id of ['a', 'b', 'c']) same(await store.mail(id, { limit: 9 }), [], `the mail of '${id}'`)
    },
  },
  {
    name: 'numbers go on where they were; a pruned request is new',
    async run({ store }) {
      await handleAll(store, 'a', 3)
      await store.prune(9_999, 100)
      same((await post(store, delta('a', 'r-1'))).mailAppended, 4, 'the counter')
      same(await store.mail('a', { limit: 5 }), [waiting(delta('a', 'r-1'), 4)], 'the mail')
      same((await isDue(store, 'a')).mailHandled, 3, 'what is handled')
    },
  },
]

const unlisted: CaseBody = {
  name: 'is refused where instances cannot be listed',
  needs: 'unlisted',
  run: ({ store }) => refuses('STORE_INVALID', 'prune', () => store.prune(9_999, 100)),
}

export const counters: Group = { group: 'mail counter', cases: counting }
export const mailing: Group = { group: 'mail in changes', cases: [...inChanges, ...waking] }
export const mailbox: Group = { group: 'mail', cases: reading }
export const prune: Group = {
  group: 'prune',
  cases: [...pruning.map((one) => ({ ...one, needs: 'lists' as const })), unlisted],
}
