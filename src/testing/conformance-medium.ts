/** Cases: odd ids, odd and large values, several stores on one medium, and closing. */
import type { DataStore } from '../stores/contract.ts'
import {
  all,
  type CaseBody,
  claim,
  delta,
  fail,
  type Group,
  header,
  insertion,
  type Kit,
  listsAll,
  post,
  put,
  putOne,
  refuses,
  row,
  same,
  snapshot,
  stands,
  turn,
  update,
  waiting,
} from './conformance-kit.ts'

const ODD_IDS: readonly (readonly [what: string, id: string])[] = [
  ['__proto__', '__proto__'],
  ['the names of Object.prototype', 'constructor'],
  ['quotes of all kinds', `'"\`’“`],
  ['slashes and dots', '../../etc/passwd'],
  ['a backslash and percent signs', 'a\\b%_%00'],
  ['SQL', `x'); DROP TABLE polaris_instances; --`],
  ['characters that keys of other stores are made with', 'a:b|c{d}e*f?g[h]'],
  ['emoji', '🚕👩‍👩‍👧‍👦🏳️‍🌈'],
  ['other scripts', 'рейс-संख्या-乗車-رحلة'],
  ['512 characters', 'ж'.repeat(512)],
  ['a space at its end', 'a '],
  ['what looks like a number', '007'],
]

export const ids: Group = {
  group: 'ids',
  cases: [
    ...ODD_IDS.map(([what, id]): CaseBody => ({
      name: `an id of ${what}`,
      async run({ store }) {
        await put(store, insertion('other'))
        const first = await putOne(store, insertion(id, { rows: 1 }, [row(1)]))
        const second = await putOne(store, update(first, { rows: 2 }, [row(2)]))
        await stands(store, second, [1, 2])
        same(await store.write([insertion(id)]), [{ ok: false, current: second }], 'inserting it again')
        await listsAll(store, ['other', id])
        await stands(store, header('other'), [])
      },
    })),
    {
      name: 'ids that differ in case, spaces or composition only are different',
      async run({ store }) {
        const resembling = ['ride', 'Ride', 'RIDE', 'ride ', ' ride', 'caf\u00e9', 'cafe\u0301', '1', '01', '1.0']
        for (const id of resembling) await put(store, insertion(id, { token: `of ${id}` }))
        for (const id of resembling) await stands(store, header(id, { token: `of ${id}` }), [])
      },
    },
  ],
}

async function roundTrip({ store, keep, value }: Kit, values: readonly unknown[]): Promise<void> {
  const rows = values.map((one, index) => row(index + 1, { value: keep(one) }))
  await put(store, insertion('x', { rows: rows.length }, rows))
  const read = (await snapshot(store, 'x')).rows
  const history = await store.history('x', { limit: 10_000 })
  for (const [index, expected] of values.entries()) {
    same(value(read[index]?.value), expected, `value ${index} from read`)
    same(value(history[index]?.value), expected, `value ${index} from history`)
  }
}

export const values: Group = {
  group: 'values',
  cases: [
    {
      name: 'plain JSON',
      run: (kit) =>
        roundTrip(kit, [null, true, false, 0, -1.5, 1e300, '', 'text', [], {}, [[1], { a: { b: [null] } }]]),
    },
    {
      name: 'what JSON cannot hold',
      run: (kit) =>
        roundTrip(kit, [
          { at: new Date(0), later: [new Date(8.64e15)] },
          new Map<unknown, unknown>([[{ key: 1 }, new Set([1n, undefined])]]),
          { missing: undefined, list: [undefined, -0, Number.NaN, Infinity, -Infinity] },
          new Uint8Array([0, 1, 255]),
          2n ** 100n,
        ]),
    },
    {
      // Of its own, since Node's deep comparison finds two invalid dates different before version 24.
      name: 'a date that is none',
      async run({ store, keep, value }) {
        await put(store, insertion('x', { rows: 1 }, [row(1, { value: keep({ never: new Date(Number.NaN) }) })]))
        const { never } = value((await snapshot(store, 'x')).rows[0]?.value) as { never: unknown }
        same(never instanceof Date && Number.isNaN(never.getTime()), true, 'whether it is an invalid Date')
      },
    },
    {
      name: 'characters of every kind in strings and names',
      run: (kit) =>
        roundTrip(kit, [
          '\u0000',
          'a\u0000b',
          '\ud800 alone',
          'alone \udfff',
          '\u2028\u2029\ufeff\u007f\u0001',
          '🚕 "quoted" \\ \n\r\t',
          { 'a\u0000b': 1, '\ud800': 2, '🚕': 3, '': 4 },
        ]),
    },
    {
      name: 'members named __proto__, constructor and toJSON',
      async run(kit) {
        await roundTrip(kit, [
          JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toJSON":1}'),
        ])
        if (({} as Record<string, unknown>)['polluted'] !== undefined) fail('Object.prototype was changed')
      },
    },
    { name: 'a megabyte of text', run: (kit) => roundTrip(kit, ['x'.repeat(1_000_000), 'ж🚕'.repeat(250_000)]) },
    {
      name: 'a megabyte of members',
      run: (kit) =>
        roundTrip(kit, [Array.from({ length: 20_000 }, (_, index) => ({ index, name: `member ${index}` }))]),
    },
    {
      name: 'no value stays no value',
      async run({ store }) {
        await put(store, insertion('x', { rows: 1 }, [row(1)]))
        same((await snapshot(store, 'x')).rows[0]?.value, undefined, 'the value')
        same((await store.history('x', { limit: 1 }))[0]?.value, undefined, 'the value in the history')
      },
    },
    {
      name: 'text comes back to the letter, whatever it means',
      needs: 'text',
      async run({ store }) {
        const texts = ['', ' ', '{"a": 1}', '[1,  2]', '1.0', 'null', 'no JSON', '{"a":1,"a":2}', '~["$u"]', '\ufeff1']
        const rows = texts.map((text, index) => row(index + 1, { value: text }))
        await put(store, insertion('x', { rows: rows.length }, rows))
        same((await snapshot(store, 'x')).rows, rows, 'the rows')
      },
    },
  ],
}

export const sharing: Group = {
  group: 'shared',
  cases: [
    {
      name: 'two stores see what the other wrote',
      needs: 'shared',
      async run({ store, open }) {
        const other = await open()
        const first = await putOne(store, insertion('a', { rows: 1 }, [row(1)]))
        await stands(other, first, [1])
        const second = await putOne(other, update(first, { rows: 2 }, [row(2)]))
        await stands(store, second, [1, 2])
        await listsAll(store, ['a'])
      },
    },
    {
      name: 'two stores cannot both win',
      needs: 'shared',
      async run({ store, open }) {
        const other = await open()
        const first = await putOne(store, insertion('a'))
        const changes = ['one', 'two'].map((token) => update(first, { token }, [row(1)]))
        const answers = await all([attempt(store, changes[0]), attempt(other, changes[1])])
        same(answers.filter(Boolean).length, 1, 'the number of winners')
        const insertions = await all([attempt(store, insertion('b')), attempt(other, insertion('b'))])
        same(insertions.filter(Boolean).length, 1, 'the number of winners of an insert')
      },
    },
    {
      name: 'two stores count to 100 together, and no step is lost',
      needs: 'shared',
      async run({ store, open }) {
        await put(store, insertion('a', { revision: 0 }))
        await all([countUp(store, 50), countUp(await open(), 50)])
        const { header: last } = await snapshot(store, 'a')
        same([last.revision, last.scope], [100, 101], 'revision and count')
        same((await store.history('a', { limit: 1_000 })).length, 100, 'the number of rows')
      },
    },
    {
      name: 'opened again, everything is there',
      needs: 'shared',
      async run({ store, open, keep, value }) {
        const rows = [row(1, { value: keep({ at: new Date(5) }), place: 'a' }), row(2, { place: 'a' }), row(3)]
        const written = await putOne(store, insertion('a', { rows: 3, wakeAt: 7 }, rows))
        await put(store, insertion('b'))
        await post(store, delta('b', 'r-1'))
        const { header: mailed } = await snapshot(store, 'b')
        await store.close()
        const again = await open()
        await stands(again, written, [1, 2, 3])
        await stands(again, mailed, [])
        same(await again.mail('b', { limit: 5 }), [waiting(delta('b', 'r-1'), 1)], 'the mail')
        await listsAll(again, ['a', 'b'])
        same(value((await again.history('a', { limit: 1 }))[0]?.value), { at: new Date(5) }, 'a value')
        await put(again, update(written))
      },
    },
    {
      name: 'closing one store leaves the other at work',
      needs: 'shared',
      async run({ store, open }) {
        const other = await open()
        await put(other, insertion('a'))
        await store.close()
        await put(other, insertion('b'))
        await listsAll(other, ['a', 'b'])
      },
    },
  ],
}

async function attempt(store: DataStore, change = insertion('')): Promise<boolean> {
  const [written] = await store.write([change])
  return written?.ok === true
}

async function countUp(store: DataStore, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const { header: current } = await snapshot(store, 'a')
    const change = update(current, { scope: current.scope + 1 }, [row(current.revision + 1)])
    if (await attempt(store, change)) done += 1
    await turn()
  }
}

export const closing: Group = {
  group: 'close',
  cases: [
    {
      name: 'a closed store refuses everything with CLOSED',
      async run({ store }) {
        const first = await putOne(store, insertion('a'))
        await store.close()
        await refuses('CLOSED', 'read', () => store.read('a'))
        await refuses('CLOSED', 'write', () => store.write([update(first)]))
        await refuses('CLOSED', 'list', () => store.list({ limit: 1 }))
        await refuses('CLOSED', 'history', () => store.history('a', { limit: 1 }))
        await refuses('CLOSED', 'append', () => store.append([delta('a', 'r-1')]))
        await refuses('CLOSED', 'mail', () => store.mail('a', { limit: 1 }))
        await refuses('CLOSED', 'request', () => store.request('a', 'r-1'))
        await refuses('CLOSED', 'claim', () => claim(store, { ids: ['a'] }))
        await refuses('CLOSED', 'claim of all', () => claim(store))
        await refuses('CLOSED', 'prune', () => store.prune(1, 1))
      },
    },
    {
      name: 'a closed store takes no listener, and one that listened may end',
      needs: 'subscribes',
      async run({ store }) {
        const end = store.subscribe?.(() => undefined)
        await store.close()
        end?.()
        await refuses('CLOSED', 'subscribe', () => store.subscribe?.(() => undefined))
      },
    },
    {
      name: 'closing twice, and closing what was never used',
      async run({ store }) {
        await store.close()
        await store.close()
        await refuses('CLOSED', 'read', () => store.read('a'))
      },
    },
  ],
}
