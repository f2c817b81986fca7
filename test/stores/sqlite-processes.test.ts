import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { loadDriver } from '../../src/stores/sqlite/driver.ts'
import { MIGRATIONS, migrate } from '../../src/stores/sqlite/schema.ts'
import { quantile } from '../../bench/measure.ts'
import { compileStores, runProgram } from './processes.ts'

let output = ''
let folder = ''
let file = ''

beforeAll(() => {
  output = compileStores()
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'polaris-processes-'))
  file = join(folder, 'store.db')
  return () => rmSync(folder, { recursive: true })
})
afterAll(() => rmSync(output, { recursive: true }))

const COMMON = `
  import { sqliteStore } from './stores/sqlite.js'
  const [file, name, count] = process.argv.slice(1)
  const store = sqliteStore(file, { patience: 20_000 })
  const header = (id, fields) => ({ id, incarnation: 'i', revision: 1, fence: 1, workflow: 'w', version: 1,
    fingerprint: 'f', status: 'running', holder: null, wakeAt: null, mailAppended: 0, mailHandled: 0, cancelling: 0, scope: 1, pass: 1,
    mode: 'sequential', settled: 0, rows: 1, claims: 0, token: 't', createdAt: Date.now(), updatedAt: 1, ...fields })
  const row = (seq) => ({ seq, place: 'p', scope: 1, pass: 1, builder: null, data: 'D', outcome: 'fed', value: '1',
    inputs: [], startedAt: 1, endedAt: 1, note: null })
`

const COUNT = `${COMMON}
  await store.write([{ expected: null, header: header('shared', { revision: 0, rows: 0 }), rows: [] }])
  let lost = 0
  for (let done = 0; done < Number(count);) {
    const { header: now } = await store.read('shared')
    const expected = { incarnation: now.incarnation, revision: now.revision, fence: now.fence }
    const next = { ...now, revision: now.revision + 1, rows: now.rows + 1 }
    const own = { expected: null, header: header(name + '-' + done), rows: [row(1)] }
    const [first] = await store.write([{ expected, header: next, rows: [row(next.rows)] }, own])
    if (first.ok) done += 1
    else lost += 1
  }
  await store.close()
  console.log(JSON.stringify({ lost }))
`

it('four processes open a new file at once, and no step of any is lost', async () => {
  const programs = ['a', 'b', 'c', 'd'].map((name) => runProgram(COUNT, [file, name, '50']))
  await Promise.all(programs.map(({ output: printed }) => printed))
  const store = sqliteStore(file)
  const shared = await store.read('shared')
  expect(shared?.header.revision).toBe(200)
  const history = await store.history('shared', { limit: 1_000 })
  expect(history.map(({ seq }) => seq)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
  expect((await store.list({ limit: 1_000 })).items).toHaveLength(201)
  await store.close()
})

const JOIN = `${COMMON}
  const mail = { requestId: name, mode: 'parallel', hash: '', body: '1', appendedAt: 1 }
  const [answer] = await store.append([{ header: header('old'), mail }])
  await store.write([{ expected: null, header: header(name), rows: [row(1)] }])
  await store.close()
  console.log(JSON.stringify({ seq: answer.seq, cancelling: answer.header.cancelling }))
`

it('20 processes open an older file at once: it is brought up to date, and nothing is lost', async () => {
  const db = new (loadDriver().DatabaseSync)(file)
  db.exec('PRAGMA journal_mode = WAL')
  migrate(db, file, MIGRATIONS.slice(0, 2))
  const rest = '["f",1,0,"parallel",1,1,0,"t",9]'
  db.exec(`INSERT INTO polaris_instances VALUES (5, 'old', 'i', 1, 1, 'w', 1, 'waiting', NULL, '${rest}', NULL, 0, 0)`)
  db.exec(`INSERT INTO polaris_rows VALUES (5, 'old', 'p', 1, '[1,1,null,"D","fed",[],1,1,null]', '1')`)
  db.close()
  const programs = Array.from({ length: 20 }, (_, index) => runProgram(JOIN, [file, `p-${index}`]))
  const printed = await Promise.all(programs.map(async ({ output: text }) => JSON.parse(await text) as { seq: number }))
  expect(printed.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
  const store = sqliteStore(file)
  expect((await store.read('old'))?.header).toMatchObject({ mailAppended: 20, cancelling: 0, scope: 1, createdAt: 5 })
  expect(await store.history('old', { limit: 5 })).toMatchObject([{ seq: 1, place: 'p', value: '1' }])
  expect((await store.list({ limit: 100 })).items).toHaveLength(21)
  await store.close()
})

it('a killed process loses nothing that it was told is written, and leaves no change in halves', async () => {
  const endless = `${COMMON}
    for (let n = 0; ; n += 1) {
      const batch = ['x', 'y', 'z'].map((part) => ({ expected: null, header: header(part + n), rows: [row(1), row(2)] }))
      store.write(batch)
      process.stdout.write(n + '\\n')
      await new Promise((resolve) => setImmediate(resolve))
    }
  `
  for (const lines of [1, 40, 200, 333]) {
    const own = join(folder, `${lines}.db`)
    const program = runProgram(endless, [own])
    await program.printed(lines)
    program.kill()
    const acknowledged = (await program.output).split('\n').slice(0, -1).map(Number)
    expect(acknowledged.length).toBeGreaterThanOrEqual(lines)
    const store = sqliteStore(own)
    for (const n of acknowledged) {
      for (const part of ['x', 'y', 'z']) {
        expect((await store.history(`${part}${n}`, { limit: 9 })).map(({ seq }) => seq)).toEqual([1, 2])
      }
    }
    const next = (acknowledged[acknowledged.length - 1] ?? -1) + 1
    const torn = await Promise.all(
      ['x', 'y', 'z'].map(async (part) => (await store.read(`${part}${next}`)) !== undefined),
    )
    expect(new Set(torn).size).toBe(1)
    await store.close()
  }
})

/** A hot process writes batch after batch, the revision of its own instance counting them; a cold one now and then. */
const HOT = `${COMMON}
  const waits = []
  let own = header(name, { revision: 0, rows: 0 })
  await store.write([{ expected: null, header: own, rows: [] }])
  for (let n = 0; (await store.read('stop')) === undefined; n += 1) {
    const { incarnation, revision, fence } = own
    const next = { ...own, revision: revision + 1 }
    const others = Array.from({ length: 63 }, (_, index) => ({
      expected: null, header: header([name, n, index].join('-')), rows: [row(1)],
    }))
    const start = performance.now()
    await store.write([{ expected: { incarnation, revision, fence }, header: next, rows: [] }, ...others])
    waits.push(performance.now() - start)
    own = next
    await new Promise((resolve) => setImmediate(resolve))
  }
  await store.close()
  console.log(JSON.stringify({ batches: own.revision, waits }))
`
const COLD = `${COMMON}
  const batches = async () => {
    const found = await Promise.all(['hot-1', 'hot-2'].map((id) => store.read(id)))
    return found.map((one) => one?.header.revision ?? 0)
  }
  while ((await batches()).some((each) => each < 20)) await new Promise((resolve) => setTimeout(resolve, 5))
  const waits = []
  const passed = []
  for (let n = 0; n < Number(count); n += 1) {
    const [before, start] = [await batches(), performance.now()]
    await store.write([{ expected: null, header: header(name + n), rows: [row(1)] }])
    waits.push(performance.now() - start)
    const after = await batches()
    passed.push(after[0] + after[1] - before[0] - before[1])
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await store.write([{ expected: null, header: header('stop'), rows: [] }])
  await store.close()
  console.log(JSON.stringify({ waits, passed }))
`

it('P15: two hot processes and a cold one: nobody is passed by for long', async () => {
  const programs = [
    runProgram(HOT, [file, 'hot-1']),
    runProgram(HOT, [file, 'hot-2']),
    runProgram(COLD, [file, 'cold', '60']),
  ]
  const printed = await Promise.all(programs.map(async ({ output: text }) => JSON.parse(await text) as unknown))
  const [one, two] = printed as { batches: number }[]
  const { passed } = printed[2] as { passed: number[] }
  expect(one?.batches).toBeGreaterThan(Number(two?.batches) / 10)
  expect(two?.batches).toBeGreaterThan(Number(one?.batches) / 10)
  // Measured: on average 3 batches of others come first; 13 where whoever waits only looks again and again.
  expect(passed).toHaveLength(60)
  expect(passed.reduce((sum, each) => sum + each, 0) / passed.length).toBeLessThan(30)
  // To be under 100 ms at p99, with tenfold slack: that of a machine that does much else, and of a disk.
  for (const { waits } of printed as { waits: number[] }[]) expect(quantile(waits, 0.99)).toBeLessThan(1_000)
})
