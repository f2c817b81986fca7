/**
 * What has to hold after every step, whatever happens: an eye on the store that knows the rules, but nothing of the
 * engine. It looks after each call that reached the store, and says what cannot be.
 */
import type { Header, HookInfo, Mail, Row } from 'polaris-workflow'
import type { MemoryStore } from 'polaris-workflow/stores/memory'
import { follow, type Followed, type FoundEvent } from '../model/follow.ts'
import type { Graph } from '../model/graph.ts'
import { empty, type Delta, type Event, type Operation as Asked, type State } from '../model/model.ts'
import type { BuilderSpec, Inputs } from '../model/spec.ts'
import { standingOf } from '../model/status.ts'
import type { Counted } from './counts.ts'
import type { Actor } from './scheduler.ts'
import type { Operation } from './workload.ts'
import { headerOf, rowsOf, valueOf } from './world.ts'

/** A scope that has ended, as the store has it. */
export interface Settled {
  readonly header: Header
  readonly rows: readonly Row[]
}

export interface Audit {
  readonly operations: readonly Operation[]
  /** Compares what stands with what stood before. @param actor who did it */
  look(actor: Actor): void
  onRun(b: BuilderSpec, inputs: Inputs, key: string, info: HookInfo): void
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
  /** What is not at rest: work that somebody still has to do. */
  unfinished(): readonly string[]
}

export interface AuditFacts {
  readonly store: MemoryStore
  readonly graph: Graph
  readonly ids: readonly string[]
  readonly operations: readonly Operation[]
  /** No faults, so that nobody may lose anything. */
  readonly calm: boolean
  readonly now: () => number
  readonly count: (name: Counted, holds?: boolean) => void
  readonly blame: (problem: string) => void
}

interface Subject {
  readonly id: string
  header: Header | undefined
  mail: readonly Mail[]
  /** By the reference: as it stood when the newest scope ended or was taken up. */
  state: State
  rows: readonly Row[]
  settled: Map<number, Settled>
  /** Who changed it or took it over, and when. */
  readonly changed: { readonly actor: Actor; readonly at: number }[]
  /** Which operation's delta each scope holds. */
  operations: Map<number, number>
  /** Instances of this id that were removed. */
  readonly past: {
    readonly incarnation: string
    readonly rows: readonly Row[]
    readonly operations: ReadonlyMap<number, number>
    readonly settled: ReadonlyMap<number, Settled>
  }[]
}

interface Look {
  readonly facts: AuditFacts
  readonly holders: Map<string, Actor>
  readonly actor: Actor
  readonly subject: Subject
  readonly before: Header | undefined
  readonly now: Header
}

export function newAudit(facts: AuditFacts): Audit {
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
        if (before === undefined || JSON.stringify(before) !== JSON.stringify(header)) onChange(look)
        lookAtMail(look)
        subject.header = header
      }
    },
    onRun(b, inputs, key, info) {
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
      if (kind !== 'cancel' || subject.past.length > 0 || subject.header === undefined) return
      if (subject.header.status !== 'cancelled') facts.blame(`${id} was said to be cancelled`)
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
    unfinished: () => [...subjects.values()].flatMap(({ header }) => (header === undefined ? [] : unfinished(header))),
  }
}

function newSubject(id: string): Subject {
  const lists = { mail: [], rows: [], settled: new Map(), operations: new Map(), past: [] }
  return { id, header: undefined, changed: [], state: empty, ...lists }
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
  subject.state = fresh.state
  subject.rows = fresh.rows
  subject.settled = fresh.settled
  subject.operations = fresh.operations
}

function unfinished({ id, pass, holder, mailAppended, mailHandled }: Header): string[] {
  if (pass === 0 && holder === null && mailAppended === mailHandled) return []
  return [`${id}: pass ${pass}, ${holder === null ? 'free' : 'held'}, mail ${mailHandled} of ${mailAppended} handled`]
}

function onChange(look: Look): void {
  const { before, now, subject, facts } = look
  const say = (problem: string): void => facts.blame(`${now.id}: ${problem}`)
  const rows = rowsOf(facts.store, now.id)
  checkRows(look, rows, say)
  checkHeader(look, say)
  // What the last holder got to stands; the rest of the scope is another matter.
  if (before !== undefined && before.fence !== now.fence && before.pass > 0) advance(look, before, subject.rows, say)
  if (before === undefined || now.revision === before.revision) {
    if (before !== undefined && now.fence !== before.fence) checkClaim(look, before, say)
    if (before === undefined && now.scope > 0) onCommit(look, rows, say)
  } else {
    if (now.revision !== before.revision + 1) say(`revision ${before.revision} became ${now.revision}`)
    checkRight(look, before, say)
    onCommit(look, rows, say)
  }
  if (now.fence !== before?.fence || now.revision !== before.revision)
    subject.changed.push({ actor: look.actor, at: facts.now() })
  if (now.holder !== null && !look.holders.has(now.holder)) look.holders.set(now.holder, look.actor)
  subject.rows = rows
}

/** Rows are only ever added, and the header counts them: nobody reads half a commit. */
function checkRows({ now, subject }: Look, rows: readonly Row[], say: (problem: string) => void): void {
  if (rows.length !== now.rows) say(`${rows.length} rows, but the header counts ${now.rows}`)
  rows.forEach(({ seq }, at) => seq === at + 1 || say(`row ${seq} at place ${at + 1}`))
  if (rows.length < subject.rows.length) say('rows are gone')
}

function checkHeader({ before, now, facts }: Look, say: (problem: string) => void): void {
  // G7: what is under way or waits is found by somebody some day.
  const needsCare = now.holder !== null || now.pass > 0 || now.mailAppended > now.mailHandled
  if (needsCare && now.wakeAt === null) say('needs care, but never wakes')
  if (now.mailHandled > now.scope || now.scope > now.mailAppended) {
    say(`mail ${now.mailHandled} of ${now.mailAppended} handled in scope ${now.scope}`)
  }
  if (before === undefined) return
  if (now.incarnation !== before.incarnation) say('was made anew')
  if (before.cancelling > 0 && now.mailAppended > before.mailAppended) say('took mail after it was to be cancelled')
  if (before.cancelling > 0 && now.cancelling !== before.cancelling) say('forgot that it is to be cancelled')
  if (before.status === 'cancelled' && now.revision !== before.revision) say('was changed after it was cancelled')
  const restarted = rowsOf(facts.store, now.id).some(({ outcome, seq }) => outcome === 'restart' && seq > before.rows)
  const settled = restarted ? [] : (['settled'] as const)
  for (const counter of ['fence', 'scope', 'mailAppended', 'mailHandled', 'rows', ...settled] as const) {
    if (now[counter] < before[counter]) say(`${counter} went back from ${before[counter]} to ${now[counter]}`)
  }
  if (now.scope > before.scope + 1) say(`scope ${before.scope} was followed by ${now.scope}`)
  if (now.scope > before.scope && before.pass > 0) say(`scope ${before.scope} was never ended`)
}

function checkClaim({ facts, now, actor, holders }: Look, before: Header, say: (problem: string) => void): void {
  if (now.fence !== before.fence + 1 || now.claims !== before.claims + 1) say('a claim did more than a claim')
  if (before.wakeAt === null || before.wakeAt > facts.now()) say('was claimed before it was due')
  const owner = before.holder === null ? undefined : holders.get(before.holder)
  // Who has committed nothing since its claim may wait for its turn behind a scope that has no lease and outlasts this one.
  const working = before.claims === 0 || before.pass > 0
  if (facts.calm && working && owner !== undefined && owner !== actor) say(`was taken from ${owner.name}, who is well`)
}

/** A process that lost its lease commits nothing. */
function checkRight({ now, actor, holders }: Look, before: Header, say: (problem: string) => void): void {
  const owner = before.holder === null ? undefined : holders.get(before.holder)
  if (owner !== undefined && owner !== actor) say(`${actor.name} committed what ${owner.name} holds`)
  if (now.fence !== before.fence && now.fence !== before.fence + 1) say(`fence ${before.fence} became ${now.fence}`)
  if (before.pass > 0 && now.fence !== before.fence && now.holder === null && now.pass === 0) return
}

function onCommit(look: Look, rows: readonly Row[], say: (problem: string) => void): void {
  const { before, now, facts } = look
  const { count } = facts
  if (before !== undefined && now.pass > 0) {
    const { fence, rows: kept } = before
    count('scope left by a worker', now.holder === null)
    count('lease renewed', now.holder !== null && now.fence === fence && now.rows === kept)
  }
  nameOperation(look, rows, say)
  const ended = now.pass === 0 && (before === undefined || now.scope > before.scope || before.pass > 0)
  if (ended) onEnd(look, rows, say)
}

/** Which delta the newest scope holds: all of one, and nothing of another. */
function nameOperation({ now, subject, facts }: Look, rows: readonly Row[], say: (problem: string) => void): void {
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

function onEnd(look: Look, rows: readonly Row[], say: (problem: string) => void): void {
  const { now, subject, facts } = look
  const { count } = facts
  const reason = rows.find((row) => row.scope === now.scope && isReason(row))
  const given = reason !== undefined
  count('crash loop', reason?.note?.error?.code === 'CRASH_LOOP')
  count('cancelled before it ended', reason?.note?.error?.code === 'CANCELLED')
  count('interrupted scope finished', subject.state.open !== null)
  if (given) giveUp(look, rows)
  else {
    const followed = advance(look, now, rows, say)
    const { status } = standingOf(facts.graph, subject.state)
    if (followed.state.scope === now.scope && now.status !== status) say(`is ${now.status}, by the rules ${status}`)
  }
  if (subject.settled.has(now.scope)) say(`scope ${now.scope} ended twice`)
  const mine = rows.filter((row) => row.scope === now.scope)
  const made = mine.filter((row) => row.outcome === 'produced' && row.value !== undefined)
  const places = made.map(({ pass, builder }) => `${builder} in pass ${pass}`)
  if (new Set(places).size < places.length) say(`scope ${now.scope} produced twice: ${places.join()}`)
  subject.settled.set(now.scope, { header: now, rows: mine })
  const kind = facts.operations.find(({ number }) => number === subject.operations.get(now.scope))?.kind
  const waited = subject.mail.some(({ seq, body }) => seq === now.scope && body !== undefined)
  count('waited in the mailbox', waited && (kind === 'sequential' || kind === 'parallel'))
  countScope(look, mine)
}

/** Goes on with the reference up to what is stored, and says where the two differ. */
function advance(look: Look, header: Header, rows: readonly Row[], say: (problem: string) => void): Followed {
  const { subject, facts } = look
  const { graph } = facts
  const events = rows.filter((row) => row.outcome !== 'call' && !isReason(row)).map((row) => eventOf(row, rows))
  const state = { ...subject.state, attempts: failuresIn(subject.state.events) }
  const phase =
    state.open === null
      ? { mode: header.mode, delta: deltaOf(look, header.scope, events), ...operationOf(header.scope, events) }
      : { mode: state.open.mode, delta: null }
  const observed = { found: { header, events }, ran: [], cutShort: true, eager: false, limit: Infinity }
  const followed = follow(graph, state, [phase], observed)
  for (const problem of followed.problems) say(problem)
  if (header.pass > 0 !== (followed.state.open !== null)) say(`scope ${header.scope} is open in pass ${header.pass}`)
  subject.state = followed.state
  return followed
}

function operationOf(scope: number, events: readonly Event[]): { readonly operation?: Asked } {
  for (const { scope: at, outcome, asks } of events) {
    if (at !== scope) continue
    if (outcome === 'restart' || outcome === 'cancelled') return { operation: { kind: outcome } }
    if (outcome === 'rerun') return { operation: { kind: outcome, builder: asks! } }
  }
  return {}
}

const isReason = (row: Row): boolean => row.builder === null && row.outcome === 'failed'

function failuresIn(events: readonly Event[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { builder, outcome } of events) {
    if (builder !== null && outcome === 'failed') counts.set(builder, (counts.get(builder) ?? 0) + 1)
  }
  return counts
}

/** As it was fed, transients included, which no store has. */
function deltaOf({ subject, facts }: Look, scope: number, events: readonly Event[]): Delta {
  const operation = facts.operations.find(({ number }) => number === subject.operations.get(scope))
  return events
    .filter((e) => e.scope === scope && e.outcome === 'fed')
    .map(({ data, value }) => ({
      name: data!,
      value: value === undefined ? operation!.delta.find(({ name }) => name === data)!.value : value,
    }))
}

function eventOf(row: Row, rows: readonly Row[]): FoundEvent {
  const { seq, scope, pass, builder, data, outcome, place, note, inputs } = row
  return {
    ...{ seq, scope, pass, data, value: valueOf(row), supply: place.startsWith('s:') },
    builder: outcome === 'rerun' ? null : builder,
    ...(outcome === 'rerun' && { asks: builder! }),
    outcome: outcome as Event['outcome'],
    reads: inputs.filter((input) => input > 0).map((input) => ({ data: rows[input - 1]?.data ?? '', seq: input })),
    ...(note?.awaits !== undefined && { awaits: note.awaits }),
  }
}

/** A scope that nobody may take up again (P11): what it got to stands, and is due. */
function giveUp({ now, subject }: Look, rows: readonly Row[]): void {
  const { state } = subject
  const events = rows
    .filter((row) => row.scope === now.scope && row.outcome !== 'call' && !isReason(row))
    .map((row) => eventOf(row, rows))
  const before = state.events.filter((e) => e.scope < now.scope)
  subject.state = { ...state, events: [...before, ...events], scope: now.scope, failed: true, open: null }
}

function countScope({ now, facts }: Look, rows: readonly Row[]): void {
  const { count, graph } = facts
  const { spec } = graph
  const has = (holds: (row: Row) => boolean): boolean => rows.some(holds)
  const ranOne = (which: (b: BuilderSpec) => boolean): boolean =>
    spec.builders.some((b) => which(b) && has((row) => row.builder === b.name))
  count(spec.durability === 'builder' ? 'durability builder' : 'durability scope')
  count(now.mode === 'sequential' ? 'sequential scope' : 'parallel scope')
  count(
    'pure',
    ranOne((b) => b.pure),
  )
  count(
    'once',
    ranOne((b) => b.once),
  )
  count(
    'transient',
    ranOne((b) => spec.transients.includes(b.produces)),
  )
  for (const outcome of ['supplied', 'nothing', 'waitFor'] as const)
    count(
      outcome,
      has((row) => row.outcome === outcome),
    )
  count(
    'throw',
    has((row) => row.outcome === 'failed' && row.builder !== null),
  )
  count(
    'restarted scope',
    has((row) => row.outcome === 'restart'),
  )
  count(
    'rerun scope',
    has((row) => row.outcome === 'rerun'),
  )
  count(
    'second pass',
    has((row) => row.pass > 1),
  )
  if (now.status === 'completed' || now.status === 'waiting' || now.status === 'cancelled') count(now.status)
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

/** P8: what is to happen once outside has one key, whoever tries; and a key stands for one thing. */
function checkKey(
  { graph, blame }: AuditFacts,
  keys: Map<string, string>,
  b: BuilderSpec,
  inputs: Inputs,
  key: string,
  { id, scope, pass }: HookInfo,
): void {
  if (graph.spec.durability === 'scope') return
  const run = `${key.split(':')[0]} ${scope} ${pass} ${b.name}`
  const known = keys.get(run)
  if (known !== undefined && known !== key) blame(`${run} ran as ${known} and as ${key}`)
  keys.set(run, key)
  // A `once` builder's key is for its product, whatever it is made of; a pure one has no effects to name.
  if (b.once || b.pure) return
  // A transient that was fed is gone with the process.
  const kept = [...b.consumes, ...b.optionals].filter((name) => !graph.spec.transients.includes(name))
  const seen = JSON.stringify(kept.map((name) => inputs[name]))
  const meant = keys.get(key)
  if (meant !== undefined && meant !== seen) blame(`${b.name} of ${id} ran with ${meant} and with ${seen} as ${key}`)
  keys.set(key, seen)
}

/** Whoever has effects outside is given only what no crash can take away. */
function checkDurable(
  { graph, blame }: AuditFacts,
  b: BuilderSpec,
  inputs: Inputs,
  { id, scope }: HookInfo,
  rows: readonly Row[],
): void {
  const { durability, transients, builders } = graph.spec
  if (durability === 'scope') return
  for (const name of [...b.consumes, ...b.optionals]) {
    if (!(name in inputs) || transients.includes(name)) continue
    const producer = builders.find((each) => each.produces === name)
    if (b.pure && producer?.pure === true) continue
    if (rows.some((row) => row.data === name && valueOf(row) === inputs[name])) continue
    blame(`${b.name} of ${id} ran in scope ${scope} with ${name}=${inputs[name]}, which is not stored`)
  }
}
