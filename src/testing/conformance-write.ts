/** Cases: what a change does, and what one that loses leaves behind. */
import type { Change } from '../stores/contract.ts'
import {
  expectedOf,
  type Group,
  header,
  insertion,
  listsAll,
  put,
  putOne,
  row,
  rowsOf,
  same,
  stands,
  stood,
  update,
} from './conformance-kit.ts'

const MAX = Number.MAX_SAFE_INTEGER

export const writing: Group = {
  group: 'write',
  cases: [
    {
      name: 'an inserted instance reads as it was written',
      async run({ store }) {
        const rows = [row(1), row(2, { builder: 'quote', data: 'Quote', outcome: 'produced', inputs: [1] })]
        await put(store, insertion('a', { rows: 2 }, rows))
        same(await store.read('a'), { header: header('a', { rows: 2 }), rows }, 'the instance')
      },
    },
    {
      name: 'an instance without rows',
      async run({ store }) {
        await put(store, insertion('a'))
        same(await store.read('a'), { header: header('a'), rows: [] }, 'the instance')
      },
    },
    {
      name: 'an unknown id reads as undefined, also beside others',
      async run({ store }) {
        same(await store.read('a'), undefined, 'an id in an empty store')
        await put(store, insertion('ab'))
        same(await store.read('a'), undefined, 'an id that begins another')
        same(await store.read('abc'), undefined, 'an id that another begins')
      },
    },
    {
      name: 'a call without changes',
      async run({ store }) {
        same(await store.write([]), [], 'the answer')
      },
    },
    {
      name: 'an update replaces every field that is not compared, and adds its rows',
      async run({ store }) {
        const before = await putOne(store, insertion('a', { rows: 1, holder: 'w-1', wakeAt: 9 }, [row(1)]))
        const changed = update(
          before,
          {
            revision: 7,
            fence: 9,
            workflow: 'parcel',
            version: 2,
            fingerprint: 'f1',
            status: 'failed',
            holder: null,
            wakeAt: 5,
            mailAppended: 2,
            mailHandled: 2,
            scope: 3,
            pass: 4,
            mode: 'parallel',
            settled: 1,
            rows: 3,
            claims: 2,
            token: 'other',
            updatedAt: 1_700_000_099_000,
          },
          [row(2), row(3)],
        )
        await put(store, { ...changed, expected: { ...expectedOf(before), mailAppended: 0 } })
        await stands(store, changed.header, [1, 2, 3])
      },
    },
    {
      name: 'every field of a header at its extremes',
      async run({ store }) {
        const largest = header('a', {
          revision: MAX,
          fence: MAX,
          version: MAX,
          wakeAt: MAX,
          mailAppended: MAX,
          mailHandled: MAX,
          scope: MAX,
          pass: MAX,
          settled: MAX,
          rows: MAX,
          claims: MAX,
          createdAt: MAX,
          updatedAt: MAX,
          incarnation: 'i'.repeat(200),
          workflow: 'Рейс 🚕 "quoted"'.repeat(10),
          fingerprint: 'f'.repeat(1_000),
          holder: `"w'🚕"${'h'.repeat(200)}`,
          token: 'it\'s a "token"\\',
        })
        await put(store, { expected: null, header: largest, rows: [] })
        await stands(store, largest, [])
        const smallest = header('b', { wakeAt: 0, fence: 0, version: 0, scope: 0, pass: 0, createdAt: 0, updatedAt: 0 })
        await put(store, { expected: null, header: smallest, rows: [] })
        await stands(store, smallest, [])
      },
    },
    {
      name: 'every status and both modes',
      async run({ store }) {
        const statuses = ['running', 'waiting', 'completed', 'failed', 'cancelled', 'retrying'] as const
        for (const status of statuses) {
          const mode = status === 'failed' ? 'parallel' : 'sequential'
          await stands(store, await putOne(store, insertion(status, { status, mode })), [])
        }
      },
    },
    {
      name: 'wakeAt is set and cleared',
      async run({ store }) {
        const first = await putOne(store, insertion('a', { wakeAt: 1 }))
        const second = await putOne(store, update(first, { wakeAt: null }))
        await stands(store, second, [])
        await stands(store, await putOne(store, update(second, { wakeAt: 2 })), [])
      },
    },
    {
      name: '500 rows in one change',
      async run({ store }) {
        const change = insertion(
          'a',
          { rows: 500 },
          rowsOf(1, 500, (seq) => `d:${seq % 7}`),
        )
        await put(store, change)
        await stands(
          store,
          change.header,
          rowsOf(1, 500, String).map(({ seq }) => seq),
        )
      },
    },
    {
      name: '300 changes of one instance, one after the other',
      async run({ store }) {
        let last = await putOne(store, insertion('a', { rows: 1 }, [row(1)]))
        for (let seq = 2; seq <= 300; seq += 1) last = await putOne(store, update(last, { rows: seq }, [row(seq)]))
        await stands(
          store,
          last,
          rowsOf(1, 300, String).map(({ seq }) => seq),
        )
      },
    },
    {
      name: 'inserts and updates of different instances in one call',
      async run({ store }) {
        const a = await putOne(store, insertion('a'))
        const changes = [insertion('b', {}, [row(1)]), update(a, { rows: 1 }, [row(1)]), insertion('c')]
        await put(store, ...changes)
        await stands(store, header('b'), [1])
        await stands(store, changes[1]?.header ?? a, [1])
        await stands(store, header('c'), [])
      },
    },
    {
      name: 'a bad change among 100: it alone is refused, with an error of its own, and all others stand',
      needs: 'text',
      async run({ store }) {
        const changes = Array.from({ length: 100 }, (_, index) =>
          insertion(`i-${index}`, { rows: 1 }, [row(1, { value: index === 41 ? 41 : `${index}` })]),
        )
        const written = await store.write(changes)
        same(
          written.map(({ ok }) => ok),
          changes.map((_, index) => index !== 41),
          'the answers',
        )
        const refusal = written[41]
        same(refusal !== undefined && 'error' in refusal && refusal.error.code, 'DATA_INVALID', 'its code')
        same(await store.read('i-41'), undefined, 'the bad change')
        for (const [index, change] of changes.entries()) if (index !== 41) await stands(store, change.header, [1])
        await put(store, insertion('i-41', { rows: 1 }, [row(1, { value: '41' })]))
      },
    },
  ],
}

/** A case for each part of what an update compares. */
function losing(what: string, fields: Partial<NonNullable<Change['expected']>>): Group['cases'][number] {
  return {
    name: `an update with ${what} loses and leaves no trace`,
    async run({ store }) {
      const first = await putOne(store, insertion('a', { rows: 1, fence: 3 }, [row(1)]))
      const current = await putOne(store, update(first, { rows: 2 }, [row(2)]))
      const { incarnation, revision, fence } = current
      const expected = { incarnation, revision, fence, ...fields }
      const change = { expected, header: { ...current, status: 'failed' as const, rows: 3 }, rows: [row(3)] }
      same(await store.write([change]), [{ ok: false, current }], 'the answer')
      await stands(store, current, [1, 2])
    },
  }
}

export const comparing: Group = {
  group: 'compare',
  cases: [
    losing('an older revision', { revision: 1 }),
    losing('a revision that is not there yet', { revision: 3 }),
    losing('revision 0', { revision: 0 }),
    losing('another incarnation', { incarnation: 'i-2' }),
    losing('an empty incarnation', { incarnation: '' }),
    losing('an older fence', { fence: 2 }),
    losing('a fence that is not there yet', { fence: 4 }),
    {
      name: 'an insert of an id that is taken loses and leaves no trace',
      async run({ store }) {
        const current = await putOne(store, insertion('a', { rows: 1 }, [row(1)]))
        const again = insertion('a', { incarnation: 'i-2', createdAt: 5, rows: 1 }, [
          row(1, { place: 'other' }),
          row(2),
        ])
        same(await store.write([again]), [{ ok: false, current }], 'the answer')
        await stands(store, current, [1])
      },
    },
    {
      name: 'an update of an unknown id loses and makes nothing',
      async run({ store }) {
        const change = update(header('a'), {}, [row(1)])
        same(await store.write([change]), [{ ok: false, current: undefined }], 'the answer')
        same(await store.read('a'), undefined, 'the instance')
        same(await store.history('a', { limit: 10 }), [], 'its history')
        await listsAll(store, [])
      },
    },
    {
      name: 'a change sent twice loses the second time, and finds its own token',
      async run({ store }) {
        const first = await putOne(store, insertion('a'))
        const change = update(first, { token: 'mine', rows: 1 }, [row(1)])
        await put(store, change)
        same(await store.write([change]), [{ ok: false, current: change.header }], 'the answer')
        await stands(store, change.header, [1])
      },
    },
    {
      name: 'of two updates from one revision the first wins',
      async run({ store }) {
        const first = await putOne(store, insertion('a'))
        const winner = update(first, { token: 'one' })
        await put(store, winner)
        const loser = update(first, { token: 'two' }, [row(1)])
        same(await store.write([loser]), [{ ok: false, current: winner.header }], 'the answer')
        await stands(store, winner.header, [])
      },
    },
    {
      name: 'a raised fence shuts out the one who held it before',
      async run({ store }) {
        const first = await putOne(store, insertion('a', { fence: 1 }))
        const taken = await putOne(store, update(first, { fence: 2 }))
        const late = update({ ...taken, fence: 1 }, {}, [row(1)])
        same(await store.write([late]), [{ ok: false, current: taken }], 'the answer')
        await stands(store, await putOne(store, update(taken, { rows: 1 }, [row(1)])), [1])
      },
    },
    {
      name: 'one loser among 100 hinders none of the others',
      async run({ store }) {
        const current = await putOne(store, insertion('i-41'))
        const changes = Array.from({ length: 100 }, (_, index) => insertion(`i-${index}`, { rows: 1 }, [row(1)]))
        const written = await store.write(changes)
        same(
          written,
          changes.map((_, index) => (index === 41 ? { ok: false, current } : stood(0))),
          'the answers',
        )
        for (const change of changes) {
          if (change.header.id === 'i-41') await stands(store, current, [])
          else await stands(store, change.header, [1])
        }
      },
    },
    {
      name: 'winners and losers are answered in the order given',
      async run({ store }) {
        const ids = ['z', 'a', 'm', 'b', 'y', 'c']
        const before = new Map<string, Change['header']>()
        for (const id of ids) before.set(id, await putOne(store, insertion(id)))
        const changes = ids.map((id, index) => {
          const good = update(before.get(id) ?? header(id), {}, [row(1)])
          return index % 2 === 0 ? good : { ...good, expected: { incarnation: 'i-1', revision: 9, fence: 1 } }
        })
        const expected = ids.map((id, index) => (index % 2 === 0 ? stood(0) : { ok: false, current: before.get(id) }))
        same(await store.write(changes), expected, 'the answers')
      },
    },
    {
      name: 'a call in which all lose changes nothing',
      async run({ store }) {
        await put(store, insertion('a'), insertion('b'))
        const written = await store.write([insertion('b', {}, [row(1)]), insertion('a', {}, [row(1)])])
        const answers = ['b', 'a'].map((id) => ({ ok: false, current: header(id) }))
        same(written, answers, 'the answers')
        await stands(store, header('a'), [])
        await stands(store, header('b'), [])
      },
    },
  ],
}
