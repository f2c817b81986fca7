/** Cases: what `read` and `history` give. */
import type { Row } from '../stores/contract.ts'
import {
  type Group,
  header,
  insertion,
  put,
  putOne,
  row,
  rowsOf,
  same,
  seqsOf,
  snapshot,
  update,
} from './conformance-kit.ts'

const ODD_PLACES = [
  'd:Order',
  'd:order',
  'd:Order ',
  'd:Order/1',
  'd:Order\u0000key',
  'd:Order\u0001',
  '__proto__',
  'constructor',
  "'; drop table rows; --",
  '%',
  '_',
  'd:caf\u00e9',
  'd:cafe\u0301',
  'd:\u{1f695}',
  'd:\ud800',
  'p'.repeat(600),
]

export const reading: Group = {
  group: 'read',
  cases: [
    {
      name: 'of each place the newest row, in order of seq',
      async run({ store }) {
        const places = ['a', 'b', 'a', 'c', 'b', 'a', 'd']
        const rows = places.map((place, index) => row(index + 1, { place }))
        await put(store, insertion('x', { rows: 7 }, rows))
        same((await snapshot(store, 'x')).rows, [rows[3], rows[4], rows[5], rows[6]], 'the rows')
      },
    },
    {
      name: 'newest rows over many changes',
      async run({ store }) {
        let last = await putOne(store, insertion('x', { rows: 1 }, [row(1, { place: 'a' })]))
        for (let seq = 2; seq <= 60; seq += 1) {
          const added = row(seq, { place: `p${seq % 5}` })
          last = await putOne(store, update(last, { rows: seq }, [added]))
          if (seq % 13 === 0) await snapshot(store, 'x')
        }
        same(seqsOf((await snapshot(store, 'x')).rows), [1, 56, 57, 58, 59, 60], 'the rows')
      },
    },
    {
      name: 'the number of rows read does not grow with the history',
      async run({ store }) {
        let last = await putOne(
          store,
          insertion(
            'x',
            { rows: 4 },
            rowsOf(1, 4, (seq) => `p${seq % 4}`),
          ),
        )
        for (let block = 0; block < 20; block += 1) {
          const rows = rowsOf(last.rows + 1, last.rows + 100, (seq) => `p${seq % 4}`)
          last = await putOne(store, update(last, { rows: last.rows + 100 }, rows))
          const { length } = (await snapshot(store, 'x')).rows
          same(length, 4, `rows read of ${last.rows}`)
        }
        same(seqsOf((await snapshot(store, 'x')).rows), [2001, 2002, 2003, 2004], 'the rows')
      },
    },
    {
      name: '1,000 places',
      async run({ store }) {
        const rows = rowsOf(1, 1_000, (seq) => `p${seq}`)
        await put(store, insertion('x', { rows: 1_000 }, rows))
        same((await snapshot(store, 'x')).rows, rows, 'the rows')
      },
    },
    {
      name: 'places are text and told apart exactly',
      async run({ store }) {
        const rows = [...ODD_PLACES, ...ODD_PLACES].map((place, index) => row(index + 1, { place }))
        await put(store, insertion('x', { rows: rows.length }, rows))
        same((await snapshot(store, 'x')).rows, rows.slice(ODD_PLACES.length), 'the rows')
        same(await store.history('x', { limit: 100 }), rows, 'the history')
      },
    },
    {
      name: 'rows of instances whose ids resemble each other stay apart',
      async run({ store }) {
        const ids = ['a', 'a ', 'aa', 'A', 'a/b', 'a%', 'a_', 'a\u0301']
        for (const [index, id] of ids.entries()) {
          await put(store, insertion(id, {}, [row(1, { data: `D${index}`, place: 'd' })]))
        }
        for (const [index, id] of ids.entries()) {
          same((await snapshot(store, id)).rows, [row(1, { data: `D${index}`, place: 'd' })], `the rows of '${id}'`)
        }
      },
    },
    {
      name: 'every field of a row, and notes',
      async run({ store }) {
        const note: Row['note'] = {
          because: 'no "cab"\u0000 near\ud800by 🚕',
          awaits: 'RideEnded',
          error: { name: 'TypeError', message: 'bad', code: 'E_BAD', stack: 'TypeError: bad\n    at x' },
          meta: { who: 'ada', nested: { list: [1, null, true, 'x'], __proto___: 1 } },
        }
        const inputs = Array.from({ length: 300 }, (_, index) => index)
        const outcomes = ['fed', 'produced', 'supplied', 'nothing', 'waitFor', 'failed', 'call'] as const
        const rows = outcomes.map((outcome, index) =>
          row(index + 1, {
            outcome,
            builder: index % 2 === 0 ? null : `build "${index}" 建`,
            data: index % 3 === 0 ? null : `Data '${index}'`,
            scope: Number.MAX_SAFE_INTEGER,
            pass: Number.MAX_SAFE_INTEGER,
            inputs: index === 1 ? inputs : [],
            startedAt: 0,
            endedAt: Number.MAX_SAFE_INTEGER,
            note: index === 2 ? note : index === 3 ? {} : null,
          }),
        )
        await put(store, insertion('x', { rows: rows.length }, rows))
        same((await snapshot(store, 'x')).rows, rows, 'the rows')
        same(await store.history('x', { limit: 100 }), rows, 'the history')
      },
    },
    {
      name: 'what was read stays as it was',
      async run({ store }) {
        const first = await putOne(store, insertion('x', { rows: 1 }, [row(1, { place: 'a' })]))
        const before = await snapshot(store, 'x')
        await put(store, update(first, { rows: 2, status: 'waiting' }, [row(2, { place: 'a' })]))
        same(before, { header: first, rows: [row(1, { place: 'a' })] }, 'what was read before')
        same(seqsOf((await snapshot(store, 'x')).rows), [2], 'what is read now')
      },
    },
    {
      name: 'reading twice gives the same',
      async run({ store }) {
        await put(
          store,
          insertion(
            'x',
            { rows: 9 },
            rowsOf(1, 9, (seq) => `p${seq % 2}`),
          ),
        )
        same(await snapshot(store, 'x'), await snapshot(store, 'x'), 'the instance')
      },
    },
  ],
}

export const histories: Group = {
  group: 'history',
  cases: [
    {
      name: 'every row in order of seq, replaced ones included',
      async run({ store }) {
        const rows = rowsOf(1, 30, (seq) => `p${seq % 3}`)
        await put(store, insertion('x', { rows: 30 }, rows))
        same(await store.history('x', { limit: 100 }), rows, 'the history')
      },
    },
    {
      name: 'seq counts as a number: 2 before 10 before 100',
      async run({ store }) {
        const rows = rowsOf(1, 120, (seq) => `p${(seq * 7) % 11}`)
        await put(store, insertion('x', { rows: 120 }, rows))
        same(seqsOf(await store.history('x', { after: 1, limit: 118 })), seqsOf(rows).slice(1, 119), 'the history')
      },
    },
    {
      name: 'pages of every size cover it once',
      async run({ store }) {
        const rows = rowsOf(1, 23, (seq) => `p${seq % 4}`)
        await put(store, insertion('x', { rows: 23 }, rows))
        for (const limit of [1, 2, 7, 22, 23, 24]) {
          const found: number[] = []
          for (let after = 0; ; after = found[found.length - 1] ?? 0) {
            const page = await store.history('x', after === 0 ? { limit } : { after, limit })
            if (page.length === 0) break
            same(page.length, Math.min(limit, 23 - found.length), `a page of ${limit}`)
            found.push(...seqsOf(page))
          }
          same(found, seqsOf(rows), `the history in pages of ${limit}`)
        }
      },
    },
    {
      name: 'rows added between two pages come at their place',
      async run({ store }) {
        const first = await putOne(
          store,
          insertion(
            'x',
            { rows: 3 },
            rowsOf(1, 3, () => 'a'),
          ),
        )
        same(seqsOf(await store.history('x', { limit: 2 })), [1, 2], 'the first page')
        await put(
          store,
          update(
            first,
            { rows: 5 },
            rowsOf(4, 5, () => 'a'),
          ),
        )
        same(seqsOf(await store.history('x', { after: 2, limit: 10 })), [3, 4, 5], 'the second page')
      },
    },
    {
      name: 'nothing behind the last row, nothing for an unknown id',
      async run({ store }) {
        await put(store, insertion('x', { rows: 1 }, [row(1)]))
        same(await store.history('x', { after: 1, limit: 10 }), [], 'behind the last row')
        same(await store.history('y', { limit: 10 }), [], 'an unknown id')
        same(await store.history('', { limit: 10 }), [], 'the empty id')
        same((await snapshot(store, 'x')).header, header('x', { rows: 1 }), 'the header')
      },
    },
  ],
}
