import { withBody } from './direct.ts'
import type { Problem } from './problems.ts'
import { problemDocument } from './problems.ts'

/**
 * On every answer. Nothing here is to be run, framed, sniffed, kept, or read by pages of others, whatever the data hold.
 */
const GUARDS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

type Extra = Readonly<Record<string, string>>

export function jsonReply(status: number, body: object, headers: Extra = {}): Response {
  return reply(status, 'application/json', `${JSON.stringify(body)}\n`, headers)
}

export function textReply(text: string): Response {
  return reply(200, 'text/plain; charset=utf-8', text)
}

export function emptyReply(headers: Extra = {}): Response {
  return new Response(null, { status: 204, headers: { ...GUARDS, ...headers } })
}

export function problemReply(problem: Problem): Response {
  const text = `${JSON.stringify(problemDocument(problem))}\n`
  return reply(problem.status, 'application/problem+json', text, problem.headers)
}

/** @param headers besides those that every answer has */
export function reply(
  status: number,
  type: string,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: Extra = {},
): Response {
  const init = { status, headers: { ...GUARDS, 'content-type': type, ...headers } }
  return body instanceof ReadableStream ? new Response(body, init) : withBody(new Response(null, init), body)
}
