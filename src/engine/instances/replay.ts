import { PolarisError } from '../../graph/errors.ts'
import type { ErrorCode } from '../../graph/errors.ts'
import type { Graph } from '../../graph/graph.ts'
import type { DataStore, Mail, Row } from '../../stores/contract.ts'
import { BuilderError } from '../scope/builder-error.ts'
import { readOutcome } from '../mail/mail.ts'
import type { Outcome } from '../mail/mail.ts'
import { notFound } from '../refusals.ts'
import type { Registry } from './registry.ts'
import { ScopeResult } from '../scope/result.ts'
import { historyPages } from '../state/history.ts'
import { inOrder } from '../state/rows.ts'
import { versionAt } from '../state/standing.ts'
import { loadState } from '../state/loading.ts'
import { readLiving } from './living.ts'

export interface ReplayFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly decode: (stored: unknown) => unknown
}

/**
 * The result of a scope that is over, from what is stored of it: what another process ran, or this one long ago.
 *
 * @throws what the call rejected with, or would have; `INSTANCE_NOT_FOUND` if the instance is removed meanwhile
 */
export async function replay({ store, registry, decode }: ReplayFacts, id: string, mail: Mail): Promise<ScopeResult> {
  const { seq: scope, outcome: text } = mail
  const snapshot = await readLiving(store, id)
  if (snapshot === undefined || text === null) throw notFound(id)
  const { header } = snapshot
  const asItStood = header.scope === scope && header.pass === 0
  const rows = asItStood ? snapshot.rows : await rowsUpTo(store, id, scope)
  const version = asItStood ? header.version : await versionAt(store, header, rows.at(-1)?.seq ?? 0)
  // The commit that ended a scope gives header and mail one time: then what was read is of the mail's life.
  const isOfOneLife = asItStood && header.updatedAt === mail.handledAt
  if (!isOfOneLife && !(await isThere(store, id, mail))) throw notFound(id)
  const { graph } = registry.serving(id, header.workflow, version).program
  const outcome = readOutcome(text)
  return answer(id, outcome, resultOf(graph, id, scope, rows, outcome, decode), rows)
}

/**
 * Whether a mail is there still. Instances are removed with their mail: while it is there, all that was read since it was
 * read first is of its instance, and not of a later one under the same id.
 */
async function isThere(store: DataStore, id: string, mail: Mail): Promise<boolean> {
  const [found] = await store.mail(id, { after: mail.seq - 1, limit: 1 })
  return found?.seq === mail.seq && found.requestId === mail.requestId && found.handledAt === mail.handledAt
}

/** The newest row of each place as it was when a scope ended. */
async function rowsUpTo(store: DataStore, id: string, scope: number): Promise<Row[]> {
  const newest = new Map<string, Row>()
  for await (const page of historyPages(store, id)) {
    for (const row of page) {
      if (row.scope > scope) return inOrder(newest)
      newest.set(row.place, row)
    }
  }
  return inOrder(newest)
}

function resultOf(
  graph: Graph,
  id: string,
  scope: number,
  rows: readonly Row[],
  { status, target }: Outcome,
  decode: (stored: unknown) => unknown,
): ScopeResult {
  const state = loadState(graph, 0, rows, decode)
  const slots: number[] = []
  const lost = new Set<number>()
  for (const row of rows) {
    if (row.scope !== scope || (row.outcome !== 'produced' && row.outcome !== 'supplied')) continue
    const slot = graph.slotOf.get(row.data ?? '')
    if (slot === undefined) continue
    if (graph.slots[slot]?.transient === true) lost.add(slot)
    else slots.push(slot)
  }
  return new ScopeResult({
    id,
    scope,
    state,
    slots,
    status: status === 'cancelled' ? 'failed' : status,
    target: target === undefined ? undefined : graph.slotOf.get(target),
    lost,
  })
}

function isBlame(code: ErrorCode): code is BuilderError['code'] & ConstructorParameters<typeof BuilderError>[0] {
  return code === 'BUILDER_FAILED' || code === 'PRODUCT_INVALID' || code === 'BUILDER_TIMEOUT'
}

function answer(id: string, { error }: Outcome, result: ScopeResult, rows: readonly Row[]): ScopeResult {
  if (error === undefined) return result
  const { code, message, builder } = error
  if (builder === undefined || !isBlame(code)) {
    throw new PolarisError(code, message)
  }
  const thrown = rows.find((row) => row.outcome === 'failed' && row.builder === builder && row.data === null)?.note
    ?.error
  const cause = Object.assign(new Error(thrown?.message), thrown)
  throw new BuilderError(code, message, { builder, id, result, cause })
}
