/** Between Node's requests and those of the handler. Imports nothing of Node but types, so that it loads anywhere. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answeringOf, bodyOf, withSource } from './direct.ts'
import type { BodySource } from './direct.ts'
import { portFits } from './guards.ts'
import type { RequestContext } from './guards.ts'
import type { HttpHandler } from './handler.ts'
import { Problem } from './problems.ts'
import { problemReply } from './reply.ts'

/** How {@link nodeListener} and {@link expressMiddleware} take requests. */
export interface NodeOptions {
  /**
   * Whether a proxy before this process is trusted to say who asks and how, by `x-forwarded-for` and `x-forwarded-proto`.
   * Default false: anybody can send these.
   */
  readonly proxy?: boolean
  /** A client that takes nothing for so many milliseconds is dropped. Default 30,000. */
  readonly stallTimeout?: number
}

/** What `http.createServer` takes. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => void

/** Requests as frameworks on Node leave them: with the path as it came, and perhaps a body that they have read. */
type Incoming = IncomingMessage & { readonly originalUrl?: string; readonly body?: unknown }

const STALL_MS = 30_000
/** For so long what a refused client goes on sending is taken and dropped, so that it gets to read why. */
const LINGER_MS = 1_000

/** A handler for `http.createServer`, and for frameworks that hand over Node's request and response. */
export function nodeListener(handler: HttpHandler, options: NodeOptions = {}): NodeListener {
  const { proxy = false, stallTimeout = STALL_MS } = options
  return (incoming, outgoing) => {
    void respond(handler, incoming, outgoing, proxy, stallTimeout).catch(() => outgoing.destroy())
  }
}

/** What Express' `app.use` takes. Paths that are not below the handler's `basePath` are left to what comes after it. */
export function expressMiddleware(
  handler: HttpHandler,
  options: NodeOptions = {},
): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void {
  const listener = nodeListener(handler, options)
  // At the root there is more than this.
  const own = handler.basePath === '' ? '/api' : handler.basePath
  return (incoming, outgoing, next) => {
    const [path = ''] = pathOf(incoming).split('?')
    if (path === own || path.startsWith(`${own}/`)) listener(incoming, outgoing)
    else next()
  }
}

async function respond(
  handler: HttpHandler,
  incoming: Incoming,
  outgoing: ServerResponse,
  proxy: boolean,
  stallTimeout: number,
): Promise<void> {
  const answering = answeringOf(handler)
  const request = read(incoming, outgoing, proxy, answering !== undefined)
  const response =
    request instanceof Problem
      ? problemReply(request)
      : await (answering ?? handler)(request, contextOf(incoming, proxy))
  await write(response, incoming, outgoing, stallTimeout)
}

function pathOf(incoming: Incoming): string {
  return incoming.originalUrl ?? incoming.url ?? ''
}

function contextOf({ headers, socket }: Incoming, proxy: boolean): RequestContext {
  // What a client has sent itself comes first, what the proxy saw last.
  const forwarded = proxy
    ? String(headers['x-forwarded-for'] ?? '')
        .split(',')
        .at(-1)
        ?.trim()
    : ''
  return { address: forwarded === undefined || forwarded === '' ? (socket.remoteAddress ?? '') : forwarded }
}

const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i
/** Parts that `new URL` would resolve, encoded ones too: what it is routed by shall be what came. */
const CLIMBING = /(^|\/)(\.|%2e){1,2}(\/|$)|\\/i

/** @param direct whether the request is read by our handler alone */
function read(incoming: Incoming, outgoing: ServerResponse, proxy: boolean, direct: boolean): Request | Problem {
  const { method = 'GET' } = incoming
  const target = pathOf(incoming)
  const [path = ''] = target.split('?')
  if (!target.startsWith('/')) return new Problem('REQUEST_INVALID', 'The target of a request has to be a path.')
  if (CLIMBING.test(path)) return new Problem('NOT_FOUND', 'There is nothing of this path.')
  try {
    const headers = headersOf(incoming)
    const host = headers.get('host') ?? ''
    // One that cannot stand in a URL is for the handler to refuse, which goes by the header.
    if (host === '') headers.set('host', '.invalid')
    const url = `${protocolOf(incoming, proxy)}://${HOST.test(host) && portFits(host) ? host : 'host.invalid'}${target}`
    if (method === 'GET' || method === 'HEAD')
      return new Request(url, { method, headers, signal: goneSignal(outgoing) })
    if (direct && hasBody(incoming) && !isParsed(incoming)) {
      return withSource(new Request(url, { method, headers }), sourceIn(incoming))
    }
    return new Request(url, { method, headers, ...bodyIn(incoming) })
  } catch {
    // Fetch knows no TRACE, for one.
    return new Problem('METHOD_NOT_ALLOWED', 'This is no method of the API.', {}, { allow: 'GET, HEAD, POST, DELETE' })
  }
}

function headersOf({ rawHeaders, headers }: Incoming): Headers {
  const found = new Headers()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (!name.startsWith(':')) found.append(name, rawHeaders[i + 1] ?? '')
  }
  // Of HTTP/2.
  const authority = headers[':authority']
  if (typeof authority === 'string') found.set('host', authority)
  return found
}

function protocolOf({ headers, socket }: Incoming, proxy: boolean): 'http' | 'https' {
  if (proxy) return headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  return 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http'
}

/** Aborts when the client is gone before it was answered. */
function goneSignal(outgoing: ServerResponse): AbortSignal {
  const gone = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort()
  })
  return gone.signal
}

function hasBody({ headers }: Incoming): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

/** A framework that has read it has parsed it too. */
function isParsed(incoming: Incoming): boolean {
  return incoming.readableEnded && incoming.body !== undefined
}

function bodyIn(incoming: Incoming): RequestInit {
  if (!hasBody(incoming)) return {}
  if (isParsed(incoming)) return { body: JSON.stringify(incoming.body) }
  return { body: streamOf(incoming), duplex: 'half' }
}

/** Nothing is taken from the line before somebody asks for it. */
function sourceIn(incoming: Incoming): BodySource {
  return {
    take({ chunk, end, broken }) {
      incoming.on('data', chunk).on('end', end).on('error', broken).on('close', broken)
      return () => {
        // What becomes of the line from here on is nobody's error.
        incoming.on('error', () => undefined)
        incoming.off('data', chunk).off('end', end).off('error', broken).off('close', broken).pause()
      }
    },
  }
}

/** The same for handlers that are not ours. */
function streamOf(incoming: Incoming): ReadableStream<Uint8Array> {
  let done = false
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (finish: () => void) => () => {
          if (done) return
          done = true
          finish()
        }
        const broken = end(() => controller.error(new Error('The body broke off.')))
        incoming.on('data', (chunk: Uint8Array) => {
          if (done) return
          controller.enqueue(chunk)
          if ((controller.desiredSize ?? 0) <= 0) incoming.pause()
        })
        incoming.on(
          'end',
          end(() => controller.close()),
        )
        incoming.on('error', broken)
        incoming.on('close', broken)
        incoming.pause()
      },
      pull: () => void incoming.resume(),
      cancel() {
        done = true
        incoming.pause()
      },
    },
    { highWaterMark: 0 },
  )
}

async function write(
  response: Response,
  incoming: Incoming,
  outgoing: ServerResponse,
  stallTimeout: number,
): Promise<void> {
  const { status, headers, body } = response
  const live = headers.get('content-type')?.startsWith('text/event-stream') === true
  const bytes = live ? undefined : (bodyOf(response) ?? (body && new Uint8Array(await response.arrayBuffer())))
  if (outgoing.destroyed) {
    await body?.cancel()
    return
  }
  for (const [name, value] of headers) if (name !== 'set-cookie') outgoing.setHeader(name, value)
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies)
  if (bytes != null) outgoing.setHeader('content-length', Buffer.byteLength(bytes))
  const unread = hasBody(incoming) && !incoming.complete
  if (unread) outgoing.setHeader('connection', 'close')
  outgoing.writeHead(status)
  if (live && body !== null) await pipe(body, outgoing, stallTimeout)
  else if (unread && bytes != null) outgoing.write(bytes)
  if (unread) await linger(incoming)
  if (unread || bytes == null) outgoing.end()
  else outgoing.end(bytes)
}

/** Closing a line on which something unread has come resets it, and the client may lose the answer. */
function linger(incoming: Incoming): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(done, LINGER_MS)
    incoming.once('close', done).once('end', done).resume()
  })
}

/** Takes from the stream only what the client takes. */
async function pipe(body: ReadableStream<Uint8Array>, outgoing: ServerResponse, stallTimeout: number): Promise<void> {
  const reader = body.getReader()
  const gone = (): void => void reader.cancel().catch(() => undefined)
  outgoing.once('close', gone)
  // A stream that gives its viewer up need not wait until the viewer takes what is on the way.
  reader.closed.catch(() => outgoing.destroy())
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (!outgoing.write(next.value)) await drained(outgoing, stallTimeout)
  }
  outgoing.off('close', gone)
}

function drained(outgoing: ServerResponse, stallTimeout: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      outgoing.off('drain', done).off('close', done)
      resolve()
    }
    const timer = setTimeout(() => outgoing.destroy(), stallTimeout)
    outgoing.once('drain', done).once('close', done)
  })
}
