import type { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isPolarisError, type ErrorCode } from '../../src/graph/errors.ts'
import type { DataStore } from '../../src/stores/contract.ts'
import { postgresStore, type PostgresOptions } from '../../src/stores/postgres.ts'
import { loadDriver } from '../../src/stores/postgres/driver.ts'
import { MIGRATIONS } from '../../src/stores/postgres/schema.ts'
import { claim, delta, header, insertion, put, row, snapshot, update } from '../../src/testing/conformance-kit.ts'
import { storeConformance } from '../../src/testing/conformance.ts'
import {
  BY_TIME,
  movable,
  needsServer,
  postgresMedium,
  serverUrl,
  type PostgresMedium,
} from '../support/server-media.ts'

needsServer('postgres')

describe('the Postgres store', () => {
  for (const one of storeConformance(() => postgresMedium(), { clock: true, tallies: true, finds: true })) {
    const title = `${one.group}: ${one.name}${one.skipped === undefined ? '' : ` (${one.skipped})`}`
    it.skipIf(one.skipped !== undefined)(title, one.run)
  }
})

describe('the Postgres store by a clock of its own', () => {
  for (const { group, name, skipped, run } of storeConformance(() => movable(postgresMedium()), {
    ...{ clock: true, tallies: true, finds: true },
  })) {
    if (BY_TIME.test(group) && skipped === undefined) it(`${group}: ${name}`, run)
  }
})

let medium: PostgresMedium
const opened: DataStore[] = []

beforeEach(() => {
  medium = postgresMedium()
})

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  await medium.dispose()
})

function open(options: PostgresOptions = {}): DataStore {
  const store = medium.open(options)
  opened.push(store)
  return store
}

async function refuses(code: ErrorCode, message: RegExp, call: () => unknown): Promise<void> {
  const error = await Promise.resolve()
    .then(call)
    .then(
      () => expect.fail('expected an error, but the call succeeded'),
      (reason: unknown) => reason,
    )
  if (!isPolarisError(error)) throw error
  expect(error.message).toMatch(message)
  expect(error.code).toBe(code)
}

/** Asks until the answer is there. */
async function until<T>(probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const answer = await probe()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error('It did not come to pass within 20 seconds.')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A transaction of somebody else's on the schema. */
async function stranger(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: serverUrl('postgres'), options: `-c search_path=${medium.schema}` })
  await client.connect()
  await client.query('BEGIN')
  return client
}

/** Resolves when a connection of that name waits for a lock. */
async function waitsForLock(name: string): Promise<unknown> {
  return until(async () => {
    const text = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'"
    return (await medium.query(text, [name]))[0]
  })
}

describe('opening', () => {
  it('20 stores at once make one schema', async () => {
    const stores = Array.from({ length: 20 }, () => open({ max: 1 }))
    await Promise.all(stores.map((store, index) => put(store, insertion(`i-${index}`))))
    const { items } = await open().list({ limit: 100 })
    expect(items).toHaveLength(20)
    expect(await medium.query(`SELECT version FROM ${medium.schema}.polaris_migrations`)).toEqual(
      MIGRATIONS.map((_, index) => ({ version: index + 1 })),
    )
  })

  it('20 stores at once bring a schema of version 1 up to date; what was in it stands, and old processes go on', async () => {
    const script = readFileSync(new URL('fixtures/postgres-schema-1.sql', import.meta.url), 'utf8')
    const { schema } = medium
    await medium.query(`CREATE SCHEMA ${schema}`)
    await medium.query(
      `CREATE TABLE ${schema}.polaris_migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL)`,
    )
    for (const statement of script.split('--;\n')) {
      if (statement.trim() !== '') await medium.query(statement.replaceAll('__schema__', schema))
    }
    await medium.query(`INSERT INTO ${schema}.polaris_migrations VALUES (1, now())`)
    await medium.query(`INSERT INTO ${schema}.polaris_instances VALUES
      ('old', 'i-1', 3, 2, 'ride', 1, 'waiting', NULL, 5, 1, 1, 0, 9, '["f0",1,0,"parallel",1,1,"t-3",9]')`)
    await medium.query(`INSERT INTO ${schema}.polaris_rows VALUES
      ('old', 'd:A', 1, '[1,1,null,"A","fed",[],1,2,null]', '"x"')`)
    const stores = Array.from({ length: 20 }, () => open({ max: 1 }))
    const answers = await Promise.all(stores.map(async (store, index) => store.append([delta('old', `r-${index}`)])))
    expect(
      answers
        .flat()
        .map((one) => (one.ok ? one.seq : 0))
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 20 }, (_, index) => index + 2))
    const found = await snapshot(stores[0]!, 'old')
    expect(found.header).toMatchObject({ revision: 3, mailAppended: 21, cancelling: 0, createdAt: 9, scope: 1 })
    expect(found.rows).toMatchObject([{ place: 'd:A', value: '"x"' }])
    const claimed = await medium.query(
      `SELECT id, holder FROM ${schema}.polaris_claim_1(false, 'w-0', 1000, 1, '{ride}', '{1}', NULL)`,
    )
    expect(claimed).toEqual([{ id: 'old', holder: 'w-0' }])
  })

  it('a schema that a newer version made is left alone', async () => {
    await open().read('a')
    await medium.query(`INSERT INTO ${medium.schema}.polaris_migrations VALUES (99, now())`)
    await refuses('STORE_NEWER', /schema 99, this one knows \d\): update the package/, () => open().read('a'))
  })

  it('who may not make a schema is told what to grant, and goes on when it is granted', async () => {
    const role = `${medium.schema}_role`
    await medium.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`)
    try {
      const url = new URL(serverUrl('postgres'))
      url.username = role
      url.password = 'secret'
      const store = open({ connectionString: url.href })
      await refuses('STORE_UNAVAILABLE', /needs either CREATE on the database, or a schema/, () => store.read('a'))
      await medium.query(`CREATE SCHEMA ${medium.schema} AUTHORIZATION ${role}`)
      await put(store, insertion('a'))
      await medium.query(`REVOKE INSERT ON ${medium.schema}.polaris_rows FROM ${role}`)
      const change = insertion('b', {}, [row(1)])
      await refuses('STORE_UNAVAILABLE', /permission denied/, () => store.write([change]))
      expect(await store.read('b')).toBeUndefined()
      await medium.query(`GRANT INSERT ON ${medium.schema}.polaris_rows TO ${role}`)
      await put(store, change)
    } finally {
      await medium.dispose()
      await medium.query(`DROP ROLE ${role}`)
    }
  })

  it('no server, no database and a wrong password are told apart, and nobody is shown the password', async () => {
    const url = new URL(serverUrl('postgres'))
    url.pathname = '/nowhere'
    await refuses('STORE_INVALID', /There is no such database/, () => open({ connectionString: url.href }).read('a'))
    const nobody = open({ connectionString: 'postgres://me:secret@127.0.0.1:1/x' })
    await refuses('STORE_UNAVAILABLE', /^(?!.*secret).*no connection to the Postgres server/s, () => nobody.read('a'))
    await refuses('STORE_UNAVAILABLE', /no connection/, () => nobody.read('a'))
    const missing = (): Promise<never> => Promise.reject(new Error('Cannot find package'))
    await refuses('DRIVER_MISSING', /npm install pg/, () => loadDriver(missing))
  })

  it('options nobody reads, names that are none and two sources of connections are refused', async () => {
    const invalid = (options: object, message: RegExp): Promise<void> =>
      refuses('OPTION_INVALID', message, () => postgresStore(options))
    await invalid({ shcema: 'a' }, /did you mean 'schema'/)
    for (const schema of ['', 'a b', '1a', 'a"b', 'pg_mine', 'x'.repeat(51), 7]) {
      await invalid({ schema }, /name of a Postgres schema/)
    }
    const pool = new pg.Pool()
    await invalid({ pool, host: 'here', max: 3 }, /got both: host, max/)
    await pool.end()
  })
})

describe("a pool of the user's", () => {
  it('serves several schemas, whatever the process told pg about types, and stays open', async () => {
    const pool = new pg.Pool({ connectionString: serverUrl('postgres'), max: 2 })
    const other = postgresMedium()
    pg.types.setTypeParser(20, () => 'nonsense')
    try {
      const stores = [medium, other].map(({ schema }) => postgresStore({ pool, schema }))
      for (const store of stores) await put(store, insertion('a', { revision: 41 }))
      for (const store of stores) expect((await snapshot(store, 'a')).header.revision).toBe(41)
      for (const store of stores) await store.close()
      expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    } finally {
      pg.types.setTypeParser(20, (value: string) => value)
      await pool.end()
      await other.dispose()
    }
  })
})

describe('a server that goes away', () => {
  it('does not end the process by a connection that breaks in the moment it is made', async () => {
    const pool = new pg.Pool({ connectionString: serverUrl('postgres') })
    let broken = 0
    pool.once('acquire', (client: EventEmitter) => {
      // Before anybody who waits for the connection goes on: as when the server's farewell comes together with its greeting.
      process.nextTick(() => {
        broken++
        client.emit('error', new Error('gone'))
      })
    })
    try {
      const store = postgresStore({ pool, schema: medium.schema })
      await put(store, insertion('a'))
      await store.close()
      expect(broken).toBe(1)
      expect(pool.listenerCount('error')).toBe(0)
    } finally {
      await pool.end()
    }
  })
})

describe('what Postgres cannot keep', () => {
  it('is refused alone, whether we see it or the server does', async () => {
    const store = open()
    const changes = Array.from({ length: 64 }, (_, index) =>
      insertion(`i-${index}`, {}, index === 40 ? [row(1), row(1)] : [row(1)]),
    )
    const written = await store.write([...changes, insertion('lone \ud800'), insertion('nul \0')])
    const refused = written.flatMap((one, index) => ('error' in one ? [[index, one.error.code]] : []))
    expect(refused).toEqual([40, 64, 65].map((index) => [index, 'DATA_INVALID']))
    expect((await store.list({ limit: 100 })).items).toHaveLength(63)
    const answers = await store.append([delta('a', 'r-\0'), delta('b', 'r-1'), delta('c', 'r-\udc00')])
    expect(answers.map((answer) => ('error' in answer ? answer.error.code : answer.ok))).toEqual([
      'DATA_INVALID',
      true,
      'DATA_INVALID',
    ])
  })

  it('cannot be asked for either', async () => {
    const store = open()
    await put(store, insertion('\ufffd', { rows: 1 }, [row(1)]))
    await store.append([delta('\ufffd', '\ufffd')])
    for (const id of ['\ud800', '\0']) {
      expect(await store.read(id)).toBeUndefined()
      expect(await store.history(id, { limit: 5 })).toEqual([])
      expect(await store.mail(id, { limit: 5 })).toEqual([])
      expect(await store.request(id, '\ufffd')).toBeUndefined()
      expect(await store.request('\ufffd', id)).toBeUndefined()
      expect(await claim(store, { ids: [id] })).toEqual([])
    }
  })

  it('a batch too heavy for one message is written in parts', async () => {
    const value = `"${'ж'.repeat(20_000_000)}"`
    const changes = ['a', 'b', 'c'].map((id) => insertion(id, { rows: 1 }, [row(1, { value })]))
    const store = open()
    await put(store, ...changes)
    for (const { header } of changes) expect((await snapshot(store, header.id)).rows[0]?.value === value).toBe(true)
  })

  it('an outcome of any text comes back equal', async () => {
    const store = open()
    await store.append([delta('a', 'r-1')])
    const outcome = 'nul \0 and \ud800 alone'
    const { header: before } = await snapshot(store, 'a')
    await put(store, { ...update(before, { mailHandled: 1 }), handled: { seq: 1, outcome, at: 5 } })
    expect((await store.request('a', 'r-1'))?.outcome).toBe(outcome)
  })
})

describe('durability', () => {
  it.each([
    ['full', 'off', 'on'],
    ['full', 'local', 'local'],
    ['relaxed', 'on', 'off'],
  ] as const)('%s, where connections say %s, commits with synchronous_commit %s', async (durability, given, used) => {
    const store = open({ durability, options: `-c synchronous_commit=${given}` })
    await store.read('a')
    await medium.query(
      `CREATE TABLE ${medium.schema}.seen (setting text);
       CREATE FUNCTION ${medium.schema}.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO ${medium.schema}.seen VALUES (current_setting('synchronous_commit')); RETURN new; END $$;
       CREATE TRIGGER see BEFORE INSERT OR UPDATE ON ${medium.schema}.polaris_instances
         FOR EACH ROW EXECUTE FUNCTION ${medium.schema}.see()`,
    )
    await put(store, insertion('a', { wakeAt: 1 }))
    await store.append([delta('a', 'r-1')])
    await claim(store)
    const seen = await medium.query(`SELECT DISTINCT setting FROM ${medium.schema}.seen`)
    expect(seen).toEqual([{ setting: used }])
  })
})

describe('locks', () => {
  it('a row that somebody holds delays its own batch only', async () => {
    const store = open({ application_name: medium.schema })
    await put(store, insertion('a'), insertion('b'))
    const client = await stranger()
    await client.query("SELECT FROM polaris_instances WHERE id = 'a' FOR UPDATE")
    const delayed = put(store, update(header('a')))
    await waitsForLock(medium.schema)
    await put(store, update(header('b')), insertion('c'))
    await store.append([delta('b', 'r-1')])
    expect(await claim(store, { ids: ['a'] })).toEqual([])
    expect((await store.read('a'))?.header.revision).toBe(1)
    await client.query('COMMIT')
    await delayed
    await client.end()
  })

  it.each(['write', 'append'] as const)(
    'P3: %s takes its rows in the order of ids, whatever the order given',
    async (how) => {
      const store = open({ application_name: medium.schema })
      await put(store, insertion('a'), insertion('b'), insertion('c'))
      const client = await stranger()
      await client.query("SELECT FROM polaris_instances WHERE id = 'a' FOR UPDATE")
      const ids = ['c', 'b', 'a']
      const done =
        how === 'write'
          ? store.write(ids.map((id) => update(header(id))))
          : store.append(ids.map((id) => delta(id, 'r-1')))
      await waitsForLock(medium.schema)
      // It waits for the first, and so holds none of the others.
      await client.query("SELECT FROM polaris_instances WHERE id IN ('b', 'c') FOR UPDATE NOWAIT")
      await client.query('COMMIT')
      expect((await done).map(({ ok }) => ok)).toEqual([true, true, true])
      await client.end()
    },
  )

  it('the victim of a deadlock tries again', async () => {
    const store = open({ application_name: medium.schema })
    await put(store, insertion('a'), insertion('b'))
    const client = await stranger()
    await client.query("SET LOCAL deadlock_timeout = '1h'")
    await client.query("UPDATE polaris_instances SET claims = 7 WHERE id = 'b'")
    const done = store.write([update(header('a')), update(header('b'))])
    await waitsForLock(medium.schema)
    await client.query("UPDATE polaris_instances SET claims = 7 WHERE id = 'a'")
    await client.query('COMMIT')
    expect((await done).map(({ ok }) => ok)).toEqual([true, true])
    await client.end()
  })
})

describe('connections', () => {
  const terminate = (): Promise<unknown> =>
    medium.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [medium.schema])

  it('cut at work, the call fails with STORE_UNAVAILABLE and the next one works', async () => {
    const store = open({ application_name: medium.schema })
    await put(store, insertion('a'))
    const client = await stranger()
    await client.query("SELECT FROM polaris_instances WHERE id = 'a' FOR UPDATE")
    const failing = refuses('STORE_UNAVAILABLE', /Postgres/, () => store.write([update(header('a'))]))
    await waitsForLock(medium.schema)
    await terminate()
    await failing
    await client.query('ROLLBACK')
    await client.end()
    await put(store, update(header('a')))
  })

  it('cut at rest, nothing breaks', async () => {
    const store = open({ application_name: medium.schema })
    await Promise.all(['a', 'b', 'c', 'd'].map((id) => put(store, insertion(id))))
    await terminate()
    await until(async () => Promise.resolve(store.read('a')).catch(() => undefined))
    await put(store, update(header('a')))
  })

  it('that take no writes: STORE_UNAVAILABLE', async () => {
    await put(open(), insertion('a'))
    const store = open({ options: '-c default_transaction_read_only=on' })
    expect((await store.read('a'))?.header).toEqual(header('a'))
    await refuses('STORE_UNAVAILABLE', /takes no writes.*connect to the primary/, () => store.write([insertion('b')]))
    await refuses('STORE_UNAVAILABLE', /takes no writes/, () => store.append([delta('a', 'r-1')]))
  })

  it('a statement that takes too long: STORE_UNAVAILABLE', async () => {
    const store = open({ statement_timeout: 50 })
    await put(store, insertion('a'))
    const client = await stranger()
    await client.query("SELECT FROM polaris_instances WHERE id = 'a' FOR UPDATE")
    await refuses('STORE_UNAVAILABLE', /took longer/, () => store.write([update(header('a'))]))
    await client.end()
    await put(store, update(header('a')))
  })

  it('the one that listens is made again when it is lost', async () => {
    const store = open({ application_name: medium.schema })
    const heard: string[] = []
    const other = open()
    const stop = store.subscribe?.((id) => heard.push(id))
    let count = 0
    const hears = (): Promise<string> =>
      until(async () => {
        const id = `i-${(count += 1)}`
        await other.append([delta(id, 'r-1')])
        return heard.find((one) => one !== 'stale')
      })
    await hears()
    await terminate()
    heard.length = 0
    await hears()
    stop?.()
    await until(async () => {
      const text = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND query LIKE 'LISTEN%'"
      return (await medium.query(text, [medium.schema])).length === 0 ? true : undefined
    })
  })

  it('a store closed while it connects to listen leaves nothing behind', async () => {
    const store = open({ application_name: medium.schema })
    store.subscribe?.(() => undefined)
    await store.close()
    const text = 'SELECT pid FROM pg_stat_activity WHERE application_name = $1'
    await until(async () => ((await medium.query(text, [medium.schema])).length === 0 ? true : undefined))
  })
})
