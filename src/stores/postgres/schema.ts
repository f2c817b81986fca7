/** Makes or updates the tables, and refuses those that are newer. */
import { PolarisError } from '../../graph/errors.ts'
import {
  appendFunction,
  claimFunction,
  listMetaFunction,
  removeFunction,
  setMetaFunction,
  writeFunction,
} from './functions.ts'

/** The statements of each version, for a schema of this name, quoted. */
type Migrations = readonly ((schema: string) => readonly string[])[]

/**
 * From version n to n + 1, in order; `polaris_migrations` says which a schema has had. Tables are only ever added to, and a
 * function that changes gets a new name: processes of the version before go on using theirs, where they made them.
 *
 * Every key begins with the instance's id, and no constraint spans instances, so the tables can be spread by id. Lists
 * go by (workflow, status, created_at, id): without a workflow or a status they merge a range for each, and an update that
 * leaves status and `wake_at` alone touches no index (that is what the fill factor leaves room for). The rows' key keeps those of one place
 * together with the newest last: `read` seeks from place to place.
 */
export const MIGRATIONS: Migrations = [
  (schema) => [
    `CREATE TABLE ${schema}.polaris_instances (
       id text COLLATE "C" PRIMARY KEY,
       incarnation text COLLATE "C" NOT NULL,
       revision bigint NOT NULL,
       fence bigint NOT NULL,
       workflow text COLLATE "C" NOT NULL,
       version bigint NOT NULL,
       status text COLLATE "C" NOT NULL,
       holder text COLLATE "C",
       wake_at bigint,
       mail_appended bigint NOT NULL,
       mail_handled bigint NOT NULL,
       claims bigint NOT NULL,
       created_at bigint NOT NULL,
       rest text COLLATE "C" NOT NULL, -- [fingerprint, scope, pass, mode, settled, rows, token, updatedAt]
       slot integer -- of the batch that wrote it last; means nothing afterwards
     ) WITH (fillfactor = 50)`,
    `CREATE INDEX polaris_instances_due ON ${schema}.polaris_instances (workflow, version, wake_at)
     WHERE wake_at IS NOT NULL`,
    `CREATE INDEX polaris_instances_list ON ${schema}.polaris_instances (status, created_at, id)`,
    `CREATE TABLE ${schema}.polaris_rows (
       id text COLLATE "C" NOT NULL,
       place text COLLATE "C" NOT NULL,
       seq bigint NOT NULL,
       rest text COLLATE "C" NOT NULL, -- [scope, pass, builder, data, outcome, inputs, startedAt, endedAt, note, place?]
       value text COLLATE "C",
       PRIMARY KEY (id, place, seq)
     )`,
    `CREATE TABLE ${schema}.polaris_mail (
       id text COLLATE "C" NOT NULL,
       seq bigint NOT NULL,
       request_id text COLLATE "C" NOT NULL,
       mode text COLLATE "C" NOT NULL,
       hash text COLLATE "C" NOT NULL,
       body text COLLATE "C",
       outcome text COLLATE "C",
       appended_at bigint NOT NULL,
       handled_at bigint,
       PRIMARY KEY (id, seq),
       UNIQUE (id, request_id)
     )`,
    `CREATE INDEX polaris_mail_handled ON ${schema}.polaris_mail (handled_at) WHERE handled_at IS NOT NULL`,
  ],
  (schema) => [
    `ALTER TABLE ${schema}.polaris_instances ADD COLUMN cancelling bigint NOT NULL DEFAULT 0`,
    appendFunction(schema),
    claimFunction(schema),
    removeFunction(schema),
  ],
  // In the place of the index by status alone: a page of a rare workflow went through all that there is.
  (schema) => [
    `DROP INDEX ${schema}.polaris_instances_list`,
    `CREATE INDEX polaris_instances_kind ON ${schema}.polaris_instances (workflow, status, created_at, id)`,
  ],
  (schema) => [
    `CREATE TABLE ${schema}.polaris_meta (
       kind text COLLATE "C" NOT NULL,
       key text COLLATE "C" NOT NULL,
       revision bigint NOT NULL,
       value text COLLATE "C" NOT NULL,
       expires_at bigint,
       PRIMARY KEY (kind, key)
     )`,
    `CREATE INDEX polaris_meta_expired ON ${schema}.polaris_meta (expires_at) WHERE expires_at IS NOT NULL`,
    setMetaFunction(schema),
    listMetaFunction(schema),
  ],
  (schema) => [writeFunction(schema)],
]

/** What migrations need of a connection: the rows, each as an array of texts. */
export type Ask = (text: string, values?: unknown[]) => Promise<readonly (readonly (string | null)[])[]>

/**
 * Brings the schema up to date on one connection, in one transaction. Of processes that come at once, the first does the
 * work and the others wait for it.
 *
 * @param name of the schema, as it is
 * @throws `STORE_NEWER` if a newer version of this package made the schema, and the driver's errors
 */
export async function migrate(ask: Ask, name: string, migrations: Migrations = MIGRATIONS): Promise<void> {
  const newest = migrations.length
  if ((await schemaVersion(ask, name, newest)) === newest) return
  const schema = quoteName(name)
  await ask('BEGIN')
  try {
    await ask('SELECT pg_advisory_xact_lock(hashtextextended($1, 1349284467))', [`polaris:${name}`])
    const version = await schemaVersion(ask, name, newest)
    if (version === 0) await createSchema(ask, name)
    for (let step = version; step < newest; step += 1) {
      for (const statement of migrations[step]?.(schema) ?? []) await ask(statement)
      await ask(`INSERT INTO ${schema}.polaris_migrations VALUES ($1, now())`, [step + 1])
    }
    await ask('COMMIT')
  } catch (error) {
    await ask('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function createSchema(ask: Ask, name: string): Promise<void> {
  const schema = quoteName(name)
  // CREATE SCHEMA IF NOT EXISTS wants the right to create one also where it exists.
  const [found] = await ask('SELECT 1 FROM pg_namespace WHERE nspname = $1', [name])
  if (found === undefined) await ask(`CREATE SCHEMA ${schema}`)
  await ask(`CREATE TABLE ${schema}.polaris_migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL)`)
}

/** 0 where there is nothing yet. */
async function schemaVersion(ask: Ask, name: string, newest: number): Promise<number> {
  const [table] = await ask(
    `SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = 'polaris_migrations'`,
    [name],
  )
  if (table === undefined) return 0
  const [row] = await ask(`SELECT coalesce(max(version), 0) FROM ${quoteName(name)}.polaris_migrations`)
  const version = Number(row?.[0])
  if (version <= newest) return version
  const message =
    `The schema '${name}' was written by a newer version of polaris-workflow (schema ${version}, this one knows ` +
    `${newest}): update the package.`
  throw new PolarisError('STORE_NEWER', message)
}

/** Only for names that were checked. */
export function quoteName(name: string): string {
  return `"${name}"`
}
