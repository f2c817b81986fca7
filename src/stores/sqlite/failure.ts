/** SQLite's errors in the words of the store contract. */
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { PolarisError } from '../../graph/errors.ts'

/** Primary result codes of https://sqlite.org/rescode.html that need telling apart. */
const ERROR = 1
const BUSY = 5
const LOCKED = 6
const READONLY = 8
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const PROTOCOL = 15
const TOOBIG = 18
const CONSTRAINT = 19
const MISMATCH = 20
const RANGE = 25
const NOTADB = 26

/** The primary result code of an error of the driver, `undefined` for any other. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { readonly errcode?: unknown } | null | undefined)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

/** Whether somebody else holds a lock, so that the same attempt may succeed in a moment. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === BUSY || code === LOCKED || code === PROTOCOL
}

/** An error as SQLite has it for a lock that somebody else holds. */
export function busy(message: string): Error {
  return Object.assign(new Error(message), { errcode: BUSY })
}

/** Whether a change, not the medium, is at fault: then the rest of its batch can be written without it. */
export function isRefusal(error: unknown): error is PolarisError {
  return error instanceof PolarisError && error.code === 'DATA_INVALID'
}

/** What the user of a store gets to see. Errors that are not SQLite's, ours among them, stay as they are. */
export function translate(error: unknown, file: string): unknown {
  const code = resultCode(error)
  if (code === undefined) return translateOther(error, file)
  const reason = (error as Error).message
  const fail = (
    kind: 'STORE_INVALID' | 'STORE_UNAVAILABLE' | 'STORE_FULL' | 'DATA_INVALID',
    text: string,
  ): PolarisError => new PolarisError(kind, `${text} (SQLite: ${reason})`, { cause: error })
  switch (code) {
    case FULL:
      return fail(
        'STORE_FULL',
        `The disk of ${file} is full, or the file reached its size limit: make room and try again.`,
      )
    case NOTADB:
      return fail('STORE_INVALID', `${file} is not an SQLite database: name another file.`)
    case CORRUPT:
      return fail('STORE_INVALID', `${file} is damaged: restore it from a backup.`)
    case ERROR:
      return fail('STORE_INVALID', `${file} is not what this store made of it.`)
    case TOOBIG:
    case CONSTRAINT:
    case MISMATCH:
    case RANGE:
      return fail('DATA_INVALID', 'SQLite cannot store this change.')
    case BUSY:
    case LOCKED:
    case PROTOCOL:
      return fail('STORE_UNAVAILABLE', `${file} stayed locked by another process: try again, or end that process.`)
    case READONLY:
      return fail('STORE_UNAVAILABLE', `${file} cannot be written: make the file and its folder writable.`)
    case CANTOPEN:
      return fail('STORE_UNAVAILABLE', `${file} cannot be opened: ${whyNotOpened(file)}.`)
    default:
      return fail('STORE_UNAVAILABLE', `${file} cannot be used at present: check the disk and the file's permissions.`)
  }
}

function translateOther(error: unknown, file: string): unknown {
  if (error instanceof PolarisError) return error
  const code = (error as { readonly code?: unknown } | null | undefined)?.code
  const reason = error instanceof Error ? error.message : String(error)
  if (code === 'ERR_INVALID_ARG_TYPE' || code === 'ERR_INVALID_ARG_VALUE' || error instanceof RangeError) {
    return new PolarisError('DATA_INVALID', `SQLite cannot store this change. (${reason})`, { cause: error })
  }
  if (error instanceof SyntaxError) {
    return new PolarisError('STORE_INVALID', `${file} holds a record that cannot be read. (${reason})`, {
      cause: error,
    })
  }
  if (code === 'ERR_INVALID_STATE') {
    return new PolarisError('STORE_UNAVAILABLE', `${file} was closed underneath the store. (${reason})`, {
      cause: error,
    })
  }
  return error
}

function whyNotOpened(file: string): string {
  const folder = dirname(file)
  try {
    if (!existsSync(folder)) return `its folder ${folder} does not exist`
    if (existsSync(file) && statSync(file).isDirectory()) return 'it is a folder'
    return `check that the file and its folder ${folder} may be written`
  } catch {
    return 'its folder cannot be looked at'
  }
}
