/** Cases: what mail may hold, refusals among many, and who is told of it. */
import type { Append, DataStore, Header } from '../stores/contract.ts'
import {
  brief,
  type CaseBody,
  delta,
  type Group,
  holds,
  insertion,
  isDue,
  type Kit,
  named,
  post,
  put,
  putOne,
  same,
  snapshot,
  turn,
  until,
  update,
  waiting,
} from './conformance-kit.ts'

const ODD_IDS: readonly string[] = [
  '__proto__',
  'constructor',
  `'"\`’“`,
  '../../etc/passwd',
  'a\\b%_%00',
  "x'); DROP TABLE polaris_mail; --",
  'a:b|c{d}e*f?g[h]',
  '🚕👩‍👩‍👧‍👦🏳️‍🌈',
  'רחלה-رحلة',
  'ж'.repeat(512),
  '007',
  '7',
  'Ride',
  'ride',
  'ride ',
  ' ride',
  'caf\u00e9',
  'cafe\u0301',
]

/** Appends mail with these bodies and compares what comes back, whichever way. */
async function roundTrip({ store, keep, value }: Kit, bodies: readonly unknown[]): Promise<void> {
  const appends = bodies.map((body, index): Append => {
    const append = delta('a', `r-${index}`)
    return { ...append, mail: { ...append.mail, body: keep(body) } }
  })
  await post(store, ...appends)
  const mail = await store.mail('a', { limit: 100 })
  for (const [index, body] of bodies.entries()) {
    same(value(mail[index]?.body), body, `body ${index} from mail`)
    same(value((await store.request('a', `r-${index}`))?.body), body, `body ${index} from request`)
  }
}

const contents: readonly CaseBody[] = [
  {
    name: 'odd request ids, all in one mailbox: each is found, and known when sent again',
    async run({ store }) {
      const appends = ODD_IDS.map((requestId) => delta('a', requestId))
      await post(store, ...appends)
      for (const [index, append] of appends.entries()) {
        const { requestId } = append.mail
        same(await store.request('a', requestId), waiting(append, index + 1), `the request '${requestId}'`)
      }
      const expected = ODD_IDS.map((_, index) => `known ${index + 1}`)
      same((await store.append(appends)).map(brief), expected, 'the answers when sent again')
    },
  },
  {
    name: 'odd ids: each its own mailbox',
    async run({ store }) {
      await post(store, ...ODD_IDS.map((id) => delta(id, `of ${id}`)))
      for (const id of ODD_IDS) {
        same(await store.mail(id, { limit: 5 }), [waiting(delta(id, `of ${id}`), 1)], `the mail of '${id}'`)
        same((await isDue(store, id)).id, id, 'the id of what is claimed')
      }
    },
  },
  {
    name: 'every field of mail, at its extremes, and its outcome',
    async run({ store }) {
      const { header: made, mail } = delta('a', 'r-1')
      const fields = { hash: 'h'.repeat(1_000), mode: 'parallel', appendedAt: Number.MAX_SAFE_INTEGER } as const
      const append = { header: made, mail: { ...mail, ...fields, body: undefined } }
      await post(store, append, { header: made, mail: { ...mail, requestId: 'r-2', hash: '', appendedAt: 0 } })
      same(await store.request('a', 'r-1'), waiting(append, 1), 'the mail')
      const outcome = JSON.stringify({ text: `'"\\ 🚕${'ж'.repeat(100_000)}` })
      const change = update(await isDue(store, 'a'), { mailHandled: 1 })
      await put(store, { ...change, handled: { seq: 1, outcome, at: Number.MAX_SAFE_INTEGER } })
      const handled = { ...waiting(append, 1), outcome, handledAt: Number.MAX_SAFE_INTEGER }
      same(await store.request('a', 'r-1'), handled, 'the mail with its outcome')
      same((await store.request('a', 'r-2'))?.appendedAt, 0, 'the time of the other')
    },
  },
  {
    name: 'bodies of what JSON can and cannot hold',
    run: (kit) =>
      roundTrip(kit, [
        null,
        '',
        '\u0000 \ud800 alone 🚕 "quoted" \\ \u2028',
        { at: new Date(5), missing: undefined, set: new Set([1n]), none: Number.NaN },
        JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"":2}'),
      ]),
  },
  {
    name: 'a megabyte of body',
    run: (kit) => roundTrip(kit, ['x'.repeat(1_000_000), ['ж🚕'.repeat(250_000)]]),
  },
  {
    name: 'an empty body is not the same as none',
    async run({ store }) {
      const append = delta('a', 'r-1')
      await post(store, { ...append, mail: { ...append.mail, body: '' } })
      same((await store.request('a', 'r-1'))?.body, '', 'the body')
    },
  },
]

const refusals: readonly CaseBody[] = [
  {
    name: 'a bad append among 100: it alone is refused, with an error of its own, and all others stand',
    needs: 'text',
    async run({ store }) {
      const appends = named('i', 100).map((id, index): Append => {
        const append = delta(id, 'r-1')
        return index === 41 ? { ...append, mail: { ...append.mail, body: 41 } } : append
      })
      const answers = (await store.append(appends)).map(brief)
      same(
        answers,
        appends.map((_, index) => (index === 41 ? 'error DATA_INVALID' : 1)),
        'the answers',
      )
      same(await store.read('i-041'), undefined, 'the instance of the bad one')
      same(await store.mail('i-041', { limit: 5 }), [], 'its mail')
      for (const id of named('i', 100)) if (id !== 'i-041') await isDue(store, id)
      same(brief((await store.append([delta('i-041', 'r-1')]))[0]), 1, 'the good one of its name')
    },
  },
  {
    name: 'one that is refused and one that is known hinder none of 100',
    async run({ store }) {
      await put(store, insertion('i-007', { status: 'cancelled' }))
      await post(store, delta('i-041', 'r-1'))
      const answers = (await store.append(named('i', 100).map((id) => delta(id, 'r-1')))).map(brief)
      const expected = answers.map((_, index) => (index === 7 ? 'refused' : index === 41 ? 'known 1' : 1))
      same(answers, expected, 'the answers')
      for (const id of named('i', 100)) if (id !== 'i-007') same((await store.request(id, 'r-1'))?.seq, 1, `of '${id}'`)
    },
  },
]

/** Ids that a store tells of. */
function listen(store: DataStore): { readonly ids: Set<string>; readonly end: () => void } {
  const ids = new Set<string>()
  const end = store.subscribe?.((id) => void ids.add(id))
  return { ids, end: () => end?.() }
}

/** Something may be missed: appends until that store is told of one. */
async function tells(store: DataStore, id: string, ids: ReadonlySet<string>): Promise<void> {
  let times = 0
  await until(`the append to '${id}' is told`, async () => {
    if (ids.has(id)) return true
    if (times++ % 20 === 0) await post(store, delta(id, `r-${times}`))
    return undefined
  })
}

const telling: readonly CaseBody[] = [
  {
    name: 'an append by another store is told, with the id it went to, and one of its own',
    async run({ store, another }) {
      const other = await another()
      const { ids, end } = listen(other)
      for (const id of ['a', `'"🚕:{b}`, 'ж'.repeat(512)]) await tells(store, id, ids)
      await tells(other, 'own', ids)
      end()
    },
  },
  {
    name: 'a handled outcome by another store is told',
    async run({ store, another }) {
      const waiting = named('i', 10)
      await post(store, ...waiting.map((id) => delta(id, 'r-1')))
      const { ids, end } = listen(await another())
      let next = 0
      let times = 0
      await until('an outcome is told', async () => {
        if (waiting.slice(0, next).some((id) => ids.has(id))) return true
        if (times++ % 20 !== 0 || next === waiting.length) return undefined
        const claimed = await isDue(store, waiting[next++] ?? '')
        ids.clear()
        const change = update(claimed, { holder: null, wakeAt: null, mailHandled: 1 })
        await put(store, { ...change, handled: { seq: 1, outcome: 'done', at: 5 } })
        return undefined
      })
      end()
    },
  },
  {
    name: 'an instance that is given back before its work is done is told, be it due by its header or by a lease of no time',
    async run({ store, another }) {
      const { ids, end } = listen(await another())
      let n = 0
      for (const lease of [undefined, 0]) {
        ids.clear()
        await until('one that was left is told', async () => {
          if (ids.size > 0) return true
          if (n++ % 20 !== 0) return undefined
          const held = await putOne(store, insertion(`i-${n}`, { holder: 'h-1', wakeAt: 5 }))
          const left = update(held, { holder: null, wakeAt: lease === undefined ? 5 : null })
          await put(store, lease === undefined ? left : { ...left, lease })
          return undefined
        })
      }
      end()
    },
  },
  {
    name: 'several listeners are told; one that ended is told nothing, and may end twice',
    async run({ store, another }) {
      const other = await another()
      const [one, two, three] = [listen(other), listen(other), listen(other)]
      await tells(store, 'a', one.ids)
      await tells(store, 'a', three.ids)
      one.end()
      one.end()
      one.ids.clear()
      await tells(store, 'b', two.ids)
      await tells(store, 'c', three.ids)
      for (let n = 0; n < 5; n += 1) await turn()
      holds(!one.ids.has('b') && !one.ids.has('c'), 'who ended is told nothing')
      for (const { end } of [two, three]) end()
    },
  },
  {
    name: 'whoever is told finds the mail there',
    async run({ store, another }) {
      const other = await another()
      const seen: Promise<boolean>[] = []
      const find = async (id: string): Promise<boolean> => (await other.request(id, 'r-1')) !== undefined
      const end = other.subscribe?.((id) => void (id.startsWith('i-') && seen.push(find(id))))
      let n = 0
      await until('an append is told', async () => {
        if (n++ % 20 === 0) await post(store, delta(`i-${n}`, 'r-1'))
        return seen.length > 0 ? true : undefined
      })
      end?.()
      same((await Promise.all(seen)).every(Boolean), true, 'whether the mail is there')
    },
  },
]

const many: CaseBody = {
  name: '1,000 in one mailbox',
  async run({ store }) {
    for (let from = 0; from < 1_000; from += 100) {
      await post(store, ...named('r', 100).map((requestId) => delta('a', `${from} ${requestId}`)))
    }
    const seqs = (await store.mail('a', { after: 990, limit: 100 })).map(({ seq }) => seq)
    same(seqs, [991, 992, 993, 994, 995, 996, 997, 998, 999, 1_000], 'the last ten')
    same((await store.request('a', '300 r-041'))?.seq, 342, 'a request in the middle')
    same({ ...(await snapshot(store, 'a')).header, wakeAt: null }, { ...made('a'), mailAppended: 1_000 }, 'the header')
  },
}

function made(id: string): Header {
  return delta(id, '0 r-000').header
}

export const letters: Group = { group: 'what mail holds', cases: [...contents, many, ...refusals] }
export const told: Group = {
  group: 'subscribe',
  cases: telling.map((one) => ({ ...one, needs: 'subscribes' as const })),
}
