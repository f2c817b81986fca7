import type { Node, Slot } from '../../graph/graph.ts'
import type { Awaitable, Row } from '../../stores/contract.ts'
import { isThenable } from '../awaitable.ts'
import { invalidProduct, retold, rowError, threwUp } from '../failure.ts'
import type { Failure } from '../failure.ts'
import { copyBytes } from '../values/freeze.ts'
import { acceptProduct } from '../values/intake.ts'
import type { Accepted, Form } from '../values/intake.ts'
import type { Journal } from '../commit/journal.ts'
import type { Program, Step } from '../state/program.ts'
import type { State } from '../state/state.ts'
import { Refusal } from '../values/schema.ts'
import { brokenTimer, timerStatus } from './timers.ts'
import type { Due } from './timers.ts'

export interface FiringFacts {
  readonly program: Program
  readonly state: State
  readonly journal: Journal
  readonly scope: number
  readonly now: number
  readonly form: Form
}

/** The pass of a timer's row: like what was fed, it is there before the first one begins. */
const BEFORE_PASSES = 0

/** Has timers go off as a scope begins: what they produce is active in it, like what a caller fed. */
export class Firing {
  /** Nodes of those that went off. */
  readonly fired: number[] = []
  /** Of the first that could not. It does not keep the others, nor any builder, from running. */
  failure: Failure | undefined
  private readonly failed = new Set<number>()
  private readonly facts: FiringFacts

  constructor(facts: FiringFacts) {
    this.facts = facts
  }

  /** One after the other, in the order given; but for those that failed in this scope. */
  fire(due: readonly Due[]): Awaitable<void> {
    for (const [at, each] of due.entries()) {
      if (this.failed.has(each.node.index) || !this.isStillDue(each)) continue
      const accepted = this.make(each)
      if (isThenable(accepted)) {
        return accepted.then(
          (later) => this.goOn(each, later, due.slice(at + 1)),
          (error: unknown) => this.goOn(each, new Thrown(error), due.slice(at + 1)),
        )
      }
      this.take(each, accepted)
    }
    return undefined
  }

  /** One that went off before it may have set this one anew, or ended it. */
  private isStillDue({ node, at }: Due): boolean {
    const status = timerStatus(this.facts.state, node)
    return status.is === 'set' && status.at === at
  }

  private goOn(due: Due, accepted: unknown, rest: readonly Due[]): Awaitable<void> {
    this.take(due, accepted)
    return this.fire(rest)
  }

  /** What a timer produces; a {@link Refusal}, or what was thrown in a {@link Thrown}. */
  private make({ node, at, count }: Due): Awaitable<unknown> {
    const { program, state, form } = this.facts
    const { rule, after } = node.timer as NonNullable<Node['timer']>
    try {
      const elapsed = { at: new Date(at), count }
      const datum = state.value(after)
      const made =
        rule.value === undefined
          ? { at: elapsed.at }
          : rule.value(state.hasBytes(after) ? copyBytes(datum) : datum, elapsed)
      if (isThenable(made)) return new Thrown(new TypeError("'value' must answer at once, but gave a promise"))
      return acceptProduct(program.steps[node.index] as Step, made, false, form)
    } catch (error) {
      return new Thrown(error)
    }
  }

  private take(due: Due, accepted: unknown): void {
    const { node } = due
    const { journal, state } = this.facts
    if (accepted instanceof Thrown) this.fail(node, threwUp(journal.id, node, state.graph, accepted.error))
    else if (Refusal.is(accepted)) this.fail(node, invalidProduct(journal.id, node, state.graph, accepted))
    else this.produce(due, accepted as Accepted)
  }

  private produce({ node, at, count }: Due, { value, stored, bytes }: Accepted): void {
    const { program, state, journal, form } = this.facts
    const { place, data, outcome } = (program.steps[node.index] as Step).produced
    const repeats = node.timer?.rule.every !== undefined
    const about =
      (state.graph.slots[node.out] as Slot).about < 0 ? undefined : state.rows.get(node.timer?.after ?? -1)?.seq
    const note =
      repeats || about !== undefined ? { ...(repeats && { count }), ...(about !== undefined && { about }) } : null
    const row = this.row(node, { place, outcome, data, value, startedAt: at, note })
    journal.add(form === 'live' ? row : { ...row, value: stored })
    if (bytes) state.noteBytes(node.out)
    state.setDatum(node.out, value, row)
    this.fired.push(node.index)
  }

  /** Takes up a scope that a crash cut short: what could not go off in it stands in its rows. */
  recover(): void {
    const { state, scope, journal } = this.facts
    for (const [index, { scope: failedIn, note }] of state.timing?.failures ?? []) {
      if (failedIn !== scope || note?.error === undefined) continue
      this.failed.add(index)
      this.failure ??= retold(journal.id, state.graph.nodes[index] as Node, state.graph, note.error)
    }
  }

  /** A scope has ended. Only now it is known which timers it has set, and so whether each can tell its time. */
  conclude(run: { failure: Failure | undefined }): void {
    const { state, journal } = this.facts
    const broken = brokenTimer(state)
    if (broken !== undefined) this.fail(broken.node, threwUp(journal.id, broken.node, state.graph, broken.error))
    run.failure ??= this.failure
  }

  private fail(node: Node, failure: Failure): void {
    const { program, state, journal, now } = this.facts
    const { failed: place } = program.steps[node.index] as Step
    const note = { error: rowError(failure) }
    const row = this.row(node, { place, outcome: 'failed', data: null, value: undefined, startedAt: now, note })
    journal.add(row)
    state.timing?.failures.set(node.index, row)
    this.failed.add(node.index)
    this.failure ??= failure
  }

  private row(
    { name, timer }: Node,
    own: Pick<Row, 'place' | 'outcome' | 'data' | 'value' | 'startedAt' | 'note'>,
  ): Row {
    const { state, scope, now } = this.facts
    const set = state.rows.get(timer?.after ?? -1)
    return {
      ...own,
      seq: ++state.newest,
      scope,
      pass: BEFORE_PASSES,
      builder: name,
      inputs: [set?.seq ?? 0],
      endedAt: now,
    }
  }
}

class Thrown {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}
