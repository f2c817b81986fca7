/** Calls of the HTTP API. */
import { BASE } from '../router.ts'

export const API = `${BASE}api`

/** What the service refused, as RFC 9457 has it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly code: string
  readonly errors: readonly { readonly detail: string; readonly pointer: string }[]

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    super(typeof problem['detail'] === 'string' ? problem['detail'] : `The service answered ${status}.`)
    this.status = status
    this.code = typeof problem['code'] === 'string' ? problem['code'] : ''
    this.errors = Array.isArray(problem['errors']) ? (problem['errors'] as Refusal['errors']) : []
  }
}

/** The service could not be reached at all. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
  constructor() {
    super('The service cannot be reached.')
  }
}

/** Whether the service was reached when it was last asked, and lets this browser in. */
export interface Contact {
  readonly reached: boolean
  readonly signedIn: boolean
}

let contact: Contact = { reached: true, signedIn: true }
const listeners = new Set<(contact: Contact) => void>()

export function currentContact(): Contact {
  return contact
}

export function onContact(listener: (contact: Contact) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function noteContact(changes: Partial<Contact>): void {
  const next = { ...contact, ...changes }
  if (next.reached === contact.reached && next.signedIn === contact.signedIn) return
  contact = next
  for (const listener of [...listeners]) listener(next)
}

interface Asking {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/**
 * @param path below `/api`, encoded
 * @throws Refusal, Unreachable; what `signal` throws
 */
export async function ask<T>(path: string, { method = 'GET', body, headers, signal }: Asking = {}): Promise<T> {
  const response = await fetch(API + path, {
    method,
    ...(signal && { signal }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error
    noteContact({ reached: false })
    throw new Unreachable()
  })
  noteContact({ reached: true })
  if (response.ok) {
    if (path !== '/session') noteContact({ signedIn: true })
    return (response.status === 204 ? undefined : await response.json()) as T
  }
  const problem: unknown = await response.json().catch(() => ({}))
  if (response.status === 401 && path !== '/session') noteContact({ signedIn: false })
  throw new Refusal(response.status, (problem ?? {}) as Readonly<Record<string, unknown>>)
}

const BUILDERS_FAULT: ReadonlySet<string> = new Set(['BUILDER_FAILED', 'PRODUCT_INVALID', 'BUILDER_TIMEOUT'])

/** Whether what was asked for was done all the same, up to a builder that failed. */
export function isBuildersFault(error: unknown): error is Refusal {
  return error instanceof Refusal && BUILDERS_FAULT.has(error.code)
}

/** A path of the API: parts are encoded, what is undefined is left out of the query. */
export function at(
  parts: readonly string[],
  query: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
  const text = search.toString()
  return `/${parts.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`
}

/** Random text for an `idempotency-key`. */
export function newKey(): string {
  // `randomUUID` is there in secure contexts only.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
