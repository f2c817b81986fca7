/** Cases: mail that asks to cancel its instance, and what the instance is told of it. */
import type { Append, Header } from '../stores/contract.ts'
import {
  all,
  brief,
  type CaseBody,
  claim,
  delta,
  fail,
  type Group,
  header,
  insertion,
  isDue,
  isNotDue,
  LONG,
  named,
  oneToN,
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

/** Mail that asks to cancel the instance. */
function cancel(id: string, requestId = 'stop', fields: Parameters<typeof delta>[2] = {}): Append {
  return delta(id, requestId, { cancels: true, ...fields })
}

const FAR = 9_000_000_000_000

const asking: readonly CaseBody[] = [
  {
    name: 'it is mail like any other, whose number the header tells',
    async run({ store }) {
      const before = await putOne(store, insertion('a', { rows: 1, mailAppended: 4, mailHandled: 4 }, [row(1)]))
      const after = await post(store, cancel('a'))
      same({ ...after, wakeAt: null }, { ...before, mailAppended: 5, cancelling: 5 }, 'the header')
      await stands(store, after, [1])
      same(await store.mail('a', { after: 4, limit: 5 }), [waiting(cancel('a'), 5)], 'the mail')
      same((await isDue(store, 'a')).cancelling, 5, 'what a claim tells')
    },
  },
  {
    name: 'it makes no instance, whatever it expects',
    async run({ store }) {
      const answers = await store.append([
        cancel('a'),
        cancel('a', 'stop', { expect: 'existing' }),
        cancel('a', 'stop', { expect: 'new' }),
      ])
      same(answers.map(brief), ['not there', 'not there', 'not there'], 'the answers')
      same(await store.read('a'), undefined, 'what is there')
      same(await store.mail('a', { limit: 5 }), [], 'the mail')
    },
  },
  {
    name: 'it is refused for another workflow, and where a new instance is expected',
    async run({ store }) {
      const current = await putOne(store, insertion('a'))
      const answers = await store.append([
        cancel('a', 'stop', { header: header('a', { workflow: 'parcel' }) }),
        cancel('a', 'stop', { expect: 'new' }),
      ])
      same(answers, new Array(2).fill({ ok: false, current }), 'the answers')
      await stands(store, current, [])
      await isNotDue(store, 'a')
    },
  },
  {
    name: 'from then on nothing else is appended, within the call and later',
    async run({ store }) {
      await put(store, insertion('a'))
      const answers = await store.append([delta('a', 'r-1'), cancel('a'), delta('a', 'r-2'), cancel('a', 'stop again')])
      same(answers.map(brief), [1, 2, 'refused', 'refused'], 'the answers')
      const current = (await snapshot(store, 'a')).header
      same([current.mailAppended, current.cancelling], [2, 2], 'the counters')
      same(await store.append([delta('a', 'r-3')]), [{ ok: false, current }], 'the answer to a later one')
      same((await store.mail('a', { limit: 9 })).length, 2, 'how many letters there are')
    },
  },
  {
    name: 'a known request is answered all the same',
    async run({ store }) {
      await put(store, insertion('a'))
      await post(store, delta('a', 'r-1'), cancel('a'))
      const answers = await store.append([delta('a', 'r-1'), cancel('a'), { ...delta('a', 'r-1'), cancels: true }])
      same(answers.map(brief), ['known 1', 'known 2', 'known 1'], 'while it shall be cancelled')
      const { cancelling } = (await snapshot(store, 'a')).header
      const claimed = await isDue(store, 'a')
      const change = update(claimed, { status: 'cancelled', holder: null, wakeAt: null, mailHandled: 2 })
      same(await store.write([change]), [{ ok: true, mailAppended: 2, cancelling }], 'the answer')
      same((await store.append([delta('a', 'r-1'), cancel('a')])).map(brief), ['known 1', 'known 2'], 'when it is')
    },
  },
  {
    name: 'a cancelled instance refuses it',
    async run({ store }) {
      const current = await putOne(store, insertion('a', { status: 'cancelled' }))
      same(await store.append([cancel('a')]), [{ ok: false, current }], 'the answer')
      await stands(store, current, [])
    },
  },
  {
    name: 'while somebody holds the instance it leaves the lease alone; nobody holding it, it is due',
    async run({ store }) {
      const held = await putOne(store, insertion('a', { holder: 'w-1', wakeAt: FAR }))
      same(await post(store, cancel('a')), { ...held, mailAppended: 1, cancelling: 1 }, 'the header')
      await isNotDue(store, 'a')
      await put(store, insertion('b', { status: 'retrying', wakeAt: FAR }))
      await post(store, cancel('b'))
      await isDue(store, 'b')
    },
  },
]

const telling: readonly CaseBody[] = [
  {
    name: 'the holder is told with its next commit, and with each one after that',
    async run({ store }) {
      let last: Header = await putOne(store, { ...insertion('a', { holder: 'w-1' }), lease: LONG })
      await post(store, delta('a', 'r-1'))
      same(await store.write([update(last)]), [stood(1)], 'before')
      last = update(last).header
      await post(store, cancel('a'))
      for (let seq = 1; seq <= 3; seq += 1) {
        const lease = seq === 2 ? { lease: LONG } : {}
        const change = { ...update(last, { rows: seq, cancelling: seq }, [row(seq)]), ...lease }
        same(await store.write([change]), [stood(2, 2)], `the answer to change ${seq}`)
        last = change.header
      }
      const { cancelling, rows } = (await snapshot(store, 'a')).header
      same([cancelling, rows], [2, 3], 'cancelling and rows')
    },
  },
  {
    name: 'of several changes of a call each is told of its own instance',
    async run({ store }) {
      const ids = named('i', 40)
      await put(store, ...ids.map((id) => insertion(id, { mailAppended: 1, mailHandled: 1 })))
      const some = ids.filter((_, index) => index % 3 === 0)
      await post(store, ...some.map((id) => cancel(id)))
      const changes = ids.map((id) => update(header(id, { mailAppended: 1, mailHandled: 1 })))
      const stale = { ...update(header('i-000')), expected: { incarnation: 'other', revision: 1, fence: 1 } }
      const written = await store.write([...changes.slice(1), stale])
      const expected = ids.map((_, index) => {
        const cancelling = index % 3 === 0 ? 2 : 0
        return { ok: true, mailAppended: cancelling === 0 ? 1 : 2, cancelling }
      })
      same(written.slice(0, -1), expected.slice(1), 'the answers')
      same(written.at(-1)?.ok, false, 'whether the stale one stands')
    },
  },
  {
    name: 'no change takes it back, also one that compares the counter of mail; an insert has none',
    async run({ store }) {
      await put(store, insertion('a', { cancelling: 7 }))
      same((await snapshot(store, 'a')).header.cancelling, 0, 'that of a new instance')
      await post(store, delta('b', 'r-1', { header: header('b', { cancelling: 7 }) }))
      same((await snapshot(store, 'b')).header.cancelling, 0, 'that of one that an append made')
      const asked = await post(store, cancel('a'))
      const change = update(asked, { cancelling: 0, mailHandled: 1, wakeAt: null })
      const counted = { ...change, expected: { incarnation: 'i-1', revision: 1, fence: 1, mailAppended: 1 } }
      same(await store.write([counted]), [stood(1, 1)], 'the answer')
      await stands(store, { ...change.header, cancelling: 1 }, [])
    },
  },
  {
    name: 'what lost its compare is told by the header that stands',
    async run({ store }) {
      await put(store, insertion('a'))
      const current = await post(store, cancel('a'))
      same(await store.write([update({ ...current, revision: 9 })]), [{ ok: false, current }], 'the answer')
    },
  },
]

const racing: readonly CaseBody[] = [
  {
    name: 'with 40 appends at once: what is behind it is refused, what is before it stands',
    async run({ store, another }) {
      const other = await another()
      await put(store, insertion('a', { holder: 'w-1', wakeAt: FAR }))
      const appends = oneToN(40).map((n) => (n === 20 ? cancel('a') : delta('a', `r-${n}`)))
      const answers = await all(
        appends.map(async (one, index) => {
          const [answer] = await (index % 2 === 0 ? store : other).append([one])
          return brief(answer)
        }),
      )
      const { mailAppended, cancelling } = (await snapshot(store, 'a')).header
      same(answers[19], cancelling, 'the number of what cancels')
      same(mailAppended, cancelling, 'the newest mail')
      const others = answers.filter((_, index) => index !== 19)
      same(others.filter((answer) => answer !== 'refused').sort(order), oneToN(cancelling - 1), 'what is before it')
      same(
        (await other.mail('a', { limit: 99 })).map(({ seq }) => seq),
        oneToN(cancelling),
        'the mail',
      )
    },
  },
  {
    name: 'two at once: one has it',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 20)
      await put(store, ...ids.map((id) => insertion(id)))
      const both = await all(
        ids.flatMap((id) => [store.append([cancel(id, 'one')]), other.append([cancel(id, 'two')])]),
      )
      const answers = both.map(([answer]) => brief(answer))
      for (const [index, id] of ids.entries()) {
        same(answers.slice(index * 2, index * 2 + 2).sort(), [1, 'refused'], `the answers for '${id}'`)
      }
    },
  },
  {
    name: 'with a commit of the holder at once: it is told then, or with the next',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 40)
      await put(store, ...ids.map((id) => ({ ...insertion(id, { holder: 'w-1' }), lease: LONG })))
      const change = (id: string, revision: number) => update(header(id, { holder: 'w-1', revision }))
      const [first] = await all([
        store.write(ids.map((id) => change(id, 1))),
        other.append([...ids].reverse().map((id) => cancel(id))),
      ])
      const second = await store.write(ids.map((id) => change(id, 2)))
      for (const answer of first) {
        const told = answer.ok ? [answer.mailAppended, answer.cancelling] : fail('a change lost')
        same(told[0], told[1], 'both counters')
      }
      same(second, new Array(40).fill(stood(1, 1)), 'the answers to the next')
    },
  },
  {
    name: 'with a claim at once: whoever has it learns of it',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 30)
      await put(store, ...ids.map((id) => insertion(id, { wakeAt: 5 })))
      await all([claim(store, { ids }), other.append([...ids].reverse().map((id) => cancel(id)))])
      for (const id of ids) {
        const found = (await snapshot(store, id)).header
        same([found.holder, found.mailAppended, found.cancelling], ['w-1', 1, 1], `what '${id}' is like`)
        same(await store.write([update(found)]), [stood(1, 1)], 'what the holder is told')
      }
    },
  },
]

function order(a: number | string, b: number | string): number {
  return Number(a) - Number(b)
}

export const cancelling: Group = { group: 'cancel', cases: [...asking, ...telling, ...racing] }
