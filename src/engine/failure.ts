import { describeIssues, describeValue, PolarisError } from '../graph/errors.ts'
import type { Issue } from '../graph/errors.ts'
import type { Graph, Node, Slot } from '../graph/graph.ts'
import type { RowNote } from '../stores/contract.ts'

/** Why a builder's run ended without a product. */
export interface Failure {
  readonly code: 'BUILDER_FAILED' | 'PRODUCT_INVALID' | 'BUILDER_TIMEOUT'
  readonly node: Node
  readonly cause: unknown
  readonly message: string
  /** The part of the message that says what it did. */
  readonly what: string
  /** Which try it was, where a builder may have several. */
  readonly attempt?: number
}

/**
 * Instead of what is wrong with a sensitive value. Schemas repeat values in their messages, and keys of records in their
 * paths.
 */
export const WITHHELD: readonly Issue[] = Object.freeze([
  { message: 'its value was refused, and since it is sensitive nothing more is said', path: [] },
])

const KEPT = 'What was produced before is kept; the builder runs again with the next call or resume.'

/** @param what it did: `threw: …` */
function failureOf(
  code: Failure['code'],
  id: string,
  node: Node,
  { name }: Graph,
  cause: unknown,
  what: string,
): Failure {
  return { code, node, cause, what, message: `Builder '${node.name}' of '${name}' (${id}) ${what}. ${KEPT}` }
}

/** A builder threw, anything at all. */
export function threwUp(id: string, node: Node, graph: Graph, cause: unknown): Failure {
  return failureOf('BUILDER_FAILED', id, node, graph, cause, `threw: ${messageOf(cause)}`)
}

/** A builder returned what it may not. */
export function invalidProduct(
  id: string,
  node: Node,
  graph: Graph,
  refusal: { readonly issues: readonly Issue[]; readonly cause: unknown },
): Failure {
  const { name, data } = graph.slots[node.out] as Slot
  const { issues, cause } = data.sensitive ? { issues: WITHHELD, cause: undefined } : refusal
  const what = `returned no valid ${name}: ${describeIssues(issues)}`
  return failureOf('PRODUCT_INVALID', id, node, graph, cause ?? issues, what)
}

/** The same as a row tells it, to whoever takes up what a crash cut short. */
export function retold(id: string, node: Node, graph: Graph, error: NonNullable<RowNote['error']>): Failure {
  const { code, message } = error
  if (code === 'PRODUCT_INVALID') return { code, node, cause: undefined, what: message, message }
  return threwUp(id, node, graph, Object.assign(new Error(message), error))
}

/** A try of a builder took longer than it may. */
export function tookTooLong(id: string, node: Node, graph: Graph): Failure {
  const what = `took longer than its timeout of ${node.care?.timeout ?? 0} ms; what it gives later is not kept`
  const cause = new PolarisError('BUILDER_TIMEOUT', `Builder '${node.name}' ${what}.`)
  return failureOf('BUILDER_TIMEOUT', id, node, graph, cause, what)
}

/** A builder failed for good, and so did what was to stand in for it. */
export function withFallback(failed: Failure, { what }: Failure): Failure {
  return { ...failed, message: `${failed.message} Its fallback ${what}.` }
}

/** What the code of the one who declared a builder is told of its failure: always what it threw, or an error of ours. */
export function thrownBy({ code, cause, node, what }: Failure): unknown {
  return code === 'PRODUCT_INVALID' ? new PolarisError(code, `Builder '${node.name}' ${what}.`, { cause }) : cause
}

/** A failure as its row keeps it. */
export function rowError({ cause, code, message }: Failure): NonNullable<RowNote['error']> {
  return code === 'BUILDER_FAILED' ? thrownError(cause) : { name: 'PolarisError', code, message }
}

/** Anything that was thrown, as a row keeps it. */
export function thrownError(cause: unknown): NonNullable<RowNote['error']> {
  try {
    if (!(cause instanceof Error)) return { name: 'Thrown', message: messageOf(cause) }
    const given: unknown = (cause as { code?: unknown }).code
    return {
      name: String(cause.name),
      message: String(cause.message),
      ...(typeof given === 'string' && { code: given }),
      ...(typeof cause.stack === 'string' && { stack: cause.stack }),
    }
  } catch {
    return { name: 'Unreadable', message: 'an error whose members cannot be read' }
  }
}

/** The words of anything that can be thrown. */
export function messageOf(error: unknown): string {
  try {
    if (error instanceof Error) return String(error.message === '' ? error.name : error.message)
    return describeValue(error)
  } catch {
    return 'an error whose members cannot be read'
  }
}
