import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isPolarisError, type ErrorCode, type PolarisError } from '../../src/graph/errors.ts'
import type { Change, DataStore } from '../../src/stores/contract.ts'
import { type SqliteDatabase, type SqliteStatement, sqliteStore, type SqlValue } from '../../src/stores/sqlite.ts'
import { loadDriver } from '../../src/stores/sqlite/driver.ts'
import { DUE, OLD_MAIL } from '../../src/stores/sqlite/claiming.ts'
import { listStatement, WORKFLOWS } from '../../src/stores/sqlite/listing.ts'
import { NEWEST_ROWS, SOME_ROWS } from '../../src/stores/sqlite/reading.ts'
import { MIGRATIONS, migrate } from '../../src/stores/sqlite/schema.ts'
import { delta, header, insertion, put, row, stands, update } from '../../src/testing/conformance-kit.ts'

const driver = loadDriver()

const RUNNING = { status: 'running', holder: 'h-1', pass: 1, scope: 1, mailAppended: 1 } as const

let folder = ''
let file = ''
const stores: DataStore[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'polaris-sqlite-'))
  file = join(folder, 'store.db')
})

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(...args: Parameters<typeof sqliteStore>): DataStore {
  const store = sqliteStore(...args)
  stores.push(store)
  return store
}

function withDatabase<T>(use: (db: SqliteDatabase) => T, name = file): T {
  const db = new driver.DatabaseSync(name)
  try {
    return use(db)
  } finally {
    db.close()
  }
}

async function failure(call: () => unknown): Promise<PolarisError> {
  try {
    await call()
  } catch (error) {
    if (isPolarisError(error)) return error
    throw error
  }
  throw new Error('expected an error, but the call succeeded')
}

async function refuses(code: ErrorCode, message: RegExp, call: () => unknown): Promise<void> {
  const error = await failure(call)
  expect(error.message).toMatch(message)
  expect(error.code).toBe(code)
}

describe('a file', () => {
  it('is opened at the first use, not before', async () => {
    const store = open(file)
    expect(readdirSync(folder)).toEqual([])
    await store.read('a')
    expect(readdirSync(folder)).toContain('store.db')
  })

  it('may be named by a URL, and relative to where the process was', async () => {
    const byUrl = open(pathToFileURL(file))
    await put(byUrl, insertion('a'))
    await byUrl.close()
    await stands(open(pathToFileURL(file).href), header('a'), [])
  })

  it('has to have a name', () => {
    for (const name of ['', ' ', 'a\0b', undefined as unknown as string]) {
      expect(() => sqliteStore(name)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }) as Error)
    }
  })

  it('refuses options that it does not know', () => {
    for (const options of [{ durability: 'normal' }, { Synchronous: 'full' }, null]) {
      const code = expect.objectContaining({ code: 'OPTION_INVALID' }) as Error
      expect(() => sqliteStore(file, options as never)).toThrow(code)
    }
  })

  it('answers plainly where nobody else holds a lock', () => {
    const store = open(file)
    expect(store.write([insertion('a')])).toEqual([{ ok: true, mailAppended: 0, cancelling: 0 }])
    expect(store.read('a')).toEqual({ header: header('a'), rows: [] })
  })

  it('is set to write-ahead logging and to the durability asked for', async () => {
    for (const [synchronous, level] of [
      [undefined, 2],
      ['normal', 1],
    ] as const) {
      const opened: SqliteDatabase[] = []
      class Spied extends driver.DatabaseSync {
        constructor(name: string) {
          super(name)
          opened.push(this)
        }
      }
      const options = synchronous === undefined ? {} : { synchronous }
      await open(file, { ...options, driver: () => ({ DatabaseSync: Spied }) }).read('a')
      const [db] = opened
      expect(db?.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: level })
      expect(db?.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    }
  })

  it('holds everything by itself once its store is closed, without the log beside it', async () => {
    const store = open(file)
    await put(store, insertion('a'))
    await store.close()
    writeFileSync(join(folder, 'copy.db'), readFileSync(file))
    await stands(open(join(folder, 'copy.db')), header('a'), [])
  })
})

describe('the schema', () => {
  it('takes an older file through every step it lacks, in one transaction', () => {
    const v1 = ['CREATE TABLE a (x); INSERT INTO a VALUES (1)']
    const v3 = [...v1, 'ALTER TABLE a ADD COLUMN y', 'UPDATE a SET y = x + 1']
    withDatabase((db) => migrate(db, file, v1))
    withDatabase((db) => migrate(db, file, v3))
    withDatabase((db) => migrate(db, file, v3))
    withDatabase((db) => {
      expect(db.prepare('SELECT * FROM a').all()).toEqual([{ x: 1, y: 2 }])
      expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 3 })
    })
  })

  it('of version 1 becomes that of today, and what a crash had cut short is due at once', async () => {
    withDatabase((db) => {
      migrate(db, file, MIGRATIONS.slice(0, 1))
      const insert = db.prepare('INSERT INTO polaris_instances VALUES (5, ?, ?, 7, 1, ?, 1, ?, NULL, ?)')
      const rest = (pass: number) => `["f0",0,0,3,${pass},"parallel",4,6,0,"t-7",9]`
      insert.run('cut', 'i-1', 'ride', 'running', rest(2))
      insert.run('done', 'i-1', 'ride', 'completed', rest(0))
      db.exec(`INSERT INTO polaris_rows VALUES (5, 'cut', 'd:A', 1, '[1,1,null,"A","fed",[],1,2,null]', '"x"')`)
    })
    const store = open(file)
    const was = { revision: 7, scope: 3, mode: 'parallel', settled: 4, rows: 6, token: 't-7' } as const
    const now = { ...was, mailAppended: 3, mailHandled: 3, createdAt: 5, updatedAt: 9 }
    const cut = header('cut', { ...now, pass: 2, wakeAt: 0 })
    await stands(store, cut, [1])
    await stands(store, header('done', { ...now, pass: 0, status: 'completed' }), [])
    const query = { holder: 'h', lease: 1_000, limit: 5, serves: [{ workflow: 'ride', version: 1 }] }
    expect((await store.claim(query)).map(({ id }) => id)).toEqual(['cut'])
    const done = await store.list({ limit: 5, workflow: 'ride', status: 'completed' })
    expect(done.items.map(({ id }) => id)).toEqual(['done'])
    await put(store, update(header('done', { ...now, pass: 0 }), { status: 'running', scope: 4 }))
    expect(await store.append([delta('done', 'r-1')])).toMatchObject([{ ok: true, seq: 4 }])
  })

  it('stays as it was when a step fails', () => {
    withDatabase((db) => migrate(db, file, ['CREATE TABLE a (x)']))
    const broken = ['CREATE TABLE a (x)', 'ALTER TABLE a ADD COLUMN y', 'nonsense']
    expect(() => withDatabase((db) => migrate(db, file, broken))).toThrow(/nonsense/)
    withDatabase((db) => {
      expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 })
      expect(db.prepare('SELECT count(*) AS n FROM pragma_table_info(?)').get('a')).toEqual({ n: 1 })
    })
  })

  it('of a newer version is refused with STORE_NEWER, and the file is left alone', async () => {
    await put(open(file), insertion('a'))
    await stores.pop()?.close()
    withDatabase((db) => db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`))
    const before = readFileSync(file)
    const store = open(file)
    await refuses('STORE_NEWER', /written by a newer version.*update the package/, () => store.read('a'))
    await refuses('STORE_NEWER', /store\.db/, () => store.write([insertion('b')]))
    expect(readFileSync(file)).toEqual(before)
  })

  it.each([
    ['text', 'hello world '.repeat(1_000)],
    ['a few bytes', 'hello'],
  ])('of a file of %s is STORE_INVALID, and the file is left alone', async (_, content) => {
    writeFileSync(file, content)
    await refuses('STORE_INVALID', /store\.db is not an SQLite database/, () => open(file).read('a'))
    expect(readFileSync(file, 'utf8')).toBe(content)
    expect(readdirSync(folder)).toEqual(['store.db'])
  })

  it.each(['CREATE TABLE other (x)', 'PRAGMA user_version = 3', 'PRAGMA application_id = 7'])(
    'of another program (%s) is STORE_INVALID, and the file is left alone',
    async (sql) => {
      withDatabase((db) => db.exec(sql))
      const before = readFileSync(file)
      await refuses('STORE_INVALID', /another program's.*a file of its own/, () => open(file).read('a'))
      expect(readFileSync(file)).toEqual(before)
    },
  )

  it('that lacks a table is STORE_INVALID', async () => {
    await open(file).read('a')
    withDatabase((db) => db.exec('DROP TABLE polaris_rows'))
    await refuses('STORE_INVALID', /no such table/, () => open(file).read('a'))
  })

  it('with a record that cannot be read is STORE_INVALID', async () => {
    const store = open(file)
    await put(store, insertion('a'), insertion('b'))
    withDatabase((db) => db.exec(`UPDATE polaris_instances SET rest = 'x' WHERE id = 'a'`))
    await refuses('STORE_INVALID', /a record that cannot be read/, () => store.read('a'))
    await stands(store, header('b'), [])
  })
})

describe('trouble', () => {
  it('a folder in place of a file', async () => {
    mkdirSync(file)
    const store = open(file)
    await refuses('STORE_UNAVAILABLE', /store\.db cannot be opened: it is a folder/, () => store.read('a'))
    rmSync(file, { recursive: true })
    await put(store, insertion('a'))
  })

  it('a folder that does not exist, until it does', async () => {
    const store = open(join(folder, 'x', 'store.db'))
    await refuses('STORE_UNAVAILABLE', /its folder .*x does not exist/, () => store.write([insertion('a')]))
    mkdirSync(join(folder, 'x'))
    await put(store, insertion('a'))
  })

  it('a place where nobody may write', async () => {
    await refuses('STORE_UNAVAILABLE', /cannot be opened/, () => open('/proc/polaris.db').read('a'))
  })

  it('a file that cannot be written can be read, and written again when that is over', async () => {
    await put(open(file), insertion('a'))
    let readOnly = true
    class Guarded extends driver.DatabaseSync {
      constructor(name: string) {
        super(name)
        if (readOnly) this.exec('PRAGMA query_only = 1')
      }
    }
    const store = open(file, { driver: () => ({ DatabaseSync: Guarded }) })
    await refuses('STORE_UNAVAILABLE', /store\.db cannot be written: make/, () => store.write([insertion('b')]))
    await stands(store, header('a'), [])
    readOnly = false
    await refuses('STORE_UNAVAILABLE', /cannot be written/, () => store.write([insertion('b')]))
    await put(store, insertion('b'))
  })

  it('a full disk: nothing of the call stands, and the next one works when there is room', async () => {
    let pages = 40
    class Small extends driver.DatabaseSync {
      constructor(name: string) {
        super(name)
        this.exec(`PRAGMA max_page_count = ${pages}`)
      }
    }
    const store = open(file, { driver: () => ({ DatabaseSync: Small }) })
    const first = insertion('a', { rows: 1 }, [row(1, { value: '1' })])
    await put(store, first)
    const large = [
      update(first.header, { rows: 2 }, [row(2, { value: 'x'.repeat(50_000) })]),
      insertion('b', { rows: 1 }, [row(1, { value: 'x'.repeat(200_000) })]),
    ]
    await refuses('STORE_FULL', /disk of .*store\.db is full/, () => store.write(large))
    await refuses('STORE_FULL', /make room/, () => store.write(large))
    await stands(store, first.header, [1])
    expect(await store.read('b')).toBeUndefined()
    const small = update(first.header, { rows: 2 }, [row(2, { value: '2' })])
    await put(store, small)
    pages = 10_000
    await refuses('STORE_FULL', /make room/, () => store.write(large.slice(1)))
    await put(store, ...large.slice(1))
    await stands(store, small.header, [1, 2])
  })

  it('a change that cannot be stored is found among 100 and named; all others stand', async () => {
    const store = open(file)
    const changes = Array.from({ length: 100 }, (_, index) => insertion(`i-${index}`, { rows: 1 }, [row(1)]))
    changes[63] = insertion('i-63', { rows: 2 }, [row(1), row(1)])
    changes[70] = insertion('i-70', { claims: Number.NaN })
    const written = await store.write(changes)
    const errors = written.map((answer) => ('error' in answer ? answer.error : undefined))
    expect(errors.flatMap((error, index) => (error === undefined ? [] : [index]))).toEqual([63, 70])
    expect(errors[63]?.code).toBe('DATA_INVALID')
    expect(errors[63]?.message).toMatch(/UNIQUE constraint failed: polaris_rows/)
    for (const [index, { header: meant }] of changes.entries()) {
      if (index === 63 || index === 70) expect(await store.read(meant.id)).toBeUndefined()
      else await stands(store, meant, [1])
    }
  })
})

describe('a lock that another process holds', () => {
  let other: SqliteDatabase
  beforeEach(async () => {
    await open(file).read('a')
    other = new driver.DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
  })
  afterEach(() => other.close())

  it('is waited for without holding up the event loop', async () => {
    const store = open(file)
    const written = store.write([insertion('a', {}, [row(1)])])
    expect(written).toBeInstanceOf(Promise)
    // Timers come all the same, and only they let the other one go.
    for (let ticks = 0; ticks < 10; ticks += 1) await new Promise((done) => setTimeout(done, 2))
    other.exec('COMMIT')
    expect(await written).toEqual([{ ok: true, mailAppended: 0, cancelling: 0 }])
    await stands(store, header('a'), [1])
  })

  it('keeps the calls of one process in order', async () => {
    const store = open(file)
    const done: string[] = []
    const calls = ['a', 'b', 'c'].map(async (id) => {
      await store.write([insertion(id)])
      done.push(id)
    })
    expect(await store.read('a')).toBeUndefined()
    other.exec('COMMIT')
    await Promise.all(calls)
    expect(done).toEqual(['a', 'b', 'c'])
  })

  it('does not hinder readers', () => {
    expect(open(file).read('a')).toBeUndefined()
  })

  it('is STORE_UNAVAILABLE when patience is at its end, and forgotten when it is gone', async () => {
    const store = open(file, { patience: 30 })
    await refuses('STORE_UNAVAILABLE', /stayed locked by another process/, () => store.write([insertion('a')]))
    const hasty = open(file, { patience: 0 })
    await refuses('STORE_UNAVAILABLE', /stayed locked/, () => hasty.write([insertion('a')]))
    other.exec('ROLLBACK')
    await put(store, insertion('a'))
    await put(hasty, insertion('b'))
  })

  it('and a store closed meanwhile: CLOSED', async () => {
    const store = open(file)
    const written = store.write([insertion('a')])
    await store.close()
    await refuses('CLOSED', /closed/, () => written)
    expect(await open(file).read('a')).toBeUndefined()
  })
})

describe('the gate at which processes wait for their turn', () => {
  let gate: SqliteDatabase
  let store: DataStore
  beforeEach(() => {
    store = open(file)
    gate = new driver.DatabaseSync(`${file}-gate`)
  })
  afterEach(() => gate.close())

  it('is not made as long as nobody waits', async () => {
    const lonely = open(join(folder, 'lonely.db'))
    for (let n = 0; n < 3; n += 1) await put(lonely, insertion(`i-${n}`))
    expect(readdirSync(folder)).not.toContain('lonely.db-gate')
  })

  it('P15: is passed by whoever has had its turn only when nobody else waits', async () => {
    gate.exec('BEGIN IMMEDIATE')
    const written = store.write([insertion('a')])
    expect(written).toBeInstanceOf(Promise)
    expect(store.read('a')).toBeUndefined()
    gate.exec('ROLLBACK')
    expect(await written).toEqual([{ ok: true, mailAppended: 0, cancelling: 0 }])
    expect(() => gate.exec('BEGIN IMMEDIATE')).not.toThrow()
  })

  it('is left by whoever has the lock, so that the next one can stand there', async () => {
    const other = new driver.DatabaseSync(file)
    await store.read('a')
    other.exec('BEGIN IMMEDIATE')
    const written = store.write([insertion('a')])
    expect(() => gate.exec('BEGIN IMMEDIATE')).toThrow(/locked/)
    other.exec('COMMIT')
    await written
    gate.exec('BEGIN IMMEDIATE')
    other.close()
  })

  it('held by a process that was stopped costs a moment, not the work', async () => {
    gate.exec('BEGIN IMMEDIATE')
    await put(store, insertion('a'))
    await put(store, insertion('b'))
    await stands(store, header('b'), [])
  })

  it('that cannot be had hinders nobody', async () => {
    gate.close()
    rmSync(`${file}-gate`, { force: true })
    mkdirSync(`${file}-gate`)
    await put(store, insertion('a'))
    gate = new driver.DatabaseSync(':memory:')
  })
})

describe('costs', () => {
  function plan(sql: string): string[] {
    return withDatabase((db) => {
      const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]
      return steps.map(({ detail }) => detail)
    })
  }

  it('reading seeks from place to place and scans no rows', async () => {
    await open(file).read('a')
    const steps = plan(NEWEST_ROWS).filter((detail) => detail.includes('polaris_rows'))
    expect(steps.length).toBeGreaterThanOrEqual(4)
    for (const step of steps) expect(step).toMatch(/^SEARCH polaris_rows USING PRIMARY KEY/)
    expect(steps.filter((step) => /place=\? AND seq=\?\)$/.test(step))).toHaveLength(1)
  })

  it('a page of a history seeks its own rows in each place, and no others', async () => {
    const store = open(file)
    await store.read('a')
    const steps = plan(SOME_ROWS).filter((detail) => detail.includes('polaris_rows'))
    for (const step of steps) expect(step).toMatch(/^SEARCH polaris_rows USING PRIMARY KEY/)
    expect(steps.filter((step) => /place=\? AND seq>\? AND seq<\?\)$/.test(step))).toHaveLength(1)
    const seqs = [1, 2, 50, 51, 52, 200, 1_000]
    const rows = seqs.map((seq) => row(seq, { place: `p${seq % 3}` }))
    await put(store, insertion('a', { rows: 1_000 }, rows))
    for (const limit of [1, 2, 3, 100, 2_000]) {
      const found: number[] = []
      for (let page = await store.history('a', { limit }); page.length > 0;) {
        found.push(...page.map(({ seq }) => seq))
        page = await store.history('a', { limit, after: found.at(-1) ?? 0 })
      }
      expect(found).toEqual(seqs)
    }
  })

  it('a page of a list begins at its cursor and sorts nothing; the headers are fetched of the page alone', async () => {
    await open(file).read('a')
    const query = { limit: 5, cursor: '5:x' }
    const index = 'COVERING INDEX polaris_instances_kind'
    const one = `SEARCH polaris_instances USING ${index} (workflow=? AND status=? AND (created_at,id)>(?,?))`
    const parts = (['failed', 'waiting'] as const).map((status) => ({ workflow: 'a', status }))
    const steps = plan(listStatement(query, parts).sql)
    const keys = ['CO-ROUTINE (subquery-2)', 'MERGE (UNION ALL)', 'LEFT', one, 'RIGHT', one, 'SCAN (subquery-2)']
    expect(steps).toEqual([...keys, 'SEARCH polaris_instances USING PRIMARY KEY (created_at=? AND id=?)'])
    // The other way round it is the same, walked backwards.
    expect(plan(listStatement({ ...query, order: 'newest' }, parts).sql)).toEqual(
      steps.map((step) => step.replace('(created_at,id)>', '(created_at,id)<')),
    )
    const found = plan(WORKFLOWS).filter((step) => step.includes('polaris_instances'))
    expect(found).toEqual([
      `SEARCH polaris_instances USING ${index}`,
      `SEARCH polaris_instances USING ${index} (workflow>?)`,
    ])
  })

  it('a list goes over more workflows than one statement can merge, in the order of creation', async () => {
    const store = open(file)
    const ids = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? `\ue000${index}` : `🚕${index}`))
    await put(store, ...ids.map((id, index) => insertion(id, { workflow: `w${index}`, createdAt: 5 + (index >> 3) })))
    const whole = (await store.list({ limit: 100 })).items.map(({ id }) => id)
    expect(whole.toSorted()).toEqual(ids.toSorted())
    const paged: string[] = []
    for (let cursor: string | undefined; ;) {
      const { items, next } = await store.list({ limit: 7, ...(cursor !== undefined && { cursor }) })
      paged.push(...items.map(({ id }) => id))
      if (next === undefined) break
      cursor = next
    }
    expect(paged).toEqual(whole)
    const inBytes = withDatabase((db) => db.prepare('SELECT id FROM polaris_instances ORDER BY created_at, id').all())
    expect(inBytes).toEqual(whole.map((id) => ({ id })))
  })

  it('a claim seeks what is due of one version, in order', async () => {
    await open(file).read('a')
    expect(plan(DUE)).toEqual([
      'SEARCH polaris_instances USING INDEX polaris_instances_due (workflow=? AND version=? AND wake_at<?)',
    ])
  })

  it('old mail is found by its time', async () => {
    await open(file).read('a')
    expect(plan(OLD_MAIL).join()).toMatch(/COVERING INDEX polaris_mail_handled \(handled_at<\?\)/)
  })

  it('a change takes one statement for its header, and touches an index only where what is in it changes', async () => {
    const ran: string[] = []
    class Spied extends driver.DatabaseSync {
      override prepare(sql: string): SqliteStatement {
        const statement = super.prepare(sql)
        if (!sql.includes('polaris_instances')) return statement
        return {
          run: (...values: SqlValue[]) => (ran.push(sql), statement.run(...values)),
          get: (...values: SqlValue[]) => (ran.push(sql), statement.get(...values)),
          all: (...values: SqlValue[]) => statement.all(...values),
        }
      }
    }
    const store = open(file, { driver: () => ({ DatabaseSync: Spied }) })
    const begun = insertion('a', { ...RUNNING, rows: 1 }, [row(1)])
    const goesOn = update(begun.header, { rows: 2 }, [row(2)])
    const settled = update(goesOn.header, { status: 'completed', holder: null, pass: 0, mailHandled: 1 })
    const again = update(settled.header, { ...RUNNING, fence: 2, scope: 2, mailAppended: 2 })
    const taken = { ...again, lease: 1_000, expected: { ...again.expected, mailAppended: 1 } } as Change
    for (const change of [{ ...begun, lease: 1_000 }, goesOn, settled, taken]) await put(store, change)
    expect(ran.map((sql) => sql.slice(0, 6))).toEqual(['INSERT', 'UPDATE', 'UPDATE', 'UPDATE'])
    const trees = ran.map((sql) =>
      withDatabase((db) => {
        const steps = db.prepare(`EXPLAIN ${sql}`).all() as { readonly opcode: string; readonly p2: number }[]
        return new Set(steps.flatMap(({ opcode, p2 }) => (opcode === 'OpenWrite' ? [p2] : []))).size
      }),
    )
    // The instances, and the indices by id, by what is due, and by status.
    expect(trees).toEqual([4, 1, 3, 3])
    expect((await store.read('a'))?.header).toMatchObject({ status: 'running', mailAppended: 2, revision: 4 })
  })

  it('news are kept for those who look soon, not for ever', async () => {
    const store = open(file)
    for (let start = 0; start < 10_500; start += 500) {
      await store.append(Array.from({ length: 500 }, (_, index) => delta('a', `r-${start + index}`)))
    }
    const { n, last } = withDatabase(
      (db) =>
        db.prepare('SELECT count(*) AS n, max(n) AS last FROM polaris_news').get() as Record<'n' | 'last', number>,
    )
    expect(last).toBe(10_500)
    expect(n).toBeLessThanOrEqual(10_100)
  })
})

describe('DRIVER_MISSING', () => {
  const missing = (): never => {
    throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' })
  }

  it('says what to install', async () => {
    const sources = { builtin: () => undefined, require: missing }
    const store = open(file, { driver: () => loadDriver(sources) })
    await refuses('DRIVER_MISSING', /npm install @photostructure\/sqlite/, () => store.read('a'))
    expect(() => loadDriver({ ...sources, require: () => ({}) })).toThrow(/npm install/)
  })

  it('the built-in module comes first, the package second', () => {
    const builtin = { DatabaseSync: driver.DatabaseSync }
    expect(loadDriver({ builtin: () => builtin, require: missing })).toBe(builtin)
    expect(loadDriver({ builtin: () => undefined, require: () => builtin })).toBe(builtin)
  })
})
