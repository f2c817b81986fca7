/** Throws wild requests at the handler, most of them without a socket, and looks at what becomes of it. */
import { connect } from 'node:net'
import { builder, data, Polaris, type, workflow } from 'polaris-workflow'
import { httpHandler, PROBLEMS, serve, tokenAuthorize } from 'polaris-workflow/http'
import type { HttpHandler, ProblemCode, Served } from 'polaris-workflow/http'
import * as z from 'zod'
import { forgetful, heapSlope, lookAround } from '../../../bench/leak.ts'
import type { Look } from '../../../bench/leak.ts'
import { randomOf } from '../../simulation/random.ts'
import type { Random } from '../../simulation/random.ts'
import { SECRET, TOKEN, wellFormed, wildRequest, WORKFLOW } from './requests.ts'
import type { Wild } from './requests.ts'

export interface FuzzOptions {
  readonly requests: number
  readonly seed: number
  /** Which part of them goes over a socket, as bytes. Default 0.05. */
  readonly wired?: number
}

export interface FuzzReport {
  readonly seed: number
  readonly requests: number
  readonly wired: number
  /** How often each came, `400 BODY_INVALID` and the like; of sockets `closed` too. */
  readonly answers: ReadonlyMap<string, number>
  /** What went wrong, the first few of it. */
  readonly problems: readonly string[]
  readonly looks: readonly Look[]
  /** Bytes of heap that stay for each request. */
  readonly slope: number
}

const LOOKS = 10
const LONGEST_LIST = 20

export async function fuzz(
  { requests, seed, wired = 0.05 }: FuzzOptions,
  onLook?: (look: Look) => void,
): Promise<FuzzReport> {
  const random = randomOf(seed)
  const { store, forget } = forgetful()
  // What is at hand must not outlive the store's content.
  const polaris = new Polaris({ store, warm: 0 }).register(cabRide())
  const errors: unknown[] = []
  const options = { onError: (error: unknown) => void errors.push(error), maxStreams: 10 }
  const handler = httpHandler(polaris, { ...options, authorize: tokenAuthorize({ token: TOKEN }) })
  const served = await serve(polaris, { ...options, port: 0, token: TOKEN, rate: { perSecond: 1e9 } })
  const answers = new Map<string, number>()
  const problems: string[] = []
  const looks: Look[] = []
  let sentByWire = 0
  const note = (outcome: Outcome, wild: Wild | string): void => {
    answers.set(outcome.name, (answers.get(outcome.name) ?? 0) + 1)
    for (const problem of [
      ...outcome.problems,
      ...errors.splice(0).map((error) => `the service logged ${String(error)}`),
    ]) {
      if (problems.length < LONGEST_LIST)
        problems.push(`${problem}: ${typeof wild === 'string' ? wild : describe(wild)}`)
    }
  }
  const every = Math.ceil(requests / LOOKS)
  // What the compiler and the pools keep is kept before the first look.
  for (let done = -2 * every; done < requests; done++) {
    const wild = wildRequest(random)
    if (random.chance(wired)) {
      sentByWire++
      note(await sendBytes(served, random, wild), wild)
    } else note(await ask(handler, wild), wild)
    if (done >= 0 ? (done + 1) % every > 0 && done + 1 < requests : done !== -1) continue
    handler.close()
    served.handler.close()
    note(await isAlive(served), 'a good request after it')
    forget()
    const look = { scopes: done + 1, ...(await lookAround()) }
    looks.push(look)
    onLook?.(look)
  }
  await served.close()
  await polaris.close()
  return { seed, requests, wired: sentByWire, answers, problems, looks, slope: heapSlope(looks) }
}

function cabRide() {
  const RideRequest = data('RideRequest', z.object({ from: z.string(), to: z.string() }))
  const RideEnded = data('RideEnded', z.object({ minutes: z.number() }))
  const Card = data(
    'Card',
    z.object({ number: z.string().endsWith('-ok', { error: ({ input }) => `not ${String(input)}` }) }),
    { sensitive: true },
  )
  const Free = data('Free', type<unknown>())
  const Quote = data('Quote', type<{ fare: number }>())
  const Token = data('Token', type<string>(), { sensitive: true })
  const Receipt = data('Receipt', type<{ paid: number }>())
  const quoteFare = builder({
    name: 'quoteFare',
    consumes: { ride: RideRequest },
    produces: Quote,
    process: () => ({ fare: 20 }),
  })
  const tokenise = builder({
    name: 'tokenise',
    consumes: { card: Card },
    produces: Token,
    process: ({ card }) => card.number,
  })
  const charge = builder({
    name: 'charge',
    consumes: { quote: Quote, ended: RideEnded },
    optionals: { token: Token, free: Free },
    produces: Receipt,
    process: ({ quote, ended }) => ({ paid: quote.fare + ended.minutes }),
  })
  return workflow({ name: WORKFLOW, builders: [quoteFare, tokenise, charge], target: Receipt })
}

interface Outcome {
  readonly name: string
  readonly problems: readonly string[]
}

/** Without a socket. What the platform does not even make a request of is straightened first. */
async function ask(handler: HttpHandler, wild: Wild): Promise<Outcome> {
  const request = requestOf(wild)
  if (request === undefined) return { name: 'no request', problems: [] }
  try {
    const response = await handler(request)
    if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
      await response.body?.cancel()
      return { name: '200 events', problems: [] }
    }
    return judge(response.status, response.headers, await response.text())
  } catch (error) {
    return { name: 'thrown', problems: [`the handler threw ${String(error)}`] }
  }
}

function requestOf({ method, target, headers, body }: Wild): Request | undefined {
  try {
    const fields = new Headers()
    for (const [name, value] of headers) {
      try {
        fields.append(name, value)
      } catch {
        // It could not have come either.
      }
    }
    const bodiless = method === 'GET' || method === 'HEAD'
    return new Request(`http://localhost${wellFormed(target)}`, {
      ...{ method, headers: fields },
      ...(!bodiless && body !== undefined && { body: body as Uint8Array<ArrayBuffer> }),
    })
  } catch {
    return undefined
  }
}

const LEAKS = /\n\s+at |node_modules|\.(ts|js):\d+:\d+|select .* from|postgres:\/\//i

function judge(status: number, headers: Headers, text: string): Outcome {
  const problems: string[] = []
  const check = (holds: boolean, what: string): void => {
    if (!holds) problems.push(what)
  }
  check(status < 500, `answered with ${status}`)
  check(!text.includes(SECRET), 'what is sensitive came back')
  check(!LEAKS.test(text), 'told too much')
  check(
    headers.get('content-security-policy')?.startsWith("default-src 'none'") === true,
    'without a content-security-policy',
  )
  check(headers.get('x-injected') === null, 'a header was injected')
  if (status < 400) return { name: String(status), problems }
  const isHead = text === ''
  const document = (isHead ? {} : parsed(text)) as {
    readonly code?: ProblemCode
    readonly status?: number
    readonly detail?: unknown
  }
  const { code } = document
  if (!isHead) {
    check(headers.get('content-type') === 'application/problem+json', 'no problem document')
    check(
      code !== undefined && PROBLEMS[code]?.[0] === status && document.status === status,
      `status ${status} with ${code ?? 'no code'}`,
    )
    check(typeof document.detail === 'string', 'no detail')
  }
  return { name: `${status} ${code ?? ''}`, problems }
}

function parsed(text: string): object {
  try {
    return JSON.parse(text) as object
  } catch {
    return {}
  }
}

/** As bytes on a line of its own, with mistakes that only a socket can bring. */
async function sendBytes(served: Served, random: Random, { method, target, headers, body }: Wild): Promise<Outcome> {
  const { port, host } = new URL(served.url)
  const fields = [...(random.chance(0.95) ? [['host', host]] : []), ...headers]
  if (body !== undefined && random.chance(0.95))
    fields.push(['content-length', String(body.length + (random.chance(0.03) ? -1 : 0))])
  if (random.chance(0.9)) fields.push(['connection', 'close'])
  const head = [
    `${method} ${target} HTTP/1.1`,
    ...fields.map(([name, value]) => `${name ?? ''}: ${value ?? ''}`),
    '',
    '',
  ].join('\r\n')
  const sent = Buffer.concat([Buffer.from(head, random.chance(0.5) ? 'utf8' : 'latin1'), body ?? new Uint8Array()])
  if (random.chance(0.1)) sent[random.int(0, sent.length - 1)] = random.int(0, 255)
  const cut = random.chance(0.1) ? sent.subarray(0, random.int(0, sent.length)) : sent
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => undefined)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
    // A stream goes on for ever, and whoever keeps the line open has had its answer.
    if (text.includes('text/event-stream') || /\}\n$/.test(text)) socket.destroy()
  })
  // `once` would reject where the server has reset the line.
  const over = new Promise((resolve) => socket.once('close', resolve))
  socket.write(cut)
  // Half a request waits for the rest until its time is over: the client goes.
  socket.end()
  await over
  const found = /^HTTP\/1\.1 (\d{3})/.exec(text)
  if (found === null) return { name: 'closed', problems: text === '' ? [] : ['an answer that is none'] }
  const status = Number(found[1])
  const problems: string[] = []
  if (status >= 500) problems.push(`answered with ${status}`)
  if (text.includes(SECRET)) problems.push('what is sensitive came back')
  if (LEAKS.test(text)) problems.push('told too much')
  if (/^x-injected/im.test(text)) problems.push('a header was injected')
  return { name: `by wire ${status}`, problems }
}

async function isAlive(served: Served): Promise<Outcome> {
  const headers = { authorization: `Bearer ${TOKEN}`, connection: 'close' }
  try {
    const { status } = await fetch(`${served.url}/api`, { headers })
    return { name: 'alive', problems: status === 200 ? [] : [`the service answers ${status}`] }
  } catch (error) {
    return { name: 'dead', problems: [`the service does not answer: ${String(error)}`] }
  }
}

function describe({ method, target, headers, body }: Wild): string {
  const text = body === undefined ? '' : ` ${JSON.stringify(Buffer.from(body).toString('latin1').slice(0, 300))}`
  return `${method} ${JSON.stringify(target.slice(0, 300))} ${JSON.stringify(headers).slice(0, 500)}${text}`
}
