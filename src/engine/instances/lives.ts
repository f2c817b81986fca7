import type { Change, DataStore } from '../../stores/contract.ts'
import { expectedOf } from '../commit/journal.ts'
import { hasMail } from '../mail/backlog.ts'
import type { Driver } from './driver.ts'
import { copyHistory, forkChange } from './fork.ts'
import { readLiving } from './living.ts'
import { bodyOf } from '../mail/mail.ts'
import type { Mailbox } from '../mail/mailbox.ts'
import type { Operation, WithReason } from './operation.ts'
import { checkExpectation, notFound, overtaken } from '../refusals.ts'
import type { Registry } from './registry.ts'
import type { Remover } from './removal.ts'
import type { StoreClock } from '../store-clock.ts'
import { versionAt } from '../state/standing.ts'
import type { WarmOnes } from './warm.ts'

export interface LivesFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly clock: StoreClock
  readonly driver: Driver
  readonly mailbox: Mailbox
  readonly remover: Remover
  readonly warm: WarmOnes
}

/** Names the mail that asks to cancel. No caller can: their names have no control characters. */
const CANCEL_REQUEST = '\u0001cancel'
/** So often may somebody get in between a look at an instance and its removal before that is given up. */
const ATTEMPTS = 20

/** What is done to instances from outside, and not by feeding them: copies them, ends them, removes them. */
export class Lives {
  private readonly facts: LivesFacts
  /** Ids whose mail is being looked at. */
  private readonly looking = new Set<string>()
  private readonly underWay = new Set<Promise<unknown>>()

  constructor(facts: LivesFacts) {
    this.facts = facts
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.underWay)
  }

  /** What {@link idle} waits for, until it is through with. */
  track<T>(doing: Promise<T>): Promise<T> {
    const done = doing.finally(() => this.underWay.delete(done))
    this.underWay.add(done)
    return done
  }

  /**
   * Copies an instance under another id.
   *
   * @throws `INSTANCE_NOT_FOUND`, `INSTANCE_EXISTS`, `VERSION_NOT_SERVED`, `OPTION_INVALID`
   */
  fork(id: string, newId: string, options: { readonly at: number } & WithReason): Promise<void> {
    return this.track(this.copy(id, newId, options))
  }

  private async copy(id: string, newId: string, { at, reason }: { readonly at: number } & WithReason): Promise<void> {
    const { store, registry, clock } = this.facts
    await clock.ready()
    const header = (await readLiving(store, id))?.header
    // What only waits in the mailbox is not part of the copy.
    if (header === undefined || header.rows === 0) throw notFound(id)
    const copied = await copyHistory(store, header, at)
    const version = await versionAt(store, header, copied.rows.at(-1)?.seq ?? 0)
    const served = registry.serving(id, header.workflow, version)
    if ((await store.read(id))?.header.incarnation !== header.incarnation) throw notFound(id)
    const change = forkChange(
      served,
      this.facts.driver.draft(newId, served),
      id,
      copied,
      reason,
      this.facts.driver.decode,
    )
    let expected: Change['expected'] = null
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (await this.facts.driver.insert({ ...change, expected })) return
      const taken = (await store.read(newId))?.header
      // The answer to it was lost, and others have gone on from there (P2).
      if (taken?.incarnation === change.header.incarnation) return
      // Who names an id that was removed begins it anew on purpose.
      if (taken?.status === 'deleted') expected = expectedOf(taken, true)
      else checkExpectation({ id: newId, expect: 'new', resume: false }, header.workflow, taken)
    }
    throw overtaken(newId)
  }

  /**
   * Cancels an instance, and waits until that is done. To ask twice is harmless.
   *
   * @throws `INSTANCE_NOT_FOUND`, `VERSION_NOT_SERVED`
   */
  cancel(id: string, operation: Operation, meta: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    return this.track(this.end(id, operation, meta))
  }

  private async end(
    id: string,
    operation: Operation,
    meta: Readonly<Record<string, unknown>> | undefined,
  ): Promise<void> {
    const { store, registry, clock } = this.facts
    await clock.ready()
    const header = (await readLiving(store, id))?.header
    if (header === undefined) throw notFound(id)
    const served = registry.serving(id, header.workflow, header.version)
    const body = bodyOf(served, [], meta, operation, this.facts.driver.form)
    const appended = await this.facts.mailbox.append({
      header: this.facts.driver.draft(id, served),
      expect: 'existing',
      cancels: true,
      mail: { requestId: CANCEL_REQUEST, mode: 'parallel', hash: '', body, appendedAt: clock.now() },
    })
    const refused = !appended.ok && 'current' in appended ? appended.current : undefined
    if (refused?.status === 'cancelled') return
    const seq = appended.ok ? appended.seq : 'known' in appended ? appended.known.seq : (refused?.cancelling ?? 0)
    if (seq === 0) throw notFound(id)
    this.facts.driver.cancelRun(id)
    // What is at hand says that there is no mail, and the next call would believe it.
    this.facts.warm.drop(id)
    await this.facts.mailbox.wait(id, { seq, requestId: CANCEL_REQUEST }, { hooks: {}, limit: Infinity }, undefined)
  }

  /**
   * Removes an instance with all it has; one that is worked on, or for which something waits, is cancelled first.
   *
   * @throws `INSTANCE_NOT_FOUND`, `VERSION_NOT_SERVED` for one that has to be cancelled
   */
  delete(id: string): Promise<void> {
    return this.track(this.remove(id))
  }

  private async remove(id: string): Promise<void> {
    await this.facts.clock.ready()
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const header = (await readLiving(this.facts.store, id))?.header
      if (header === undefined) throw notFound(id)
      const rests = header.pass === 0 && header.holder === null && !hasMail(header)
      if (!rests) await this.cancel(id, { kind: 'cancel', reason: 'to be deleted' }, undefined)
      else if (await this.facts.remover.remove(header)) {
        this.facts.warm.drop(id)
        return
      }
    }
    throw overtaken(id)
  }

  /** Something came into a mailbox: a scope under way need not go on if it is that somebody cancels the instance. */
  async noticed(id: string): Promise<void> {
    if (!this.facts.driver.isRunning(id) || this.looking.has(id)) return
    this.looking.add(id)
    try {
      const mail = await this.facts.store.request(id, CANCEL_REQUEST)
      if (mail?.handledAt === null) this.facts.driver.cancelRun(id)
    } catch {
      // Its next commit or renewal tells as well.
    } finally {
      this.looking.delete(id)
    }
  }
}
