/**
 * What has to hold after every step, whatever happens: an eye on the store that knows the rules, but nothing of the
 * engine. It looks after each call that reached the store, and says what cannot be.
 */
import type { Header, HookInfo, Row } from 'polaris-workflow'
import type { BuilderSpec, Inputs } from '../model/spec.ts'
import { checkClaim, checkHeader, checkRight, checkRows, unfinished } from './header-rules.ts'
import { checkDurable, checkKey } from './key-rules.ts'
import type { Actor } from './scheduler.ts'
import { isUndoing } from './standing-rows.ts'
import { newSubject } from './subject.ts'
import type { AuditFacts, History, Judge, Look, Say, Settled, Subject } from './subject.ts'
import type { Operation } from './workload.ts'
import { headerOf, rowsOf, valueOf } from './world.ts'

export interface Audit {
  readonly operations: readonly Operation[]
  readonly ids: readonly string[]
  /** Compares what stands with what stood before. @param actor who did it */
  look(actor: Actor): void
  onRun(b: BuilderSpec, inputs: Inputs, key: string, attempt: number, info: HookInfo): void
  /** In which scopes an operation was handled. */
  scopesOf(operation: Operation): readonly number[]
  /** The same by instance of its id, one after the other. */
  livesOf(operation: Operation): readonly (readonly number[])[]
  /**
   * What the caller of an operation may have been told of: in each life of the instance that has handled it in this scope; of
   * an operation that begins instances that may be several. `'of another life'`: which one is not known.
   */
  settled(operation: Operation, scope: number): readonly (Settled | undefined)[] | 'of another life'
  /** Whether the instance that has handled an operation is still there. */
  isCurrent(operation: Operation): boolean
  /** Somebody was told that an instance is cancelled, or gone. */
  onEnded(operation: Operation): void
  /** Whether an instance was last changed by this one, and by no other since that time. */
  isAlone(id: string, actor: Actor, since: number): boolean
  /** The rows that stood under an id, and those that do, one instance after the other. */
  histories(id: string): readonly History[]
  /** When the last instance that goes on by itself has done so, or is to. */
  nextAt(): number
  /** Nothing is left to do, so that what has to have happened has. */
  rest(): void
  /** What is not at rest: work that somebody still has to do. */
  unfinished(): readonly string[]
}

export function newAudit(facts: AuditFacts, judge: Judge): Audit {
  const holders = new Map<string, Actor>()
  const subjects = new Map(facts.ids.map((id) => [id, newSubject(id)]))
  const keys = new Map<string, string>()
  const cancelled = new Set<string>()
  const livesOf: Audit['livesOf'] = ({ id, number }) => {
    const { past, operations } = subjects.get(id)!
    return [...past.map((life) => life.operations), operations].map((handled) =>
      [...handled].filter(([, operation]) => operation === number).map(([scope]) => scope),
    )
  }
  return {
    operations: facts.operations,
    ids: facts.ids,
    look(actor) {
      for (const subject of subjects.values()) {
        const stored = headerOf(facts.store, subject.id)
        const header = stored?.status === 'deleted' ? undefined : stored
        if (subject.header !== undefined && header?.incarnation !== subject.header.incarnation) {
          bury(facts, subject, subject.header, header === undefined)
          subject.changed.push({ actor, at: facts.now() })
        }
        const before = subject.header
        if (header === undefined) continue
        if (before === undefined) facts.count('begun anew', subject.past.length > 0)
        if (header.status === 'cancelled') cancelled.add(header.incarnation)
        const look: Look = { facts, holders, actor, subject, before, now: header }
        if (before === undefined || JSON.stringify(before) !== JSON.stringify(header)) onChange(look, judge)
        lookAtMail(look)
        subject.header = header
      }
    },
    onRun(b, inputs, key, attempt, info) {
      judge.ran(b, inputs, key, attempt, info)
      const [incarnation = ''] = key.split(':')
      const { calm, graph, blame } = facts
      if (calm && graph.spec.durability === 'builder' && cancelled.has(incarnation)) {
        blame(`${b.name} of ${info.id} runs after a cancel`)
      }
      checkKey(facts, keys, b, inputs, key, info)
      // A process that was paused may begin a builder of an instance that was removed meanwhile.
      const past = subjects.get(info.id)?.past.find((life) => life.incarnation === incarnation)
      checkDurable(facts, b, inputs, info, past?.rows ?? rowsOf(facts.store, info.id))
    },
    scopesOf: (operation) => livesOf(operation).flat(),
    livesOf,
    isCurrent: ({ id, number }) => [...subjects.get(id)!.operations.values()].includes(number),
    onEnded({ id, kind }) {
      const subject = subjects.get(id)!
      if (kind === 'delete' && subject.past.length === 0) facts.blame(`${id} was said to be removed`)
      if ((kind !== 'cancel' && kind !== 'undo') || subject.past.length > 0 || subject.header === undefined) return
      // Undoing goes on by itself.
      const isToBe = subject.header.cancelling > 0 && isUndoing(subject.rows)
      if (subject.header.status !== 'cancelled' && !isToBe) facts.blame(`${id} was said to be cancelled`)
    },
    isAlone(id, actor, since) {
      const changed = [...subjects.get(id)!.changed]
      return changed.at(-1)?.actor === actor && changed.every((each) => each.actor === actor || each.at < since)
    },
    settled({ id, number }, scope) {
      const { past, settled, operations } = subjects.get(id)!
      const lives = [...past, { operations, settled }].filter((life) => life.operations.get(scope) === number)
      if (lives.length > 0) return lives.map((life) => life.settled.get(scope))
      return past.length > 0 ? 'of another life' : [settled.get(scope)]
    },
    histories(id) {
      const { past = [] } = subjects.get(id) ?? {}
      const header = headerOf(facts.store, id)
      if (header === undefined || header.status === 'deleted') return past
      return [...past, { incarnation: header.incarnation, rows: rowsOf(facts.store, id) }]
    },
    nextAt: () =>
      Math.max(
        ...[...subjects.values()].map(({ header, changed }) => {
          const next = header === undefined ? null : judge.goesOn(header)
          return Math.max(next ?? 0, judge.waits ? (changed.at(-1)?.at ?? 0) : 0)
        }),
      ),
    rest() {
      for (const subject of subjects.values())
        judge.rests(subject, (problem) => facts.blame(`${subject.id}: ${problem}`))
    },
    unfinished: () =>
      [...subjects.values()].flatMap(({ header }) => {
        if (header === undefined) return []
        const next = judge.goesOn(header)
        return [...unfinished(header), ...(next === null ? [] : [`${header.id}: goes on at ${next}`])]
      }),
  }
}

/** An instance was removed: on purpose, with nothing left to do, and without a trace. */
function bury({ store, operations, blame }: AuditFacts, subject: Subject, last: Header, isGone: boolean): void {
  const { id } = subject
  if (!operations.some((operation) => operation.id === id && operation.kind === 'delete')) blame(`${id} is gone`)
  if (last.pass > 0 || last.mailAppended > last.mailHandled) blame(`${id} was removed with work to do`)
  if (isGone && rowsOf(store, id).length > 0) blame(`${id} left rows`)
  if (isGone && store.mail(id, { limit: 1 }).length > 0) blame(`${id} left mail`)
  const { operations: handled, settled, rows } = subject
  subject.past.push({ incarnation: last.incarnation, rows, operations: handled, settled })
  const fresh = newSubject(id)
  subject.header = undefined
  subject.mail = fresh.mail
  subject.rows = fresh.rows
  subject.settled = fresh.settled
  subject.operations = fresh.operations
}

function onChange(look: Look, judge: Judge): void {
  const { before, now, subject, facts } = look
  const say: Say = (problem) => facts.blame(`${now.id}: ${problem}`)
  const rows = rowsOf(facts.store, now.id)
  checkRows(look, rows, say)
  checkHeader(look, say)
  // What the last holder got to stands; the rest of the scope is another matter.
  if (before !== undefined && before.fence !== now.fence && before.pass > 0) judge.taken(look, before, say)
  judge.added(look, rows, say)
  if (before === undefined || now.revision === before.revision) {
    if (before !== undefined && now.fence !== before.fence) checkClaim(look, before, say)
    if (before === undefined && now.scope > 0) onCommit(look, judge, rows, say)
  } else {
    if (now.revision !== before.revision + 1) say(`revision ${before.revision} became ${now.revision}`)
    checkRight(look, before, say)
    onCommit(look, judge, rows, say)
  }
  if (now.fence !== before?.fence || now.revision !== before.revision)
    subject.changed.push({ actor: look.actor, at: facts.now() })
  if (now.holder !== null && !look.holders.has(now.holder)) look.holders.set(now.holder, look.actor)
  subject.rows = rows
}

function onCommit(look: Look, judge: Judge, rows: readonly Row[], say: Say): void {
  const { before, now, facts } = look
  const { count } = facts
  if (before !== undefined && now.pass > 0) {
    const { fence, rows: kept } = before
    count('scope left by a worker', now.holder === null)
    count('lease renewed', now.holder !== null && now.fence === fence && now.rows === kept)
  }
  nameOperation(look, rows, say)
  const ended = now.pass === 0 && (before === undefined || now.scope > before.scope || before.pass > 0)
  if (ended) onEnd(look, judge, rows, say)
}

/** Which delta the newest scope holds: all of one, and nothing of another. */
function nameOperation({ now, subject, facts }: Look, rows: readonly Row[], say: Say): void {
  if (now.scope === 0) return
  const named = new Set<number>()
  for (const row of rows) {
    if (row.scope !== now.scope) continue
    if (row.outcome === 'fed' && row.value !== undefined) named.add(Number(valueOf(row)!.split('=')[1]))
    if (row.outcome === 'call') named.add(Number(row.note!.meta!['operation']))
  }
  if (named.size > 1) say(`scope ${now.scope} holds the deltas of ${[...named].join()}`)
  const [number] = named
  if (number === undefined) return
  const operation = facts.operations.find((each) => each.number === number)!
  const asked = rows.find((row) => row.scope === now.scope && (row.outcome === 'restart' || row.outcome === 'rerun'))
  const asks = operation.kind === 'restart' || operation.kind === 'rerun'
  if (asked === undefined ? asks : asked.outcome !== operation.kind) say(`scope ${now.scope} is no ${operation.kind}`)
  if (asked?.outcome === 'rerun' && asked.builder !== operation.builder) say(`reran ${asked.builder}`)
  const fed = rows.filter((row) => row.scope === now.scope && row.outcome === 'fed').map((row) => row.data)
  const wanted = operation.delta.map(({ name }) => name)
  if (fed.sort().join() !== wanted.sort().join()) say(`scope ${now.scope} was fed ${fed.join()} of ${wanted.join()}`)
  const other = [...subject.operations].find(([scope, each]) => each === number && scope !== now.scope)
  if (other !== undefined) say(`operation ${number} is handled in scope ${other[0]} and in scope ${now.scope}`)
  subject.operations.set(now.scope, number)
}

function onEnd(look: Look, judge: Judge, rows: readonly Row[], say: Say): void {
  const { now, subject, facts } = look
  const { count } = facts
  judge.ended(look, rows, say)
  if (subject.settled.has(now.scope)) say(`scope ${now.scope} ended twice`)
  const mine = rows.filter((row) => row.scope === now.scope)
  const made = mine.filter((row) => row.outcome === 'produced' && row.value !== undefined && row.pass > 0)
  const places = made.map(({ pass, builder }) => `${builder} in pass ${pass}`)
  if (new Set(places).size < places.length) say(`scope ${now.scope} produced twice: ${places.join()}`)
  subject.settled.set(now.scope, { header: now, rows: mine })
  const kind = facts.operations.find(({ number }) => number === subject.operations.get(now.scope))?.kind
  const waited = subject.mail.some(({ seq, body }) => seq === now.scope && body !== undefined)
  count('waited in the mailbox', waited && (kind === 'sequential' || kind === 'parallel'))
}

function lookAtMail({ facts, subject, now }: Look): void {
  const mail = facts.store.mail(now.id, { limit: 100_000 })
  const say = (problem: string): void => facts.blame(`${now.id}: ${problem}`)
  for (const [at, { seq, requestId, outcome, body }] of mail.entries()) {
    const before = subject.mail[at]
    if (seq > now.mailAppended) say(`has mail ${seq} of ${now.mailAppended}`)
    if (before !== undefined && before.seq !== seq) say(`mail ${before.seq} became ${seq}`)
    if (before?.outcome != null && before.outcome !== outcome) say(`mail ${seq} was given two outcomes`)
    if ((outcome !== null) !== seq <= now.mailHandled)
      say(`mail ${seq}: ${outcome ?? 'nothing came of it'}, but ${now.mailHandled} are handled`)
    if (outcome !== null && body !== undefined) say(`mail ${seq} kept its body`)
    if (mail.some((other) => other !== mail[at] && other.requestId === requestId)) say(`${requestId} is there twice`)
  }
  if (mail.length < subject.mail.length) say('mail is gone')
  subject.mail = mail
}
