/** Disks that are really full: a file system of a few megabytes under SQLite, and under a table space of Postgres. */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Polaris, workflow } from 'polaris-workflow'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isPolarisError } from '../../src/graph/errors.ts'
import type { DataStore } from '../../src/stores/contract.ts'
import { insertion, put, row, stands, update } from '../../src/testing/conformance-kit.ts'
import { newLab, refusal, texts } from '../support/lab.ts'
import { startPostgres, type EmbeddedPostgres } from '../support/server-embedded.ts'
import { postgresMedium } from '../support/server-media.ts'
import { tinyDisk, type TinyDisk } from '../support/tiny-disk.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'

expectNoUnhandledRejections()

const HUGE = 'x'.repeat(300_000)

/** Inserts instances until one is refused; which one that was. */
async function fill(store: DataStore): Promise<number> {
  for (let n = 0; n < 200; n++) {
    try {
      await store.write([insertion(`filler-${n}`, { rows: 1 }, [row(1, { value: random() })])])
    } catch (error) {
      if (isPolarisError(error, 'STORE_FULL')) return n
      throw error
    }
  }
  throw new Error('the disk never came to be full')
}

/** Text that no database can compress. */
function random(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString('base64')
}

/** By a file beside. */
function fillUp({ folder }: TinyDisk): void {
  const file = openSync(join(folder, 'ballast'), 'a')
  try {
    for (;;) writeSync(file, Buffer.alloc(4_096))
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' })
  } finally {
    closeSync(file)
  }
}

async function keepsWhatStood(store: DataStore, disk: TinyDisk): Promise<void> {
  const first = insertion('a', { rows: 1 }, [row(1, { value: '1' })])
  await put(store, first)
  const refused = await fill(store)
  expect(refused).toBeGreaterThan(0)
  const large = [
    update(first.header, { rows: 2 }, [row(2, { value: `${random()}${random()}` })]),
    insertion('b', { rows: 1 }, [row(1, { value: `${random()}${random()}` })]),
  ]
  for (let times = 0; times < 2; times++) {
    const error = await refusal(
      Promise.resolve().then(() => store.write(large)),
      'STORE_FULL',
    )
    expect(error.message).toMatch('make room and try again')
    await stands(store, first.header, [1])
    expect(await store.read('b')).toBeUndefined()
    expect(await store.read(`filler-${refused}`)).toBeUndefined()
  }
  disk.resize(64)
  await put(store, ...large)
  await stands(store, large[0]!.header, [1, 2])
  await stands(store, large[1]!.header, [1])
}

function diskFor(context: { skip: (reason: string) => void }, ...args: Parameters<typeof tinyDisk>): TinyDisk {
  const disk = tinyDisk(...args)
  if (typeof disk === 'string') context.skip(disk)
  return disk as TinyDisk
}

describe('a full disk under SQLite', () => {
  it('STORE_FULL, nothing of the call stands, and the retry works when there is room', async (context) => {
    const disk = diskFor(context, 2)
    const store = sqliteStore(join(disk.folder, 'store.db'))
    try {
      await keepsWhatStood(store, disk)
    } finally {
      await store.close()
      disk.remove()
    }
  })

  it('full before its first use, and full to the last byte: STORE_FULL, and it begins when there is room', async (context) => {
    const disk = diskFor(context, 1)
    const store = sqliteStore(join(disk.folder, 'store.db'))
    try {
      fillUp(disk)
      await refusal(
        Promise.resolve().then(() => store.write([insertion('a')])),
        'STORE_FULL',
      )
      await refusal(
        Promise.resolve().then(() => store.read('a')),
        'STORE_FULL',
      )
      disk.resize(64)
      await put(store, insertion('a'))
      fillUp(disk)
      await refusal(
        fill(store).then(() => store.write([insertion('c')])),
        'STORE_FULL',
      )
      disk.resize(128)
      await put(store, insertion('c'))
    } finally {
      await store.close()
      disk.remove()
    }
  })

  it('a call is told so, its instance stays as it was, and the next call goes on from there', async (context) => {
    const disk = diskFor(context, 2)
    const store = sqliteStore(join(disk.folder, 'store.db'))
    const [A, B, T] = texts('A', 'B', 'T')
    const lab = newLab()
    const w = workflow({ name: 'w', builders: [lab.step('t', [A, B], T)], target: T })
    const polaris = new Polaris({ store }).register(w)
    try {
      const run = polaris.executor()
      expect((await run.sequential(w, 'i', A('a'))).status).toBe('waiting')
      const before = await store.read('i')
      await fill(store)
      await refusal(run.sequential(w, 'i', B(HUGE)), 'STORE_FULL')
      expect(await store.read('i')).toEqual(before)
      disk.resize(64)
      expect((await run.sequential(w, 'i', B('b'))).target).toBe('t(a,b)')
    } finally {
      await polaris.close()
      disk.remove()
    }
  })
})

describe('a full disk under Postgres', () => {
  let server: EmbeddedPostgres

  beforeAll(async () => {
    server = await startPostgres()
  })

  afterAll(() => server.stop())

  it('STORE_FULL, nothing of the call stands, and the retry works when there is room', async (context) => {
    const medium = postgresMedium(server.url)
    const [{ data_directory: data }] = (await medium.query('SHOW data_directory')) as [{ data_directory: string }]
    const [uid, gid] = execFileSync('stat', ['--format=%u %g', data], { encoding: 'utf8' }).split(' ').map(Number)
    const disk = diskFor(context, 3, { uid: uid!, gid: gid! })
    await medium.query(`CREATE TABLESPACE tiny LOCATION '${disk.folder}'`)
    const store = medium.open({ options: '-c default_tablespace=tiny' })
    try {
      await keepsWhatStood(store, disk)
    } finally {
      await store.close()
      await medium.dispose()
      await medium.query('DROP TABLESPACE tiny')
      disk.remove()
    }
  })
})
