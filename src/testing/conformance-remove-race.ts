/** Cases: removals that meet other calls. Where answers come at once they run one after the other. */
import type { DataStore, Header, Removal, Written } from '../stores/contract.ts'
import {
  all,
  brief,
  type CaseBody,
  claim,
  claimOne,
  delta,
  expectedOf,
  header,
  insertion,
  named,
  put,
  row,
  rowsOf,
  same,
  seqsOf,
  snapshot,
  stood,
  update,
} from './conformance-kit.ts'

const FAR = 9_000_000_000_000

export function grave(id: string, fields: Partial<Header> = {}): Header {
  return header(id, { status: 'deleted', incarnation: 'grave', wakeAt: FAR, token: 'grave', ...fields })
}

export function removal(before: Header, tombstone?: Header): Removal {
  const { id } = before
  return { id, expected: expectedOf(before), ...(tombstone !== undefined && { tombstone }) }
}

/** What a removal that stands is answered. */
export const DONE: Written = stood(0)

export async function isGone(store: DataStore, id: string): Promise<void> {
  same(await store.read(id), undefined, `what is left of '${id}'`)
  await hasNothing(store, id)
}

export async function hasNothing(store: DataStore, id: string): Promise<void> {
  same(await store.history(id, { limit: 5 }), [], `the history of '${id}'`)
  same(await store.mail(id, { limit: 5 }), [], `the mail of '${id}'`)
}

export const removalRaces: readonly CaseBody[] = [
  {
    name: 'twice at once: one does it',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 30)
      await put(store, ...ids.map((id) => insertion(id, {}, [row(1)])))
      const remove = (who: string) => ids.map((id) => removal(header(id), grave(id, { token: who })))
      const [one, two] = await all([store.remove(remove('one')), other.remove(remove('two').reverse())])
      for (const [index, id] of ids.entries()) {
        const first = one[index]?.ok
        same(first !== two[ids.length - 1 - index]?.ok, true, `whether one removed '${id}'`)
        same((await snapshot(store, id)).header.token, first === true ? 'one' : 'two', 'whose tombstone stands')
      }
    },
  },
  {
    name: 'two that begin anew at once in the place of a tombstone: one does, and nothing is left of the other',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 30)
      await put(store, ...ids.map((id) => insertion(id)))
      await store.remove(ids.map((id) => removal(header(id), grave(id))))
      const begin = (incarnation: string) =>
        ids.map((id) => ({
          expected: { ...expectedOf(grave(id)), mailAppended: 0 },
          header: header(id, { incarnation, createdAt: 9, rows: 1 }),
          rows: [row(1, { builder: incarnation })],
        }))
      const [one, two] = await all([store.write(begin('one')), other.write(begin('two').reverse())])
      for (const [index, id] of ids.entries()) {
        const first = one[index]?.ok
        same(first !== two[ids.length - 1 - index]?.ok, true, `whether one began '${id}'`)
        const winner = first === true ? 'one' : 'two'
        same((await snapshot(store, id)).header.incarnation, winner, 'who')
        same(
          (await store.history(id, { limit: 5 })).map(({ builder }) => builder),
          [winner],
          'the rows',
        )
      }
    },
  },
  {
    name: 'with a commit at once: one of them stands, and no row is left over',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 40)
      await put(store, ...ids.map((id) => insertion(id)))
      const [written, removed] = await all([
        store.write(ids.map((id) => update(header(id), { rows: 1 }, [row(1)]))),
        other.remove([...ids].reverse().map((id) => removal(header(id), grave(id)))),
      ])
      for (const [index, id] of ids.entries()) {
        const won = written[index]?.ok
        same(won !== removed[ids.length - 1 - index]?.ok, true, `whether one of both stands of '${id}'`)
        same((await snapshot(store, id)).header.status, won === true ? 'running' : 'deleted', 'what stands')
        same(seqsOf(await store.history(id, { limit: 5 })), won === true ? [1] : [], 'the rows')
      }
    },
  },
  {
    name: 'with an append at once: it is refused, makes the instance anew, or goes too',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 40)
      await put(store, ...ids.map((id) => insertion(id)))
      const tombstoneOf = (id: string) => (ids.indexOf(id) % 2 === 0 ? grave(id) : undefined)
      const [answers, removed] = await all([
        store.append(ids.map((id) => delta(id, 'r-1'))),
        other.remove([...ids].reverse().map((id) => removal(header(id), tombstoneOf(id)))),
      ])
      same(
        removed.every(({ ok }) => ok),
        true,
        'whether all were removed: an append takes no revision',
      )
      for (const [index, id] of ids.entries()) {
        const found = await store.read(id)
        const mail = await store.mail(id, { limit: 5 })
        if (tombstoneOf(id) !== undefined) {
          same([found?.header.status, mail], ['deleted', []], `what stands for '${id}'`)
        } else if (found === undefined) same([brief(answers[index]), mail], [1, []], `what went with '${id}'`)
        else
          same([brief(answers[index]), found.header.mailAppended, mail.length], [1, 1, 1], `what was made of '${id}'`)
      }
    },
  },
  {
    name: 'with an append at once, comparing the counter: no mail is lost',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 40)
      await put(store, ...ids.map((id) => insertion(id)))
      const [answers, removed] = await all([
        store.append(ids.map((id) => delta(id, 'r-1'))),
        other.remove(
          [...ids].reverse().map((id) => ({
            id,
            expected: { ...expectedOf(header(id)), mailAppended: 0 },
            tombstone: grave(id),
          })),
        ),
      ])
      for (const [index, id] of ids.entries()) {
        const gone = removed[ids.length - 1 - index]?.ok === true
        same(brief(answers[index]), gone ? 'refused' : 1, `what became of the mail of '${id}'`)
        same((await store.mail(id, { limit: 5 })).length, gone ? 0 : 1, 'the mail')
      }
    },
  },
  {
    name: 'with a claim at once: one of them has it',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 40)
      await put(store, ...ids.map((id) => insertion(id, { wakeAt: 5 })))
      const [claimed, removed] = await all([
        all(ids.map((id) => claimOne(store, id))),
        all(ids.map(async (id) => (await other.remove([removal(header(id))]))[0])),
      ])
      for (const [index, id] of ids.entries()) {
        same(removed[index]?.ok !== (claimed[index] !== undefined), true, `whether one of both has '${id}'`)
        same((await store.read(id)) === undefined, removed[index]?.ok, 'whether it is gone')
      }
    },
  },
  {
    name: 'with an insert of the same id at once: nothing is torn',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 30)
      await put(store, ...ids.map((id) => insertion(id, { rows: 1 }, [row(1)])))
      const fresh = (id: string) => insertion(id, { incarnation: 'i-2', rows: 2 }, rowsOf(1, 2, String))
      const [removed, written] = await all([
        store.remove(ids.map((id) => removal(header(id)))),
        other.write([...ids].reverse().map(fresh)),
      ])
      for (const [index, id] of ids.entries()) {
        same(removed[index]?.ok, true, `whether '${id}' was removed`)
        const found = (await store.read(id))?.header.incarnation
        const won = written[ids.length - 1 - index]?.ok === true
        same(found, won ? 'i-2' : undefined, 'what stands')
        same((await store.history(id, { limit: 5 })).length, won ? 2 : 0, 'the rows')
      }
    },
  },
  {
    name: 'batches of removals, changes, appends and claims over the same ids: none waits for the other for ever',
    async run({ store, another }) {
      const other = await another()
      const ids = named('i', 26)
      const turned = [...ids].reverse()
      for (let round = 1; round <= 6; round += 1) {
        const before = (id: string): Header => header(id, { incarnation: `i-${round}`, wakeAt: 5 })
        await put(store, ...ids.map((id) => ({ ...insertion(id), header: before(id) })))
        await all([
          store.remove(ids.map((id) => removal(before(id)))),
          other.write(turned.map((id) => update(before(id), {}, [row(1)]))),
          other.append(turned.map((id) => delta(id, `r-${round}`, { expect: 'existing' }))),
          claim(store, { ids: turned }),
        ])
        for (const id of ids) {
          const found = await store.read(id)
          if (found !== undefined) same(await store.remove([removal(found.header)]), [DONE], 'the answer')
          await isGone(store, id)
        }
      }
    },
  },
]
