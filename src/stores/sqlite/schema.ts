/** Opens a file, makes or updates its schema, and refuses files that are not this store's. */
import { PolarisError } from '../../graph/errors.ts'
import type { SqliteDatabase, SqliteDriver } from './driver.ts'

/** `PRAGMA application_id`: says that a file is ours before anything in it is touched. The letters "Plrs". */
const APPLICATION_ID = 0x506c7273

/**
 * From version n to n + 1, in order; `PRAGMA user_version` counts how many a file has had. Only ever appended to.
 *
 * Both tables are keyed by creation time first, so that what is worked on lies together. With random ids, 64 changes in
 * a transaction: 15 µs a change, against 63 µs keyed by id alone, where each change dirties two pages of its own, and
 * 14 µs with a number for each id, which needs a look-up of that number before every update and an index more. It is
 * the order of lists as well. Rows of one place stand together with the newest last: `read` seeks from place to place.
 * What is neither compared nor searched for is one JSON text (`rest`): binding a value costs 100 to 200 ns each.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE polaris_instances (
     created_at INTEGER NOT NULL,
     id TEXT NOT NULL,
     incarnation TEXT NOT NULL,
     revision INTEGER NOT NULL,
     fence INTEGER NOT NULL,
     workflow TEXT NOT NULL,
     version INTEGER NOT NULL,
     status TEXT NOT NULL,
     wake_at INTEGER,
     rest TEXT NOT NULL, -- [fingerprint, mailAppended, mailHandled, scope, pass, mode, settled, rows, claims, token, updatedAt]
     PRIMARY KEY (created_at, id)
   ) WITHOUT ROWID;
   CREATE UNIQUE INDEX polaris_instances_id ON polaris_instances (id);
   CREATE TABLE polaris_rows (
     created_at INTEGER NOT NULL,
     id TEXT NOT NULL,
     place TEXT NOT NULL,
     seq INTEGER NOT NULL,
     rest TEXT NOT NULL, -- [scope, pass, builder, data, outcome, inputs, startedAt, endedAt, note]
     value TEXT,
     PRIMARY KEY (created_at, id, place, seq)
   ) WITHOUT ROWID;`,
  // Mail counters leave \`rest\` because an append raises them without knowing the rest. \`polaris_news\` says whose mail
  // changed last, to other processes: in a table of its own, which only ever grows at one end and shrinks at the other.
  `ALTER TABLE polaris_instances ADD COLUMN holder TEXT;
   ALTER TABLE polaris_instances ADD COLUMN mail_appended INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE polaris_instances ADD COLUMN mail_handled INTEGER NOT NULL DEFAULT 0;
   UPDATE polaris_instances SET
     mail_appended = json_extract(rest, '$[3]'),
     mail_handled = json_extract(rest, '$[3]'),
     wake_at = CASE WHEN status = 'running' AND json_extract(rest, '$[4]') > 0 THEN 0 ELSE wake_at END,
     rest = json_remove(rest, '$[1]', '$[1]'); -- leaves [fingerprint, scope, pass, mode, settled, rows, claims, token, updatedAt]
   CREATE INDEX polaris_instances_due ON polaris_instances (workflow, version, wake_at) WHERE wake_at IS NOT NULL;
   CREATE INDEX polaris_instances_status ON polaris_instances (status, created_at, id);
   CREATE TABLE polaris_mail (
     created_at INTEGER NOT NULL,
     id TEXT NOT NULL,
     seq INTEGER NOT NULL,
     request_id TEXT NOT NULL,
     handled_at INTEGER,
     rest TEXT NOT NULL, -- [mode, hash, appendedAt]
     body TEXT,
     outcome TEXT,
     PRIMARY KEY (created_at, id, seq)
   ) WITHOUT ROWID;
   CREATE UNIQUE INDEX polaris_mail_request ON polaris_mail (created_at, id, request_id);
   CREATE INDEX polaris_mail_handled ON polaris_mail (handled_at) WHERE handled_at IS NOT NULL;
   CREATE TABLE polaris_news (n INTEGER PRIMARY KEY, id TEXT NOT NULL);`,
  `ALTER TABLE polaris_instances ADD COLUMN cancelling INTEGER NOT NULL DEFAULT 0;`,
  // In the place of the index by status alone: a page of a rare workflow went through all that there is.
  `DROP INDEX polaris_instances_status;
   CREATE INDEX polaris_instances_kind ON polaris_instances (workflow, status, created_at, id);`,
  `CREATE TABLE polaris_meta (
     kind TEXT NOT NULL,
     key TEXT NOT NULL,
     revision INTEGER NOT NULL,
     value TEXT NOT NULL,
     expires_at INTEGER,
     PRIMARY KEY (kind, key)
   ) WITHOUT ROWID;
   CREATE INDEX polaris_meta_expired ON polaris_meta (expires_at) WHERE expires_at IS NOT NULL;`,
]

/**
 * So long the log gets before it is moved into the file: 16 MiB. Pages that are written in every transaction are moved once
 * then; with SQLite's own 1,000 pages 100 scopes in flight took 18 % longer, with 16,000 nothing more was gained.
 */
const CHECKPOINT_PAGES = 4_000

export interface OpenOptions {
  readonly synchronous: 'full' | 'normal'
  /** How long SQLite itself waits for a lock, holding up the event loop. */
  readonly busyTimeout: number
}

/** A connection to a file whose schema is the newest. Throws the driver's errors, and `STORE_NEWER` and `STORE_INVALID`. */
export function openDatabase(driver: SqliteDriver, file: string, options: OpenOptions): SqliteDatabase {
  const db = new driver.DatabaseSync(file)
  try {
    db.exec(`PRAGMA busy_timeout = ${options.busyTimeout}`)
    // Before anything is written: a file of somebody else's stays as it is.
    inTransaction(db, 'DEFERRED', () => schemaVersion(db, file, MIGRATIONS.length))
    db.exec('PRAGMA journal_mode = WAL')
    db.exec(`PRAGMA synchronous = ${options.synchronous === 'full' ? 'FULL' : 'NORMAL'}`)
    db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    migrate(db, file)
    return db
  } catch (error) {
    closeQuietly(db)
    throw error
  }
}

/** All steps that the file lacks in one transaction. Of processes that open a new file at once, the first does the work. */
export function migrate(db: SqliteDatabase, file: string, migrations: readonly string[] = MIGRATIONS): void {
  const newest = migrations.length
  if (inTransaction(db, 'DEFERRED', () => schemaVersion(db, file, newest)) === newest) return
  inTransaction(db, 'IMMEDIATE', () => {
    for (const step of migrations.slice(schemaVersion(db, file, newest))) db.exec(step)
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${newest}`)
  })
}

/** 0 for a file that is still empty. Called in a transaction, so that it does not see half of what another process does. */
function schemaVersion(db: SqliteDatabase, file: string, newest: number): number {
  const application = readNumber(db, 'PRAGMA application_id')
  const version = readNumber(db, 'PRAGMA user_version')
  if (application !== APPLICATION_ID) {
    const tables = readNumber(db, 'SELECT count(*) FROM sqlite_master')
    if (application === 0 && version === 0 && tables === 0) return 0
    throw new PolarisError('STORE_INVALID', `${file} is another program's database: give the store a file of its own.`)
  }
  if (version <= newest) return version
  const message =
    `${file} was written by a newer version of polaris-workflow (schema ${version}, this one knows ${newest}): ` +
    'update the package.'
  throw new PolarisError('STORE_NEWER', message)
}

function readNumber(db: SqliteDatabase, sql: string): number {
  const [value] = Object.values(db.prepare(sql).get() as Record<string, number | bigint>)
  return Number(value)
}

/** Does work in a transaction of its own that writes; throws and has changed nothing where others hold the lock. */
export type Transact = <T>(work: () => T) => T

/** One step of a transaction that may fail by itself. */
export function inSavepoint<T>(db: SqliteDatabase, work: () => T): T {
  db.exec('SAVEPOINT step')
  try {
    const result = work()
    db.exec('RELEASE step')
    return result
  } catch (error) {
    undo(db, 'ROLLBACK TO step; RELEASE step')
    throw error
  }
}

export function inTransaction<T>(db: SqliteDatabase, kind: 'DEFERRED' | 'IMMEDIATE', work: () => T): T {
  // IMMEDIATE for whatever writes: a deferred transaction that turns into a writer is refused without waiting.
  db.exec(`BEGIN ${kind}`)
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    undo(db, 'ROLLBACK')
    throw error
  }
}

function undo(db: SqliteDatabase, sql: string): void {
  try {
    db.exec(sql)
  } catch {
    // A full disk or an I/O error has rolled back all already, and then there is nothing to undo.
  }
}

/**
 * Moves the log into the file first: `@photostructure/sqlite` 1.2.1 lets go of a connection only when the garbage
 * collector has found its prepared statements, and what the last connection does when it closes would wait for that.
 */
export function closeInOrder(db: SqliteDatabase): void {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // Somebody else is at work on the file, or it cannot be written: the log stays, and whoever opens it next reads it.
  }
  closeQuietly(db)
}

/** For connections in an unknown state: what is wrong has been reported, or is about to be. */
export function closeQuietly(db: SqliteDatabase): void {
  try {
    db.close()
  } catch {
    // See above.
  }
}
