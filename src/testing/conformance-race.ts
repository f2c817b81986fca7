/** Cases: calls that overlap, of one store and of two. Where answers come at once they run one after the other. */
import type { Appended, Change, DataStore, Written } from '../stores/contract.ts'
import { crowds } from './conformance-crowd.ts'
import { start } from './conformance-mail.ts'
import {
  all,
  brief,
  type CaseBody,
  claim,
  claimOne,
  delta,
  expectedOf,
  fail,
  type Group,
  header,
  holds,
  insertion,
  isDue,
  LONG,
  named,
  oneToN,
  post,
  put,
  row,
  same,
  seqsOf,
  snapshot,
  until,
  update,
} from './conformance-kit.ts'

async function appendOne(store: DataStore, ...given: Parameters<typeof delta>): Promise<Appended> {
  const [answer] = await store.append([delta(...given)])
  return answer ?? fail('append: expected an answer, got none')
}

async function writeAll(store: DataStore, changes: readonly Change[]): Promise<readonly Written[]> {
  return store.write(changes)
}

async function writeOne(store: DataStore, change: Change): Promise<boolean> {
  const [answer] = await store.write([change])
  return answer?.ok === true
}

const batches: readonly CaseBody[] = [
  {
    name: 'two batches over the same instances, in opposite order: each instance has one winner',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 26)
      for (let round = 0; round < 8; round += 1) {
        const changes = (token: string): Change[] =>
          ids.map((id) => {
            if (round === 0) return insertion(id, { token })
            return update(header(id, { revision: round }), { token }, [row(round)])
          })
        const [ours, theirs] = [`one ${round}`, `two ${round}`]
        const [first, second] = await all([store.write(changes(ours)), other.write(changes(theirs).reverse())])
        for (const [index, id] of ids.entries()) {
          const won = [first[index]?.ok, second[ids.length - 1 - index]?.ok]
          same(won.filter(Boolean).length, 1, `how many won '${id}' in round ${round}`)
          same((await snapshot(store, id)).header.token, won[0] === true ? ours : theirs, 'the winner')
        }
      }
    },
  },
  {
    name: 'two calls of appends in opposite order: all stand',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 26)
      for (let round = 1; round <= 8; round += 1) {
        const appends = (who: string) => ids.map((id) => delta(id, `${who} ${round}`))
        await all([post(store, ...appends('one')), post(other, ...appends('two').reverse())])
      }
      for (const id of ids) {
        const seqs = (await other.mail(id, { limit: 100 })).map(({ seq }) => seq)
        same(seqs, oneToN(16), `the mail of '${id}'`)
      }
    },
  },
  {
    name: 'changes, appends and claims of the same instances in opposite order: nothing is lost',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 26)
      await put(store, ...ids.map((id) => insertion(id, { holder: 'w-1', wakeAt: 9_000_000_000_000 })))
      for (let round = 1; round <= 8; round += 1) {
        const changes = ids.map((id) => update(header(id, { revision: round, holder: 'w-1' }), {}, [row(round)]))
        const [written] = await all([
          store.write(changes),
          post(other, ...[...ids].reverse().map((id) => delta(id, `r-${round}`))),
          claim(other, { ids: [...ids].reverse() }),
        ])
        same(
          written.every(({ ok }) => ok),
          true,
          `whether all changes of round ${round} stand`,
        )
      }
      for (const id of ids) {
        const { mailAppended, revision, fence } = (await snapshot(store, id)).header
        same([mailAppended, revision, fence], [8, 9, 1], `mail, revision and fence of '${id}'`)
      }
    },
  },
  {
    name: '200 calls of one store at once, each with a change of its own',
    async run({ store }) {
      const ids = named('i', 200)
      const won = await all(ids.map((id) => writeOne(store, insertion(id, { rows: 1 }, [row(1)]))))
      same(won.filter(Boolean).length, 200, 'how many stand')
      for (const id of ids) same(seqsOf((await snapshot(store, id)).rows), [1], `the rows of '${id}'`)
    },
  },
]

const mailing: readonly CaseBody[] = [
  {
    name: '100 appends of one instance at once, which makes it: each number once, none lost',
    async run({ store, another }) {
      const other = await another()
      const answers = await all(oneToN(100).map((n) => appendOne(n % 2 === 0 ? store : other, 'a', `r-${n}`)))
      const seqs = answers.map((answer) => (answer.ok ? answer.seq : fail(`an append was refused: ${brief(answer)}`)))
      same(
        seqs.sort((a, b) => a - b),
        oneToN(100),
        'the numbers',
      )
      const mail = await store.mail('a', { limit: 200 })
      same(new Set(mail.map(({ requestId }) => requestId)).size, 100, 'the number of requests')
      same((await isDue(other, 'a')).mailAppended, 100, 'the counter')
    },
  },
  {
    name: 'one request 20 times at once: one is accepted, the others find it',
    async run({ store, another }) {
      const other = await another()
      for (const id of ['made', 'there']) {
        if (id === 'there') await put(store, insertion(id))
        const answers = await all(oneToN(20).map((n) => appendOne(n % 2 === 0 ? store : other, id, 'r-1')))
        same(answers.map(brief).sort(), [1, ...new Array<string>(19).fill('known 1')], `the answers of '${id}'`)
        same((await snapshot(store, id)).header.mailAppended, 1, `the counter of '${id}'`)
      }
    },
  },
  {
    name: 'appends that expect a new instance, at once: one makes it',
    async run({ store, another }) {
      const other = await another()
      const answers = await all(
        oneToN(20).map((n) => appendOne(n % 2 === 0 ? store : other, 'a', `r-${n}`, { expect: 'new' })),
      )
      same(answers.map(brief).sort(), [1, ...new Array<string>(19).fill('refused')], 'the answers')
    },
  },
  {
    name: 'an insert and an append of one id at once: one of them makes the instance',
    async run({ store, another }) {
      const other = await another()
      await all(
        named('i', 30).map(async (id) => {
          const change = insertion(id, { incarnation: 'inserted' })
          const [won, answer] = await all([writeOne(store, change), appendOne(other, id, 'r-1')])
          const { header: found } = await snapshot(store, id)
          same([brief(answer), found.mailAppended], [1, 1], `the number and the counter of '${id}'`)
          same(found.incarnation, won ? 'inserted' : 'i-1', `who made '${id}'`)
        }),
      )
    },
  },
  {
    name: 'a direct start and an append at once: each number is given once',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 40)
      await put(store, ...ids.map((id) => insertion(id)))
      await all(
        ids.map(async (id) => {
          const [won, answer] = await all([
            writeOne(store, start(header(id), 'direct')),
            appendOne(other, id, 'mailed'),
          ])
          const mail = (await store.mail(id, { limit: 5 })).map(({ requestId }) => requestId)
          same([brief(answer), mail], won ? [2, ['direct', 'mailed']] : [1, ['mailed']], `the mail of '${id}'`)
          same((await snapshot(store, id)).header.mailAppended, won ? 2 : 1, 'the counter')
        }),
      )
    },
  },
  {
    name: 'an append and the change that settles at once: the instance is due afterwards (P6)',
    async run({ store, another }) {
      const other = await another()
      for (let round = 0; round < 3; round += 1) {
        const ids = named(`i-${round}`, 40)
        await put(store, ...ids.map((id) => ({ ...insertion(id, { holder: 'w-1' }), lease: LONG })))
        const settle = (id: string): Change => update(header(id, { holder: 'w-1' }), { holder: null, wakeAt: null })
        const settling = [0, 10, 20, 30].map((from) => writeAll(store, ids.slice(from, from + 10).map(settle)))
        const answers = ids.map((id) => appendOne(other, id, 'r-1'))
        const written = (await all(settling)).flat()
        same(
          written.every(({ ok }) => ok),
          true,
          'whether all that settle stand',
        )
        same((await all(answers)).map(brief), new Array<number>(40).fill(1), 'the appends')
        for (const id of ids) await isDue(store, id)
      }
    },
  },
]

const taking: readonly CaseBody[] = [
  {
    name: 'two stores claim the same instances at once: each is given once',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 60)
      await put(store, ...ids.map((id) => insertion(id, { wakeAt: 5 })))
      const both = await all(
        ids.flatMap((id) => [claimOne(store, id, { holder: 'one' }), claimOne(other, id, { holder: 'two' })]),
      )
      const found = both.flatMap((claimed) => claimed ?? [])
      same(found.map(({ id }) => id).sort(), ids, 'what is claimed')
      for (const one of found) same((await snapshot(store, one.id)).header, one, `who holds '${one.id}'`)
    },
  },
  {
    name: 'four claims at once, again and again, until nothing is due: each is given once',
    needs: 'lists',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 240)
      await put(store, ...ids.map((id) => insertion(id, { wakeAt: 5 })))
      const found: string[] = []
      await until('all are claimed', async () => {
        const claims = [store, other, store, other].map((one) => claim(one, { limit: 7 }))
        for (const claimed of await all(claims)) {
          holds(claimed.length <= 7, 'at most the limit')
          found.push(...claimed.map(({ id }) => id))
        }
        return found.length >= ids.length ? true : undefined
      })
      same(found.sort(), ids, 'what is claimed')
      same(await claim(store), [], 'what is still due')
    },
  },
  {
    name: 'a claim and a change of the one whose lease is over, at once: one of them has it',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 50)
      await put(store, ...ids.map((id) => insertion(id, { holder: 'w-1', wakeAt: 5 })))
      await all(
        ids.map(async (id) => {
          const last = update(header(id, { holder: 'w-1' }), { holder: null, wakeAt: null }, [row(1)])
          const [won, taken] = await all([writeOne(store, last), claimOne(other, id, { holder: 'w-2' })])
          same([won, taken !== undefined].filter(Boolean).length, 1, `how many have '${id}'`)
          const { header: found, rows } = await snapshot(store, id)
          const expected = won ? [null, 1, 2, [1]] : ['w-2', 2, 1, []]
          same([found.holder, found.fence, found.revision, seqsOf(rows)], expected, `what became of '${id}'`)
        }),
      )
    },
  },
]

const lost: readonly CaseBody[] = [
  {
    name: 'a change whose answer was lost is found by its token, also after an append and a claim',
    async run({ store, another }) {
      const other = await another()
      await put(store, insertion('a', { holder: 'w-1', wakeAt: 5 }))
      const change = update(header('a', { holder: 'w-1', wakeAt: 5 }), { token: 'mine', rows: 1 }, [row(1)])
      await put(store, change)
      await post(other, delta('a', 'r-1'))
      await isDue(other, 'a')
      const [answer] = await store.write([change])
      const current = answer !== undefined && 'current' in answer ? answer.current : fail('it was expected to lose')
      same([current?.token, current?.revision, current?.fence], ['mine', 2, 2], 'token, revision and fence')
      same(expectedOf(current ?? header('')), expectedOf((await snapshot(store, 'a')).header), 'what stands')
    },
  },
  {
    name: 'an insert whose answer was lost is found by its token',
    async run({ store, another }) {
      const change = insertion('a', { token: 'mine' }, [row(1)])
      await put(store, change)
      same(await (await another()).write([change]), [{ ok: false, current: change.header }], 'the answer')
    },
  },
]

export const atOnce: Group = {
  group: 'at once',
  cases: [...batches, ...mailing, ...taking, ...crowds, ...lost],
}
