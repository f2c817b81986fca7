import { describeIssues, describeValue } from '../graph/errors.ts'
import type { Issue } from '../graph/errors.ts'
import type { Graph, Node, Slot } from '../graph/graph.ts'
import type { RowNote } from '../stores/contract.ts'

/** Why a builder's run ended without a product. */
export interface Failure {
  readonly code: 'BUILDER_FAILED' | 'PRODUCT_INVALID'
  readonly node: Node
  readonly cause: unknown
  readonly message: string
}

/**
 * Instead of what is wrong with a sensitive value. Schemas repeat values in their messages, and keys of records in their
 * paths.
 */
export const WITHHELD: readonly Issue[] = Object.freeze([
  { message: 'its value was refused, and since it is sensitive nothing more is said', path: [] },
])

const KEPT = 'What was produced before is kept; the builder runs again with the next call or resume.'

/** A builder threw, anything at all. */
export function threwUp(id: string, node: Node, { name }: Graph, cause: unknown): Failure {
  const message = `Builder '${node.name}' of '${name}' (${id}) threw: ${messageOf(cause)}. ${KEPT}`
  return { code: 'BUILDER_FAILED', node, cause, message }
}

/** A builder returned what it may not. */
export function invalidProduct(
  id: string,
  node: Node,
  { name, slots }: Graph,
  refusal: { readonly issues: readonly Issue[]; readonly cause: unknown },
): Failure {
  const { name: product, data } = slots[node.out] as Slot
  const { issues, cause } = data.sensitive ? { issues: WITHHELD, cause: undefined } : refusal
  const message =
    `Builder '${node.name}' of '${name}' (${id}) returned no valid ${product}: ` + `${describeIssues(issues)}. ${KEPT}`
  return { code: 'PRODUCT_INVALID', node, cause: cause ?? issues, message }
}

/** A failure as its row keeps it. */
export function rowError({ cause, code, message }: Failure): NonNullable<RowNote['error']> {
  if (code === 'PRODUCT_INVALID') return { name: 'PolarisError', code, message }
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
