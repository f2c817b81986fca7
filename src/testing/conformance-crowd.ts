/** Cases: readers, feeders and workers at the same time. */
import type { DataStore, Header } from '../stores/contract.ts'
import {
  all,
  type CaseBody,
  claim,
  claimOne,
  delta,
  fail,
  holds,
  insertion,
  isNotDue,
  named,
  oneToN,
  post,
  put,
  row,
  same,
  snapshot,
  turn,
  until,
  update,
} from './conformance-kit.ts'

async function countUp(store: DataStore, id: string, times: number): Promise<void> {
  let last = (await snapshot(store, id)).header
  for (let n = 1; n <= times; n += 1) {
    const change = update(last, { rows: n + 1 }, [row(n + 1, { place: n % 3 === 0 ? 'often' : `d:${n}` })])
    await put(store, change)
    last = change.header
    await turn()
  }
}

const watching: readonly CaseBody[] = [
  {
    name: 'what is read while others write is one picture: header and rows belong together',
    async run({ store, another }) {
      const other = await another()
      await put(store, insertion('a', { rows: 1 }, [row(1)]))
      let done = false
      const watch = async (): Promise<void> => {
        for (let last = 0; !done;) {
          const { header: found, rows } = await snapshot(other, 'a')
          same([found.revision, rows[rows.length - 1]?.seq], [found.rows, found.rows], 'revision and newest row')
          holds(found.rows >= last, 'what is read does not go back')
          last = found.rows
          await turn()
        }
      }
      await all([watch(), countUp(store, 'a', 120).finally(() => (done = true))])
      same((await snapshot(other, 'a')).header.rows, 121, 'the rows in the end')
    },
  },
  {
    name: 'pages while others insert, update, claim and append: what was there comes once',
    needs: 'lists',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 60)
      const at = (index: number): Partial<Header> => ({ createdAt: 1_000 + index, wakeAt: 5 })
      await put(store, ...ids.map((id, index) => insertion(id, at(index))))
      let done = false
      const disturb = async (): Promise<void> => {
        for (let n = 0; !done; n += 1) {
          const id = ids[(n * 7) % 60] ?? ''
          await put(
            other,
            insertion(`new-${n}`, { createdAt: 2_000 + n }),
            insertion(`old-${n}`, { createdAt: n % 1_000 }),
          )
          const { header: found } = await snapshot(other, id)
          await other.write([update(found, { status: 'waiting', updatedAt: 9_999 })])
          await all([claimOne(other, id), other.append([delta(id, `r-${n}`)])])
          await turn()
        }
      }
      const disturbing = disturb()
      try {
        for (const limit of [1, 7]) await pagesHold(store, limit, ids)
      } finally {
        done = true
        await disturbing
      }
    },
  },
]

async function pagesHold(store: DataStore, limit: number, ids: readonly string[]): Promise<void> {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.list({ limit, createdFrom: 1_000, createdBefore: 2_000, ...(cursor && { cursor }) })
    found.push(...page.items.map(({ id }) => id))
    cursor = page.next
    await turn()
  } while (cursor !== undefined)
  same(found, ids, `the ids in pages of ${limit}`)
}

/** Takes what is due of the instances and handles one mail of each, until all of them are. */
async function work(store: DataStore, ids: readonly string[], holder: string, left: () => number, did: () => void) {
  await until(`${holder}: all mail is handled`, async () => {
    for (const claimed of await claim(store, { ids, holder, limit: 3 })) {
      const [mail] = await store.mail(claimed.id, { after: claimed.mailHandled, limit: 1 })
      if (mail === undefined) fail(`'${claimed.id}' was due without mail`)
      same(mail.seq, claimed.mailHandled + 1, 'the number of the next mail')
      const rows = [row(claimed.rows + 1, { data: mail.requestId })]
      const fields = { holder: null, wakeAt: null, rows: claimed.rows + 1, mailHandled: mail.seq, claims: 0 }
      const handled = { seq: mail.seq, outcome: holder, at: 1 }
      const [answer] = await store.write([{ ...update(claimed, fields, rows), handled }])
      same(answer?.ok, true, 'whether the change of the holder stands')
      did()
    }
    await turn()
    return left() === 0 ? true : undefined
  })
}

const together: CaseBody = {
  name: 'two feeders and two workers at once: all mail is handled, once and in order',
  async run({ store, another }) {
    const other = await another()
    const ids = named('i', 10)
    let left = 100
    const feed = async (to: DataStore, who: string): Promise<void> => {
      for (let n = 0; n < 5; n += 1) for (const id of ids) await post(to, delta(id, `${who} ${n}`))
    }
    const worker = (of: DataStore, who: string) =>
      work(
        of,
        ids,
        who,
        () => left,
        () => (left -= 1),
      )
    await all([feed(store, 'one'), feed(other, 'two'), worker(store, 'three'), worker(other, 'four')])
    for (const id of ids) {
      const mail = await store.mail(id, { limit: 100 })
      same(
        mail.map(({ seq }) => seq),
        oneToN(10),
        `the mail of '${id}'`,
      )
      holds(
        mail.every(({ outcome }) => outcome === 'three' || outcome === 'four'),
        'all mail has an outcome',
      )
      const rows = await other.history(id, { limit: 100 })
      same(
        rows.map(({ data }) => data),
        mail.map(({ requestId }) => requestId),
        `the order of '${id}'`,
      )
      for (const who of ['one', 'two']) {
        const own = rows.flatMap(({ data }) => (data?.startsWith(who) === true ? data : []))
        same(
          own,
          [0, 1, 2, 3, 4].map((n) => `${who} ${n}`),
          `the order of feeder ${who}`,
        )
      }
      await isNotDue(store, id)
    }
  },
}

export const crowds: readonly CaseBody[] = [...watching, together]
