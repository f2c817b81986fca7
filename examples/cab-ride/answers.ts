// What goes out: JSON that reads well in a terminal, and for every refusal a reason that says what to do.
import type { ErrorCode, Result } from 'polaris-workflow'
import { BuilderError, DataError, PolarisError } from 'polaris-workflow'
import { ProviderError } from './services.ts'

export function respond(status: number, body: object, headers: Record<string, string> = {}) {
  return new Response(`${JSON.stringify(body, null, 2)}\n`, {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  })
}

export function problem(
  status: number,
  error: string,
  message: string,
  more: object = {},
  headers: Record<string, string> = {},
) {
  return respond(status, { error, message, ...more }, headers)
}

/** The sender's mistake, in words for the sender. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest'
}

/** Errors that are not the sender's mistake are missing: they are 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  DATA_INVALID: 400,
  ID_INVALID: 400,
  OPTION_INVALID: 400,
  INSTANCE_NOT_FOUND: 404,
  INSTANCE_EXISTS: 409,
  WORKFLOW_MISMATCH: 409,
  CANCELLED: 409,
  LEASE_LOST: 503,
  STORE_UNAVAILABLE: 503,
  CLOSED: 503,
  STORE_FULL: 507,
}

interface Failed {
  readonly ride: string
  /** Path of the ride's own pages. */
  readonly path: string
  /** What a good body would have been. */
  readonly example: object | undefined
  readonly log: (line: string) => void
}

/** The response to a call that threw. */
export function answerTo(error: Error, { ride, path, example, log }: Failed) {
  const hint = example && { example }
  if (error instanceof BadRequest) return problem(400, 'BAD_REQUEST', error.message, hint)
  if (error instanceof BuilderError) return builderFailed(error, path, log)
  if (error instanceof DataError) {
    const issues = error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }))
    return problem(400, error.code, error.message, { issues, ...hint })
  }
  const code = error instanceof PolarisError ? error.code : 'INTERNAL'
  const status = STATUS[code as ErrorCode] ?? 500
  if (status >= 500) log(`${ride}  ${error.stack ?? error.message}`)
  if (code === 'INSTANCE_NOT_FOUND') return unknownRide(ride)
  if (status === 500)
    return problem(500, code, 'Something went wrong here, and not with your request. The log says what.')
  return problem(status, code, error.message, {}, status === 503 ? { 'retry-after': '1' } : {})
}

/** A builder that threw is never the sender's mistake. What was sent is kept, and so is all that was made before. */
function builderFailed(error: BuilderError, path: string, log: (line: string) => void) {
  const { builder, cause, result } = error
  log(`${result.id}  ${builder} threw: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`)
  const elsewhere = cause instanceof ProviderError
  const what = elsewhere ? `${builder} could not do its part: ${cause.message}` : `${builder} failed; the log says why`
  const message = `${what}. What you sent is kept: POST ${path}/resume goes on, and so does the next event.`
  return problem(elsewhere ? 502 : 500, error.code, message, {
    builder,
    ride: result.id,
    status: result.status,
    produced: productsOf(result),
    waitingFor: result.waitingFor,
    next: [`POST ${path}/resume`],
  })
}

export function productsOf({ produced }: Pick<Result, 'produced'>) {
  return Object.fromEntries(produced.map(({ name, value }) => [name, value]))
}

export function unknownRide(id: string) {
  return problem(404, 'RIDE_NOT_FOUND', `There is no ride '${id}'. A ride begins with POST ${pathOf(id)}/RideRequest.`)
}

export function pathOf(id: string) {
  return `/rides/${encodeURIComponent(id)}`
}

/** Reads a body whatever type it claims to be, since `curl -d` says "form" by default. */
export async function readJson(request: Request): Promise<unknown> {
  const bytes = await request.arrayBuffer()
  if (bytes.byteLength === 0) throw new BadRequest('The body is empty. Send JSON, as in the example.')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new BadRequest('The body is not UTF-8.')
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    const quotes = text.startsWith("'") ? ' (In cmd.exe, quote with "…" and write each inner " as \\".)' : ''
    throw new BadRequest(`The body is not JSON: ${(error as Error).message}.${quotes}`)
  }
}

/** A query parameter that counts something; `undefined` if it is not there. */
export function wholeNumber(query: Readonly<Record<string, string>>, name: string) {
  const text = query[name]
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new BadRequest(`${name} must be a whole number, but is ${JSON.stringify(text)}.`)
}

export function time(milliseconds: number) {
  return new Date(milliseconds).toISOString()
}
