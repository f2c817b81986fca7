/** What goes wrong with Redis, in the words of the store contract. */
import { type ErrorCode, PolarisError } from '../../graph/errors.ts'

const KNOWN: readonly (readonly [pattern: RegExp, code: ErrorCode, message: string])[] = [
  [/\bOOM\b/, 'STORE_FULL', 'Redis is out of memory: raise maxmemory or make room, and try again.'],
  [/No space left|ENOSPC/, 'STORE_FULL', 'The disk of Redis is full: make room and try again.'],
  [/MISCONF/, 'STORE_UNAVAILABLE', 'Redis cannot persist and refuses to write: see its log and its disk.'],
  [/READONLY/, 'STORE_UNAVAILABLE', 'This Redis is a replica that takes no writes: connect to the primary.'],
  [/NOREPLICAS/, 'STORE_UNAVAILABLE', 'Redis has too few replicas to take writes (min-replicas-to-write).'],
  [/NOAUTH|WRONGPASS|invalid password|invalid username/, 'STORE_INVALID', 'Redis refuses the user name or password.'],
  [
    /NOPERM/,
    'STORE_INVALID',
    'The Redis user may not run what the store needs: see the permissions it needs in the docs.',
  ],
  [
    /WRONGTYPE/,
    'STORE_INVALID',
    'Keys below this prefix are not what this store made of them: give it a prefix of its own.',
  ],
  [/LOADING/, 'STORE_UNAVAILABLE', 'Redis is still loading its data: try again in a moment.'],
  [/\bBUSY\b/, 'STORE_UNAVAILABLE', 'Redis is busy with a script of somebody else: try again in a moment.'],
  [
    /CLUSTERDOWN|MASTERDOWN|TRYAGAIN|MOVED|\bASK\b|slots/,
    'STORE_UNAVAILABLE',
    'The Redis Cluster is not complete at present.',
  ],
  [
    /unknown command|^ERR|user_script/,
    'STORE_INVALID',
    'Redis refused a command: version 5.0 or later is needed, with scripts.',
  ],
]

/** What the user of a store gets to see; our own errors stay as they are. */
export function translate(error: unknown): PolarisError {
  if (error instanceof PolarisError) return error
  const reason = error instanceof Error ? error.message : String(error)
  const [, code, message] = KNOWN.find(([pattern]) => pattern.test(reason)) ?? []
  // An error of ioredis carries the command with its arguments: a password may be among them.
  const cause = new Error(reason)
  if (code !== undefined) return new PolarisError(code, `${message} (Redis: ${reason})`, { cause })
  return new PolarisError('STORE_UNAVAILABLE', `Redis cannot be reached: is it running? (${reason})`, { cause })
}
