/** Makes requests that follow from a seed: good ones, good ones gone wrong, and nonsense. */
import type { Random } from '../../simulation/random.ts'

/** Of what is sensitive: it must never come back. */
export const SECRET = 'S3CR3T'
export const TOKEN = 'a-token-that-only-the-fuzzer-knows'
export const WORKFLOW = 'cabRide'

/** A request that need not be one. */
export interface Wild {
  method: string
  /** Path and query, as they are sent. */
  target: string
  headers: [string, string][]
  body: Uint8Array | undefined
}

const NASTY = [
  ...['', ' ', '.', '..', '/', '//', '\\', '%', '%00', '%2e%2e%2f', '%252e%252e%252f', '..%c0%af', '%ff', '%u0041'],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'null',
    'undefined',
    'NaN',
    'true',
    '-1',
    '1e999',
    '0x10',
  ],
  ...[
    "' or 1=1 --",
    '"; drop table instances; --',
    '${7*7}',
    '{{7*7}}',
    '<script>alert(1)</script>',
    'javascript:alert(1)',
  ],
  ...[
    '\0',
    '\r\nx-injected: 1',
    '\u202e',
    '\ufeff',
    '\ud800',
    '😀',
    'ü',
    'x'.repeat(513),
    'x'.repeat(5_000),
    '9'.repeat(400),
  ],
  ...['$ref', '~0~1', '[]', '{}', '*', '?', '#', '&&', '=', ';', '|', '`id`', '/etc/passwd', 'file:///etc/passwd'],
]

const METHODS = [
  'GET',
  'GET',
  'POST',
  'POST',
  'POST',
  'DELETE',
  'HEAD',
  'PUT',
  'PATCH',
  'OPTIONS',
  'QUERY',
  'TRACE',
  'get',
  'x',
]
const READS = [
  '',
  '/history',
  '/explain',
  '/events',
  '/history?limit=3',
  '/history?after=2&limit=1',
  '/events?after=0',
  '/nothing',
]
const ACTIONS = ['resume', 'restart', 'rerun', 'fork', 'cancel']
const PLACES = [
  '',
  '/openapi.json',
  '/workflows',
  `/workflows/${WORKFLOW}`,
  `/workflows/${WORKFLOW}/graph`,
  '/session',
  '/instances',
]
const QUERIES = [
  'workflow',
  'version',
  'status',
  'createdFrom',
  'createdBefore',
  'limit',
  'cursor',
  'after',
  'mode',
  'expect',
  'format',
]
const VALUES = [
  'waiting',
  'completed,failed',
  '1',
  '100',
  '2026-01-01',
  'submit',
  'sequential',
  'new',
  'existing',
  'dot',
]
const HEADERS = ['content-type', 'content-length', 'content-encoding', 'host', 'origin', 'authorization', 'cookie']
const MORE_HEADERS = [
  'idempotency-key',
  'last-event-id',
  'accept',
  'x-forwarded-for',
  'sec-fetch-site',
  'transfer-encoding',
  'range',
]
const HEADER_VALUES = [
  '',
  'application/json',
  'text/plain',
  'gzip',
  'evil.example',
  'https://evil.example',
  'null',
  'Bearer x',
]

export function wildRequest(random: Random): Wild {
  const made = random.chance(0.05) ? nonsense(random) : likely(random)
  for (let slips = random.chance(0.45) ? random.int(1, 3) : 0; slips > 0; slips--) slip(random, made)
  return made
}

function likely(random: Random): Wild {
  const id = encodeURIComponent(
    random.chance(0.1) ? wellFormed(random.pick(NASTY)) || 'x' : `ride-${random.int(0, 50)}`,
  )
  const headers: [string, string][] = [['authorization', `Bearer ${TOKEN}`]]
  const kind = random.float()
  if (kind < 0.4) {
    const target = `/api/workflows/${WORKFLOW}/instances/${id}${random.pick(['', '', '', '?mode=submit', '?mode=sequential', '?expect=existing'])}`
    if (random.chance(0.3)) headers.push(['idempotency-key', `key-${random.int(0, 20)}`])
    return posted(target, headers, delta(random))
  }
  if (kind < 0.5) return posted(`/api/instances/${id}/${random.pick(ACTIONS)}`, headers, order(random))
  if (kind < 0.55) return { method: 'DELETE', target: `/api/instances/${id}`, headers, body: undefined }
  if (kind < 0.8)
    return { method: 'GET', target: `/api/instances/${id}${random.pick(READS)}`, headers, body: undefined }
  if (kind < 0.85) return posted('/api/session', headers, { token: random.pick([TOKEN, 'wrong', 17]) })
  const query = random.chance(0.5) ? `?${random.pick(QUERIES)}=${random.pick(VALUES)}` : ''
  return { method: 'GET', target: `/api${random.pick(PLACES)}${query}`, headers, body: undefined }
}

function posted(target: string, headers: [string, string][], body: unknown): Wild {
  headers.push(['content-type', 'application/json'])
  return { method: 'POST', target, headers, body: new TextEncoder().encode(JSON.stringify(body)) }
}

function delta(random: Random): object {
  const made: Record<string, unknown> = {}
  if (random.chance(0.8)) made['RideRequest'] = { from: 'Zoo', to: random.chance(0.1) ? odd(random, 3) : 'Museum' }
  if (random.chance(0.3)) made['RideEnded'] = { minutes: random.chance(0.2) ? odd(random, 2) : random.int(0, 99) }
  if (random.chance(0.3))
    made['Card'] = random.chance(0.5)
      ? { number: `${SECRET}-ok` }
      : { number: SECRET, [SECRET]: odd(random, 2, SECRET) }
  if (random.chance(0.1)) made[random.pick(NASTY)] = odd(random, 3)
  if (random.chance(0.05)) made['Receipt'] = { paid: 1 }
  if (random.chance(0.05)) made['Free'] = odd(random, 6)
  return made
}

function order(random: Random): object {
  return {
    ...(random.chance(0.5) && { builder: random.pick(['charge', 'quoteFare', 'nobody', '__proto__']) }),
    ...(random.chance(0.3) && { reason: random.chance(0.2) ? odd(random, 2) : 'because' }),
    ...(random.chance(0.3) && { id: `fork-${random.int(0, 50)}` }),
    ...(random.chance(0.2) && { at: random.pick([0, 1, 2, 1e9, -1, 1.5, 'x', null]) }),
  }
}

/** Any JSON. @param word a text that comes up now and then */
function odd(random: Random, depth: number, word = 'word'): unknown {
  const kind = depth === 0 ? random.int(0, 4) : random.int(0, 6)
  if (kind === 0) return random.pick(NASTY)
  if (kind === 1) return random.pick([0, -0, 1, -1, 1e308, 5e-324, 2 ** 53, 0.1])
  if (kind === 2) return null
  if (kind === 3) return random.chance(0.5)
  if (kind === 4) return word
  const count = random.int(0, 4)
  if (kind === 5) return Array.from({ length: count }, () => odd(random, depth - 1, word))
  return Object.fromEntries(Array.from({ length: count }, () => [random.pick(NASTY), odd(random, depth - 1, word)]))
}

function nonsense(random: Random): Wild {
  return {
    method: random.pick(METHODS),
    target: `/${Array.from({ length: random.int(0, 6) }, () => random.pick([...NASTY, 'api', 'instances'])).join('/')}`,
    headers: Array.from({ length: random.int(0, 5) }, () => [
      random.pick([...HEADERS, ...MORE_HEADERS]),
      random.pick(NASTY),
    ]),
    body: random.chance(0.7) ? bytes(random, random.int(0, 2_000)) : undefined,
  }
}

function bytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.int(0, 255))
}

/** One thing that goes wrong. */
function slip(random: Random, wild: Wild): void {
  const { headers, body } = wild
  switch (random.int(0, 9)) {
    case 0:
      wild.method = random.pick(METHODS)
      return
    case 1:
      wild.target = spliced(random, wild.target, random.pick(NASTY))
      return
    case 2:
      wild.target += `${wild.target.includes('?') ? '&' : '?'}${random.pick([...QUERIES, ...NASTY])}=${random.pick([...VALUES, ...NASTY])}`
      return
    case 3:
      headers.push([random.pick([...HEADERS, ...MORE_HEADERS]), random.pick([...HEADER_VALUES, ...NASTY])])
      return
    case 4:
      if (headers.length > 0) headers.splice(random.int(0, headers.length - 1), 1)
      return
    case 5:
      wild.body = body?.slice(0, random.int(0, body.length))
      return
    case 6:
      if (body !== undefined && body.length > 0) body[random.int(0, body.length - 1)] = random.int(0, 255)
      return
    case 7:
      wild.body = new TextEncoder().encode(
        random.pick(['[', '{"a":', '"'].map((part) => part.repeat(random.int(1, 300)))),
      )
      return
    case 8:
      wild.body = random.chance(0.01) ? new Uint8Array(2 ** 20 + 1).fill(0x20) : bytes(random, random.int(0, 300))
      return
    default:
      wild.body = body === undefined ? bytes(random, 10) : undefined
  }
}

function spliced(random: Random, text: string, part: string): string {
  const at = random.int(1, text.length)
  return text.slice(0, at) + part + text.slice(random.chance(0.5) ? at : Math.min(text.length, at + random.int(1, 9)))
}

export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}
