import type { Append, DataStore, Mail } from '../../stores/contract.ts'
import type { Clock } from '../clock.ts'
import { Overtaken } from '../commit/journal.ts'
import type { Backlog } from '../mail/backlog.ts'
import { bodyOf, hashOf } from '../mail/mail.ts'
import type { Mailbox } from '../mail/mailbox.ts'
import { checkExpectation, checkWorkflow, overtaken, startInDoubt, transientMustWait } from '../refusals.ts'
import { bindDelta } from '../state/about.ts'
import type { AcceptedDatum } from '../values/intake.ts'
import { anew, sameRequest } from './call.ts'
import type { Call, Waiting } from './call.ts'
import type { Driver } from './driver.ts'
import { checkGrave } from './graves.ts'
import type { Served } from './registry.ts'
import { readLiving } from './living.ts'

export interface PostingFacts {
  readonly store: DataStore
  readonly clock: Clock
  /** Makes names for requests that have none. */
  readonly ids: () => string
  readonly driver: Driver
  readonly mailbox: Mailbox
  readonly backlog: Backlog
}

/** Puts deltas into the mailbox. */
export class Posting {
  private readonly facts: PostingFacts

  constructor(facts: PostingFacts) {
    this.facts = facts
  }

  /** Throws {@link Overtaken} where it is to be tried again. */
  async append(call: Call, served: Served, delta: readonly AcceptedDatum[]): Promise<Waiting> {
    const { id, mode, meta, expect } = call
    const transient = delta.find(({ intake }) => intake.slot.transient)
    if (transient !== undefined) throw transientMustWait(id, transient.intake.slot.name)
    const { store, clock, ids, driver, mailbox } = this.facts
    const requestId = call.requestId ?? ids()
    const append: Append = {
      header: driver.draft(id, served),
      ...(call.resume ? { expect: 'existing' as const } : expect !== undefined && { expect }),
      mail: {
        requestId,
        mode,
        hash: call.requestId === undefined ? '' : hashOf(call.delta, call.operation),
        body: bodyOf(served, delta, meta, call.operation, driver.form),
        appendedAt: clock.now(),
      },
    }
    const appended = await mailbox.append(append)
    if (appended.ok) return { id, scope: appended.seq, requestId }
    if ('known' in appended) return this.again(call, served, appended.known)
    if (appended.current?.status === 'deleted') {
      checkGrave(call, appended.current)
      // It may have been handled before the instance was removed.
      if (mailbox.isInDoubt(append)) throw startInDoubt(id)
      if (await driver.insert(anew(append, appended.current))) return { id, scope: 1, requestId }
      // It may have stood, its answer been lost, and others have gone on from there (P2).
      const known = await store.request(id, requestId)
      if (known === undefined) throw new Overtaken()
      return this.again(call, served, known)
    }
    checkExpectation(call, served.program.graph.name, appended.current)
    throw overtaken(id)
  }

  /** Appends what is about other data: as it stands in the store, unless the same request is known already. */
  async appendBound(call: Call, served: Served, accepted: readonly AcceptedDatum[]): Promise<Waiting> {
    const { id, requestId } = call
    const { store, backlog, driver } = this.facts
    const known = requestId === undefined ? undefined : await store.request(id, requestId)
    if (known !== undefined) return this.again(call, served, known)
    const warm = await backlog.read(id)
    const state = warm?.state ?? driver.fresh(served).state
    return this.append(call, served, bindDelta(state, id, accepted, true))
  }
  /** The same request came before: what there is to wait for. Throws `REQUEST_CONFLICT`, `WORKFLOW_MISMATCH`. */
  private async again(call: Call, { program }: Served, known: Mail): Promise<Waiting> {
    const waiting = sameRequest(call, known)
    if (call.requestId === undefined) return waiting
    const header = (await readLiving(this.facts.store, call.id))?.header
    if (header !== undefined) checkWorkflow(call.id, program.graph.name, header)
    return waiting
  }
}
