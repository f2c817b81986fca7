/** Rides behind HTTP, asked without a socket. */
import { builder, data, nothing, Polaris, workflow } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { httpHandler, tokenAuthorize } from 'polaris-workflow/http'
import type { HttpHandler, HttpOptions } from 'polaris-workflow/http'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { expect } from 'vitest'
import * as z from 'zod'

export const TOKEN = 'a-token-that-only-tests-know'

const RideRequest = data('RideRequest', z.object({ from: z.string().min(1), to: z.string() }))
const Coupon = data('Coupon', z.object({ percent: z.number().min(0).max(100) }))
const RideEnded = data('RideEnded', z.object({ minutes: z.number() }))
export const Card = data(
  'Card',
  z.object({
    number: z.string().regex(/^\d+$/, { error: ({ input }) => `'${String(input)}' is no number of a card` }),
  }),
  { sensitive: true },
)
const Quote = data('Quote', z.object({ fare: z.number() }))
const Token = data('Token', z.string(), { sensitive: true })
const Receipt = data('Receipt', z.object({ paid: z.number() }))

const quoteFare = builder({
  name: 'quoteFare',
  consumes: { ride: RideRequest },
  optionals: { coupon: Coupon },
  produces: Quote,
  process({ ride, coupon }) {
    if (ride.to === 'nowhere') throw new Error(`no way from ${ride.from}`)
    if (ride.to === 'later') return nothing('not yet')
    return { fare: 20 - (coupon?.percent ?? 0) / 5 }
  },
})
const tokenise = builder({
  name: 'tokenise',
  consumes: { card: Card },
  produces: Token,
  process({ card }) {
    if (card.number === '000') return nothing(`no card like ${card.number}-000`)
    if (card.number === '666') throw new Error(`the bank refuses ${card.number}`)
    return `token of ${card.number}`
  },
})
const charge = builder({
  name: 'charge',
  consumes: { quote: Quote, ended: RideEnded },
  optionals: { token: Token },
  produces: Receipt,
  process: ({ quote, ended }) => ({ paid: quote.fare + ended.minutes }),
})
export const cabRide = workflow({
  name: 'cabRide',
  builders: [quoteFare, tokenise, charge],
  target: Receipt,
  feedable: [Quote],
})

export const RIDE = { from: 'Zoo', to: 'Museum' }

/** What the API answers, all routes together: each has some of these. */
export interface Body {
  readonly id: string
  readonly status: string
  readonly code: string
  readonly detail: string
  readonly scopes: number
  readonly target: unknown
  readonly produced: Readonly<Record<string, unknown>>
  readonly data: readonly unknown[]
  readonly retries: readonly { readonly builder: string }[]
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[]
  readonly entries: readonly { readonly outcome: string; readonly data?: string; readonly value?: unknown }[]
  readonly instances: readonly { readonly id: string }[]
  /** A cursor of a list, an entry of a history. */
  readonly next: string | number
  readonly workflows: readonly unknown[]
  readonly links: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Parsed, if it is JSON. */
  readonly body: Body
  readonly text: string
}

export interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown
}

export type Ask = (path: string, asking?: Asking) => Promise<Answer>

export const ORIGIN = 'http://localhost:8080'

/** Asks a handler, with the token unless the headers say otherwise. */
export function asking(handler: HttpHandler): Ask {
  return async (path, { method, headers = {}, body } = {}) => {
    const raw = typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream
    const request = new Request(ORIGIN + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: raw ? body : JSON.stringify(body) }),
      ...(body instanceof ReadableStream && { duplex: 'half' }),
    })
    return read(await handler(request))
  }
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  const { status, headers } = response
  const json = /json/.test(headers.get('content-type') ?? '')
  return { status, headers, text, body: (json && text !== '' ? JSON.parse(text) : {}) as Body }
}

export interface World {
  readonly polaris: Polaris
  readonly handler: HttpHandler
  readonly ask: Ask
  /** Feeds a delta to a ride. */
  readonly feed: (
    id: string,
    delta: unknown,
    headers?: Readonly<Record<string, string>>,
    query?: string,
  ) => Promise<Answer>
  /** What the service would log. */
  readonly errors: unknown[]
}

export function worldOf(options: Partial<HttpOptions> = {}, store: DataStore = memoryStore()): World {
  const errors: unknown[] = []
  const polaris = new Polaris({ store }).register(cabRide)
  const handler = httpHandler(polaris, {
    authorize: tokenAuthorize({ token: TOKEN }),
    onError: (error) => errors.push(error),
    ...options,
  })
  const ask = asking(handler)
  return {
    ...{ polaris, handler, ask, errors },
    feed: (id, body, headers = {}, query = '') =>
      ask(`${handler.basePath}/api/workflows/cabRide/instances/${encodeURIComponent(id)}${query}`, { body, headers }),
  }
}

/** It is a problem of this status and code, and says nothing it should not. */
export function expectProblem(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.body.code], answer.text).toEqual([status, code])
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.body).toMatchObject({
    type: `urn:problem-type:polaris-workflow:${code}`,
    status,
    title: expect.any(String),
    detail: expect.any(String),
  })
  expect(answer.text).not.toMatch(/\n\s+at |node_modules|\.ts:\d/)
}
