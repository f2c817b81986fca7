/** What callers were told against what is stored, once everything has come to its end. */
import type { Row } from 'polaris-workflow'
import type { Answer, Client } from './clients.ts'
import type { Say, Settled } from './subject.ts'
import type { Operation } from './workload.ts'
import type { World } from './world.ts'

/** Every delta was handled as often as its sender was told. */
export function accountForAll({ audit, blame, store, count }: World, clients: readonly Client[]): void {
  for (const { answers } of clients) {
    for (const [operation, given] of answers) {
      const say = (problem: string): void => blame(`operation ${operation.number} on ${operation.id}: ${problem}`)
      for (const answer of given) checkAnswer(answer, operation, audit, say)
      const scopes = audit.scopesOf(operation)
      const kinds = new Set(given.map(({ kind }) => kind))
      const known = ['result', 'submitted', 'failed', 'given up'].some((kind) => kinds.has(kind as Answer['kind']))
      const asks = operation.kind === 'restart' || operation.kind === 'rerun'
      // What was asked for in vain is not repeated, so nothing of it is kept but why.
      const leavesTrace = operation.delta.length > 0 || (asks && !kinds.has('given up'))
      const tooLate = kinds.has('too late')
      const lives = audit.livesOf(operation)
      const first = lives.findIndex((handled) => handled.length > 0)
      // Sent again after the id was removed, it may find an instance that another has begun, and is new to that. It must not begin
      // one itself, unless that is its purpose.
      const begins = lives.some(
        (handled, at) => at > first && handled.includes(1) && !isOnPurpose(operation, lives, at),
      )
      if (begins || lives.some((handled) => handled.length > 1)) say(`handled in scopes ${scopes.join()}`)
      if (known && leavesTrace && scopes.length === 0) say(`acknowledged, and never handled`)
      if (!known && !kinds.has('unknown') && !tooLate && scopes.length > 0)
        say(`refused, and handled in scope ${scopes.join()}`)
      if (operation.requestId === undefined || scopes.length === 0 || !audit.isCurrent(operation)) continue
      const record = store.request(operation.id, operation.requestId)
      if (record?.seq !== scopes.at(-1)) say(`handled in scope ${scopes.join()}, but its record says ${record?.seq}`)
      count('result from a record', given.length > 1 && known)
    }
  }
}

/** With `expect: 'new'` it may begin an instance; but not in the place of one that it has begun itself. */
function isOnPurpose({ isNew }: Operation, lives: readonly (readonly number[])[], at: number): boolean {
  return isNew && lives[at - 1]?.includes(1) !== true
}

/** What a caller was told is what is stored. */
function checkAnswer(answer: Answer, operation: Operation, audit: World['audit'], say: Say): void {
  if (answer.kind === 'submitted') {
    const scopes = audit.scopesOf(operation)
    if (scopes.length > 0 && !scopes.includes(answer.scope)) {
      say(`promised scope ${answer.scope}, handled in ${scopes.join()}`)
    }
    return
  }
  if (answer.kind !== 'result' && answer.kind !== 'failed') return
  const { scope } = answer.result
  const lives = audit.settled(operation, scope)
  if (lives === 'of another life') return
  const problems = lives.map((settled) => {
    const found: string[] = []
    if (settled === undefined) found.push(`answered with scope ${scope}, which never ended`)
    else checkTold(answer, operation, settled, (problem) => found.push(problem))
    return found
  })
  if (problems.every((found) => found.length > 0)) for (const problem of problems.at(-1) ?? []) say(problem)
}

function checkTold(
  answer: Extract<Answer, { kind: 'result' | 'failed' }>,
  operation: Operation,
  settled: Settled,
  say: Say,
): void {
  const { scope, status, produced } = answer.result
  // What has failed for good is being undone.
  const isUndone = answer.kind === 'failed' && settled.header.status === 'retrying'
  if (settled.header.status !== status && !isUndone)
    say(`told ${status}, but scope ${scope} ended ${settled.header.status}`)
  // A call that found nothing to do tells of the scope before it.
  if (produced.length === 0 && operation.delta.length === 0) return
  const isReplaced = ({ data, seq }: Row): boolean =>
    settled.rows.some((row) => row.outcome === 'fed' && row.data === data && row.seq > seq)
  const stored = settled.rows.filter((row) => row.outcome === 'produced' && row.value !== undefined && !isReplaced(row))
  const newest = new Map(stored.map((row) => [row.data!, JSON.parse(row.value as string) as unknown]))
  const told = new Map(produced.map(({ name, value }) => [name, value]))
  for (const [name, value] of newest) {
    if (told.get(name) !== value) say(`told ${name}=${String(told.get(name))}, stored ${String(value)}`)
  }
  if (answer.kind !== 'failed') return
  const threw = settled.rows.some((row) => row.outcome === 'failed' && row.builder === answer.builder)
  if (!threw) say(`told that ${answer.builder} threw, which is not stored`)
}
