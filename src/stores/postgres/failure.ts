/** Postgres' errors in the words of the store contract. */
import { PolarisError } from '../../graph/errors.ts'

/** https://www.postgresql.org/docs/current/errcodes-appendix.html; `undefined` for errors that are not the server's. */
function sqlState(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { readonly code?: unknown; readonly severity?: unknown }
  return typeof code === 'string' && typeof severity === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/** Whether the transaction lost against another one, so that the same attempt may succeed at once. */
export function isConflict(error: unknown): boolean {
  const state = sqlState(error)
  return state === '40001' || state === '40P01'
}

/** Whether the schema is gone or was never made. */
export function isMissing(error: unknown): boolean {
  const state = sqlState(error)
  return state === '42P01' || state === '3F000' || state === '42883'
}

/** Whether a change, not the medium, is at fault: then the rest of its batch can be written without it. */
export function isRefusal(error: unknown): error is PolarisError {
  return error instanceof PolarisError && error.code === 'DATA_INVALID'
}

/** What the user of a store gets to see. Our own errors stay as they are. */
export function translate(error: unknown, schema: string): PolarisError {
  if (error instanceof PolarisError) return error
  const reason = error instanceof Error ? error.message || error.name : String(error)
  const state = sqlState(error)
  const fail = (code: Trouble, text: string): PolarisError =>
    new PolarisError(code, `${text} (Postgres: ${reason})`, { cause: error })
  if (state !== undefined) return fail(...describe(state, schema))
  if (error instanceof SyntaxError) {
    return fail('STORE_INVALID', `The schema '${schema}' holds a record that cannot be read.`)
  }
  return fail(
    'STORE_UNAVAILABLE',
    'There is no connection to the Postgres server: check that it runs and is reachable.',
  )
}

type Trouble = 'STORE_INVALID' | 'STORE_UNAVAILABLE' | 'STORE_FULL' | 'DATA_INVALID'

function describe(state: string, schema: string): readonly [Trouble, string] {
  const exact = describeState(state, schema)
  if (exact !== undefined) return exact
  switch (state.slice(0, 2)) {
    case '22':
    case '23':
    case '54':
      return ['DATA_INVALID', 'Postgres cannot store this change.']
    case '28':
      return [
        'STORE_UNAVAILABLE',
        'The Postgres server does not let us in: check the user, the password and pg_hba.conf.',
      ]
    case '3F':
    case '42':
      return ['STORE_INVALID', `The schema '${schema}' is not what this store made of it.`]
    default:
      return ['STORE_UNAVAILABLE', 'The Postgres server cannot serve us at present.']
  }
}

function describeState(state: string, schema: string): readonly [Trouble, string] | undefined {
  switch (state) {
    case '53100':
      return ['STORE_FULL', 'The disk of the Postgres server is full: make room and try again.']
    case '25006':
      return [
        'STORE_UNAVAILABLE',
        'The Postgres server takes no writes here (a standby, or default_transaction_read_only): connect to the primary.',
      ]
    case '42501':
      return [
        'STORE_UNAVAILABLE',
        `The database user may not do this. It needs either CREATE on the database, or a schema '${schema}' of its own ` +
          `(CREATE SCHEMA ${schema} AUTHORIZATION user).`,
      ]
    case '3D000':
      return ['STORE_INVALID', 'There is no such database: create it, or name another.']
    case '40001':
    case '40P01':
      return ['STORE_UNAVAILABLE', 'Other transactions got in the way again and again: try again.']
    case '57014':
    case '55P03':
      return ['STORE_UNAVAILABLE', 'The statement took longer than statement_timeout or lock_timeout allow: try again.']
    case '53300':
      return [
        'STORE_UNAVAILABLE',
        'The Postgres server has too many connections: raise max_connections, or lower `max`.',
      ]
    default:
      return undefined
  }
}
