/** The handler on a port, for those who have no server of their own. */
import type { RequestListener, Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Polaris } from '../index.ts'
import { checkOption, PolarisError } from '../index.ts'
import { isTokenAuthorize, tokenAuthorize } from './auth.ts'
import type { Authorize } from './auth.ts'
import { httpHandler } from './handler.ts'
import type { HttpHandler } from './handler.ts'
import { nodeListener } from './node.ts'
import type { HttpOptions } from './options.ts'
import { Problem, problemDocument } from './problems.ts'

/** Where and for whom {@link serve} listens. */
export interface ServeOptions extends Omit<HttpOptions, 'authorize'> {
  /** 0 for any that is free. Default 8787. */
  readonly port?: number
  /** The address to bind. Default 127.0.0.1. Any that others can reach needs a token, and TLS or a proxy. */
  readonly address?: string
  /** What callers have to show, 16 characters or more. Default: a fresh one. */
  readonly token?: string
  /** Instead of a token. */
  readonly authorize?: Authorize
  /** PEM of the certificate and its key: the service speaks HTTPS. */
  readonly tls?: { readonly cert: string | Uint8Array; readonly key: string | Uint8Array }
  /** There is a proxy before this process that ends TLS, and is trusted to say who asks, by `x-forwarded-for`. */
  readonly proxy?: boolean
  /** At most so many connections at once; further ones are closed. Default 1,000. */
  readonly maxConnections?: number
}

/** A service that listens. */
export interface Served {
  /** Such as `http://127.0.0.1:8787`, with the `basePath`. */
  readonly url: string
  /** What callers have to show; absent with an `authorize` of your own. */
  readonly token?: string
  readonly handler: HttpHandler
  readonly server: Server | SecureServer
  /** Ends the streams, waits for the answers under way, at most five seconds, and frees the port. */
  close(): Promise<void>
}

const LIMITS = {
  // Bytes.
  maxHeaderSize: 16_384,
  // Milliseconds.
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  handshakeTimeout: 10_000,
} as const
const GRACE_MS = 5_000
const RATE = { perSecond: 500, burst: 1_000 } as const

/**
 * Serves the HTTP API of a Polaris, on this machine only unless told otherwise.
 *
 * @throws `OPTION_INVALID`, also for an address that others can reach without a token, and without TLS or a proxy; what the
 *   system says of the port
 */
export async function serve(polaris: Polaris, options: ServeOptions = {}): Promise<Served> {
  const { port = 8787, address = '127.0.0.1', token, authorize, tls, proxy, maxConnections = 1_000, ...rest } = options
  checkServe({ port, address, token, authorize, tls, proxy, maxConnections })
  const local = isLocal(address)
  if (!local) checkOpen(options)
  const admitted = authorize ?? tokenAuthorize(token === undefined ? {} : { token })
  const handler = httpHandler(polaris, { rate: RATE, dashboard: true, ...rest, authorize: admitted })
  const lines: Lines = { open: new Set(), answering: new Set() }
  const server = await newServer(nodeListener(handler, { proxy: proxy === true }), tls, lines)
  const close = (): Promise<void> => closeServer(server, handler, lines)
  server.maxConnections = maxConnections
  const bound = await listen(server, port, address)
  if (local && !isLocal(bound.address)) {
    await close()
    throw new PolarisError('OPTION_INVALID', `'${address}' leads to ${bound.address}, which others can reach.`)
  }
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${name}:${bound.port}${handler.basePath}`,
    ...(isTokenAuthorize(admitted) && { token: admitted.token }),
    ...{ handler, server, close },
  }
}

function checkServe(given: { readonly [K in keyof ServeOptions]?: unknown }): void {
  const { port, address, token, authorize, tls, proxy, maxConnections } = given
  const whole = (value: unknown, most: number): boolean =>
    Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most
  checkOption('port', whole(port, 65_535), 'a whole number from 0 to 65535', port)
  checkOption(
    'address',
    typeof address === 'string' && address.trim() !== '',
    "an address such as '127.0.0.1'",
    address,
  )
  checkOption(
    'maxConnections',
    whole(maxConnections, 2 ** 31) && maxConnections !== 0,
    'a whole number from 1',
    maxConnections,
  )
  checkOption('proxy', proxy === undefined || typeof proxy === 'boolean', 'true or false', proxy)
  const both = token !== undefined && authorize !== undefined
  checkOption('authorize', !both, 'left out where there is a token', authorize)
  const { cert, key } = (tls ?? {}) as { readonly cert?: unknown; readonly key?: unknown }
  const isPem = (value: unknown): boolean => typeof value === 'string' || value instanceof Uint8Array
  checkOption('tls', tls === undefined || (isPem(cert) && isPem(key)), '{ cert, key } in PEM', typeof tls)
}

/** @throws `OPTION_INVALID` */
function checkOpen({ address, token, authorize, tls, proxy, hosts }: ServeOptions): void {
  const missing: string[] = []
  if (token === undefined && authorize === undefined) missing.push('`token` or `authorize`, of which others know')
  if (tls === undefined && proxy !== true) missing.push('`tls`, or `proxy: true` if something before it ends TLS')
  if (hosts === undefined) missing.push('`hosts`, the names it is reached by')
  if (missing.length === 0) return
  throw new PolarisError(
    'OPTION_INVALID',
    `On '${address ?? ''}' others can reach the service, so it needs ${missing.join('; and ')}. ` +
      'Without them it serves this machine only: 127.0.0.1.',
  )
}

/** Whether only this machine can reach an address. A name is looked at again once it is bound. */
function isLocal(address: string): boolean {
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address) || ['localhost', '::1'].includes(address.toLowerCase())
}

/** Which lines are open, and which of them wait for an answer. */
interface Lines {
  readonly open: Set<Socket>
  readonly answering: Set<Socket>
}

async function newServer(
  listener: RequestListener,
  tls: ServeOptions['tls'],
  { open, answering }: Lines,
): Promise<Server | SecureServer> {
  const tracked: RequestListener = (request, response) => {
    answering.add(request.socket)
    response.once('close', () => answering.delete(request.socket))
    listener(request, response)
  }
  // Loaded here, so that the handler can be used where there is no server of Node.
  const server =
    tls === undefined
      ? (await import('node:http')).createServer(LIMITS, tracked)
      : (await import('node:https')).createServer({ ...LIMITS, cert: text(tls.cert), key: text(tls.key) }, tracked)
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.on('clientError', (error: Error & { readonly code?: string }, socket: Socket) => {
    // In the middle of an answer another one would be taken for a part of it.
    if (error.code === 'ECONNRESET' || !socket.writable || answering.has(socket)) socket.destroy()
    else {
      socket.write(rawProblem(error.code))
      socket.destroySoon()
    }
  })
  return server
}

function text(pem: string | Uint8Array): string {
  return typeof pem === 'string' ? pem : new TextDecoder().decode(pem)
}

/** An answer to what is no request, so that there is no response to write it to. */
function rawProblem(code: string | undefined): string {
  const problem =
    code === 'HPE_HEADER_OVERFLOW'
      ? new Problem('HEADERS_TOO_LARGE', `Path and headers may have ${LIMITS.maxHeaderSize} bytes.`)
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new Problem('BODY_TIMEOUT', 'The request took too long.')
        : new Problem('REQUEST_INVALID', 'This is not HTTP as the service speaks it.')
  const body = `${JSON.stringify(problemDocument(problem))}\n`
  return [
    `HTTP/1.1 ${problem.status} ${problem.code}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}

function listen(server: Server | SecureServer, port: number, address: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: address }, () => {
      server.off('error', reject)
      resolve(server.address() as AddressInfo)
    })
  })
}

function closeServer(server: Server | SecureServer, handler: HttpHandler, { open, answering }: Lines): Promise<void> {
  handler.close()
  const sweep = (): void => {
    // Node's own closeIdleConnections leaves lines alone that have not asked anything yet, which browsers keep in store.
    for (const socket of open) if (!answering.has(socket)) socket.destroySoon()
  }
  return new Promise((resolve) => {
    const patience = setTimeout(() => server.closeAllConnections(), GRACE_MS)
    // Nobody tells when the last answer of a line is out.
    const sweeping = setInterval(sweep, 20)
    server.close(() => {
      clearTimeout(patience)
      clearInterval(sweeping)
      resolve()
    })
    sweep()
  })
}
