import type { ErrorCode } from '../index.ts'
import { BuilderError, DataError, isPolarisError, VersionError } from '../index.ts'
import type { Veil } from './veil.ts'

/** Codes that only HTTP has. */
export type HttpCode =
  | 'BODY_INVALID'
  | 'BODY_TIMEOUT'
  | 'BODY_TOO_LARGE'
  | 'BUSY'
  | 'DATA_NOT_FEEDABLE'
  | 'FORBIDDEN'
  | 'HEADERS_TOO_LARGE'
  | 'HOST_REFUSED'
  | 'INTERNAL'
  | 'METHOD_NOT_ALLOWED'
  | 'NOT_FOUND'
  | 'ORIGIN_REFUSED'
  | 'QUERY_INVALID'
  | 'RATE_LIMITED'
  | 'REQUEST_INVALID'
  | 'TYPE_UNSUPPORTED'
  | 'UNAUTHENTICATED'

/** The `code` of a problem document. */
export type ProblemCode = ErrorCode | HttpCode

/** What a code means in HTTP, and in short. */
export const PROBLEMS: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  BODY_INVALID: [400, 'The body is not what this request takes'],
  REQUEST_INVALID: [400, 'This is not a request of HTTP'],
  QUERY_INVALID: [400, 'A parameter of the query is unknown or wrong'],
  ID_INVALID: [400, 'This cannot be an id'],
  OPTION_INVALID: [400, 'An option is unknown or wrong'],
  UNAUTHENTICATED: [401, 'The request does not say by whom it is made'],
  FORBIDDEN: [403, 'The caller may not do this'],
  HOST_REFUSED: [403, 'The service does not answer to this host name'],
  ORIGIN_REFUSED: [403, 'Pages of this origin may not call the service'],
  NOT_FOUND: [404, 'There is nothing of this path'],
  WORKFLOW_NOT_FOUND: [404, 'There is no such workflow'],
  INSTANCE_NOT_FOUND: [404, 'There is no such instance'],
  METHOD_NOT_ALLOWED: [405, 'This path does not take this method'],
  BODY_TIMEOUT: [408, 'The body took too long'],
  COMPENSATING: [409, 'What the instance has done is being undone'],
  CANCELLED: [409, 'The instance was cancelled'],
  GRAPH_INVALID: [409, 'The workflow cannot have instances'],
  INSTANCE_DELETED: [410, 'The instance was removed'],
  INSTANCE_EXISTS: [409, 'There is such an instance already'],
  REQUEST_CONFLICT: [409, 'The Idempotency-Key came before with another body'],
  TRANSIENT_NOT_STORED: [409, 'What is not stored cannot wait'],
  WORKFLOW_MISMATCH: [409, 'The instance belongs to another workflow'],
  BODY_TOO_LARGE: [413, 'The body is too large'],
  TYPE_UNSUPPORTED: [415, 'The body has to be plain JSON'],
  BUILDER_UNKNOWN: [422, 'The workflow has no such builder'],
  DATA_OUTDATED: [409, 'What the data are about has been replaced'],
  DATA_INVALID: [422, 'A datum was refused'],
  DATA_NOT_FEEDABLE: [422, 'Such data may not be fed from outside'],
  DATA_UNKNOWN: [422, 'The workflow has no such data'],
  RATE_LIMITED: [429, 'Too many requests'],
  HEADERS_TOO_LARGE: [431, 'The headers are too large'],
  ABORTED: [500, 'The scope was ended'],
  BUILDER_FAILED: [500, 'A builder failed'],
  BUILDER_TIMEOUT: [500, 'A builder took too long'],
  WORKFLOW_TIMEOUT: [500, 'The instance has had its time'],
  CRASH_LOOP: [500, 'The instance ended process after process'],
  DATA_MISSING: [500, 'Something went wrong'],
  DRIVER_MISSING: [500, 'Something went wrong'],
  INTERNAL: [500, 'Something went wrong'],
  PRODUCT_INVALID: [500, 'A builder returned what it may not'],
  SERVICE_MISSING: [500, 'Something went wrong'],
  MANIFEST_INVALID: [500, 'Something went wrong'],
  STORE_NEWER: [500, 'The store was written by a newer version'],
  MIGRATION_FAILED: [500, 'The instance cannot move to the version that is served'],
  VERSION_CHANGED: [500, 'The workflow changed, its version did not'],
  STORE_INVALID: [501, 'The store cannot do this'],
  BUSY: [503, 'The service is busy'],
  CLOSED: [503, 'The service is closing'],
  LEASE_LOST: [503, 'Another process took the instance over'],
  STORE_UNAVAILABLE: [503, 'The store is out of reach'],
  VERSION_NOT_SERVED: [503, 'This process does not serve the version of the instance'],
  STORE_FULL: [507, 'The store is full'],
}

/** Whose messages say more than a client may know: of servers, files, rights, or what a builder threw. */
const SILENT: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  ...(['STORE_NEWER', 'STORE_INVALID', 'STORE_UNAVAILABLE', 'STORE_FULL'] as const),
  ...(['DRIVER_MISSING', 'SERVICE_MISSING', 'DATA_MISSING', 'ABORTED', 'INTERNAL'] as const),
  ...(['BUILDER_FAILED', 'BUILDER_TIMEOUT', 'PRODUCT_INVALID'] as const),
])
const RETRY_AFTER_S = 1

/** A refusal on its way to the client. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  /** Further members of the answer. */
  readonly more: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ProblemCode,
    detail: string,
    more: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail)
    this.code = code
    this.more = more
    this.headers = headers
  }

  get status(): number {
    return PROBLEMS[this.code][0]
  }
}

/** A problem as RFC 9457 has it. */
export function problemDocument({ code, message, more }: Problem): object {
  const [status, title] = PROBLEMS[code]
  return { type: `urn:problem-type:polaris-workflow:${code}`, title, status, detail: message, code, ...more }
}

/** Whatever was thrown, as far as a client may know it. */
export function problemOf(error: unknown, veil: Veil): Problem {
  if (error instanceof Problem) return error
  if (error instanceof BuilderError) return builderProblem(error, veil)
  if (error instanceof DataError) {
    const { code, message, data, issues } = error
    const errors = issues.map(({ path, message }) => ({ detail: message, pointer: pointerTo([data, ...path]) }))
    return new Problem(code, message, { data, errors })
  }
  if (!isPolarisError(error) || !Object.hasOwn(PROBLEMS, error.code)) {
    return new Problem('INTERNAL', 'It is no fault of the request. The log of the service says what it is.')
  }
  const [status, title] = PROBLEMS[error.code]
  const detail = SILENT.has(error.code) ? `${title}. The log of the service says more.` : error.message
  const more = error instanceof VersionError ? versionsOf(error) : {}
  return new Problem(error.code, detail, more, status === 503 ? { 'retry-after': String(RETRY_AFTER_S) } : {})
}

function versionsOf({ workflow, version, served }: VersionError): Readonly<Record<string, unknown>> {
  return { workflow, version, served }
}

/** A builder that threw is not the caller's mistake. What was fed is kept, and so is all that was made before. */
function builderProblem({ code, builder, cause, result }: BuilderError, veil: Veil): Problem {
  const { id, workflow, version, scope, status, waitingFor } = result
  const said = cause instanceof Error ? cause.message : 'something that is no error'
  const did =
    code === 'PRODUCT_INVALID'
      ? 'returned what it may not'
      : code === 'BUILDER_TIMEOUT'
        ? 'took longer than it may'
        : `threw: ${veil.textOf({ workflow, version, builder }, said)}`
  const detail = `Builder '${builder}' ${did}. What was fed is kept, and so is what was made before: resume goes on, and so does the next delta.`
  return new Problem(code, detail, {
    builder,
    instance: { id, workflow, version, scope, status, waitingFor },
  })
}

/** A JSON pointer into the body, as a fragment. */
function pointerTo(path: readonly PropertyKey[]): string {
  const steps = path.map((key) =>
    encodeURIComponent(wellFormed(String(key)).replaceAll('~', '~0').replaceAll('/', '~1')),
  )
  return `#${steps.map((step) => `/${step}`).join('')}`
}

/** `encodeURIComponent` throws at halves of characters, which keys may have. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}
