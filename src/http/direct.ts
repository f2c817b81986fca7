/**
 * What the handler and our adapter for Node hand each other beside requests and answers: their bodies as they are. A body as a
 * stream of the web costs a feed 50 µs, a sixth of what it takes this process; so no stream is made where nobody else looks.
 */

/** A body that Node has, or will have. */
export interface BodySource {
  /** Takes what comes; answers how to leave off. Calls back later, never at once. */
  take(taker: BodyTaker): () => void
}

export interface BodyTaker {
  readonly chunk: (bytes: Uint8Array) => void
  readonly end: () => void
  /** It will not come whole. */
  readonly broken: () => void
}

/** Handles a request; the body of what it answers may have to be asked for by {@link bodyOf}. */
export type Answering = (request: Request, context: unknown) => Promise<Response>

const sources = new WeakMap<Request, BodySource>()
const bodies = new WeakMap<Response, string | Uint8Array<ArrayBuffer>>()
const answerings = new WeakMap<object, Answering>()

export function withSource(request: Request, source: BodySource): Request {
  sources.set(request, source)
  return request
}

export function sourceOf(request: Request): BodySource | undefined {
  return sources.get(request)
}

/** An answer whose body is put into it by {@link filled}, if it is not written from here. */
export function withBody(response: Response, body: string | Uint8Array<ArrayBuffer>): Response {
  bodies.set(response, body)
  return response
}

export function bodyOf(response: Response): string | Uint8Array<ArrayBuffer> | undefined {
  return bodies.get(response)
}

/** The answer as everybody else knows it. */
export function filled(response: Response): Response {
  const body = bodies.get(response)
  if (body === undefined) return response
  const { status, headers } = response
  return new Response(body, { status, headers })
}

/** Lets our adapter know how a handler answers before its bodies are put into its answers. */
export function setAnswering<H extends object>(handler: H, answering: Answering): H {
  answerings.set(handler, answering)
  return handler
}

/** Nothing for handlers that somebody has put around ours: they may read what goes in and out. */
export function answeringOf(handler: object): Answering | undefined {
  return answerings.get(handler)
}
