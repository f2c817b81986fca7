/** Every code a {@link PolarisError} can carry. A code never changes its meaning; a message may. */
export type ErrorCode =
  | 'GRAPH_INVALID'
  | 'WORKFLOW_NOT_FOUND'
  | 'WORKFLOW_MISMATCH'
  | 'VERSION_CHANGED'
  | 'VERSION_NOT_SERVED'
  | 'MIGRATION_FAILED'
  | 'DATA_UNKNOWN'
  | 'DATA_INVALID'
  | 'DATA_OUTDATED'
  | 'ID_INVALID'
  | 'OPTION_INVALID'
  | 'PRODUCT_INVALID'
  | 'BUILDER_FAILED'
  | 'BUILDER_TIMEOUT'
  | 'WORKFLOW_TIMEOUT'
  | 'ABORTED'
  | 'INSTANCE_NOT_FOUND'
  | 'INSTANCE_EXISTS'
  | 'INSTANCE_DELETED'
  | 'CANCELLED'
  | 'COMPENSATING'
  | 'SERVICE_MISSING'
  | 'LEASE_LOST'
  | 'REQUEST_CONFLICT'
  | 'CRASH_LOOP'
  | 'DATA_MISSING'
  | 'BUILDER_UNKNOWN'
  | 'TRANSIENT_NOT_STORED'
  | 'STORE_INVALID'
  | 'STORE_UNAVAILABLE'
  | 'STORE_FULL'
  | 'STORE_NEWER'
  | 'MANIFEST_INVALID'
  | 'DRIVER_MISSING'
  | 'CLOSED'

/**
 * The one class of error this library throws. Tell errors apart by `code`, never by message:
 * `isPolarisError(error, 'DATA_INVALID')`.
 */
export class PolarisError extends Error {
  override readonly name: string = 'PolarisError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** One thing that is wrong with a value, and where. */
export interface Issue {
  readonly message: string
  /** Keys and indexes from the value's root to the member at fault; empty for the value itself. */
  readonly path: readonly PropertyKey[]
}

/** A fed datum that was refused, with every issue its schema (or the store's codec) found. Nothing was stored. */
export class DataError extends PolarisError {
  override readonly name = 'DataError'
  /** The name of the data that was refused. */
  readonly data: string
  readonly issues: readonly Issue[]

  constructor(data: string, issues: readonly Issue[], options?: { readonly cause?: unknown }) {
    super('DATA_INVALID', `Data '${data}' was refused: ${describeIssues(issues)}. Nothing was stored.`, options)
    this.data = data
    this.issues = issues
  }
}

/** A definition that cannot work, with everything that is wrong with it. */
export class GraphError extends PolarisError {
  override readonly name = 'GraphError'
  /** One sentence per problem, each naming the builders and data concerned. */
  readonly problems: readonly string[]

  /** @param subject what was defined: `Workflow 'cabRide'` */
  constructor(subject: string, problems: readonly string[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super('GRAPH_INVALID', `${subject} has ${count}:\n${problems.map((p) => `  - ${p}`).join('\n')}`)
    this.problems = problems
  }
}

/** A version of a workflow that this process does not serve. Another process of the fleet may: call again there. */
export class VersionError extends PolarisError {
  override readonly name = 'VersionError'
  readonly workflow: string
  /** The version that would be needed: the instance's, or the one asked for. */
  readonly version: number
  /** The versions that this process serves, in ascending order. */
  readonly served: readonly number[]

  /** @param what what would be needed of the version, and what to do about it, as the message says it */
  constructor(workflow: string, version: number, served: readonly number[], what: { need: string; advice: string }) {
    const known = served.length === 0 ? 'no version of it' : served.join(', ')
    super('VERSION_NOT_SERVED', `${what.need}, and this process serves ${known}: ${what.advice}.`)
    this.workflow = workflow
    this.version = version
    this.served = served
  }
}

/** What errors of a code may hold besides it: not every one does, since a delta can be refused as a whole. */
type Details<C extends ErrorCode> = C extends 'DATA_INVALID'
  ? Partial<Pick<DataError, 'data' | 'issues'>>
  : C extends 'VERSION_NOT_SERVED'
    ? Partial<Pick<VersionError, 'workflow' | 'version' | 'served'>>
    : unknown

/**
 * Narrows an unknown error to a {@link PolarisError}, of the given code if one is named. One of `DATA_INVALID` tells `data`
 * and `issues` where it is about one datum, one of `VERSION_NOT_SERVED` `workflow`, `version` and `served` where it is about
 * the version of an instance.
 */
export function isPolarisError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: C,
): error is PolarisError & { readonly code: C } & Details<C> {
  return error instanceof PolarisError && (code === undefined || error.code === code)
}

export function describeIssues(issues: readonly Issue[]): string {
  return issues
    .map(({ message, path }) => (path.length === 0 ? message : `${describePath(path)}: ${message}`))
    .join('; ')
}

/** `['items', 0, 'a-b']` → `items[0]["a-b"]`. */
function describePath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else if (typeof key === 'string' && /^[A-Za-z_$][\w$]*$/.test(key)) text += text === '' ? key : `.${key}`
    else text += `[${typeof key === 'symbol' ? key.toString() : JSON.stringify(key)}]`
  }
  return text
}

/** What a value is, in words short enough for an error message. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  switch (typeof value) {
    case 'undefined':
      return 'undefined'
    case 'string':
      return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value)
    case 'function':
      return value.name === '' ? 'a function' : `the function ${value.name}`
    case 'number':
    case 'boolean':
      return String(value)
    case 'bigint':
      return `${value}n`
    case 'symbol':
      return value.toString()
    default:
      return constructorName(value)
  }
}

function constructorName(value: object): string {
  try {
    const { name } = value.constructor
    return name === 'Object' || typeof name !== 'string' || name === '' ? 'an object' : `a ${name}`
  } catch {
    return 'an object'
  }
}
