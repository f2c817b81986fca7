import { isPolarisError, PolarisError } from '../../graph/errors.ts'
import type { Append, Appended, DataStore, Mail } from '../../stores/contract.ts'
import { Batches } from '../commit/batches.ts'
import { lookAfter, steady } from '../clock.ts'
import type { Clock } from '../clock.ts'
import type { Hooks } from '../scope/hooks.ts'
import { closed } from '../refusals.ts'
import type { ScopeResult } from '../scope/result.ts'

/** How the scope of a delta ended. */
export type Answer = { readonly result: ScopeResult } | { readonly error: unknown }

export interface MailboxFacts {
  readonly store: DataStore
  readonly clock: Clock
  /** For so long the store may be out of reach before those who wait are told, in milliseconds. */
  readonly patience: number
  /** Works on an instance, if it is due and nobody here does so already. */
  readonly help: (id: string, helper: Helper) => Promise<void>
  /** What a caller is told from a record. Rejects with what the call is to reject with. */
  readonly replay: (id: string, mail: Mail) => Promise<ScopeResult>
}

/** With whose hooks a caller that waits works on the instance it waits for (P13). */
export interface Helper {
  readonly hooks: Hooks
  readonly limit: number
  /** Whether it is to begin no further scope. */
  readonly stopped?: () => boolean
}

/** Which mail of an instance. */
export type MailName = Pick<Mail, 'seq' | 'requestId'>

interface Waiter {
  readonly seq: number
  /** Under the same number, a later instance of this id may have another's mail. */
  readonly requestId: string
  readonly helper: Helper
  readonly resolve: (result: ScopeResult) => void
  readonly reject: (error: Error) => void
}

/** An instance that callers of this process wait for. */
interface Watch {
  readonly id: string
  readonly waiters: Set<Waiter>
  looking: boolean
  /** Something may have happened while it was looked at. */
  again: boolean
  pause: number
  cancel: (() => void) | undefined
  /** Since when the store has been out of reach; 0 when it is not. */
  troubledSince: number
}

const SHORTEST_PAUSE_MS = 5
/** Where nobody tells when something happens. */
const LONGEST_PAUSE_MS = 50
/** Where the store tells, which it may fail to do. */
const LONGEST_TOLD_PAUSE_MS = 1_000
const PAGE = 256

/** Deltas on their way through the mailbox, and those who wait for what comes of them. */
export class Mailbox {
  private readonly facts: MailboxFacts
  private readonly appends: Batches<Append, Appended>
  /** Those that were sent without an answer. */
  private readonly unanswered = new WeakSet<Append>()
  private readonly watches = new Map<string, Watch>()
  private readonly onMail = new Set<(id: string) => void>()
  private unsubscribe: (() => void) | undefined
  private closed = false

  constructor(facts: MailboxFacts) {
    this.facts = facts
    const { clock, store } = facts
    const send = async (appends: readonly Append[]): Promise<readonly Appended[]> => {
      try {
        return await store.append(appends)
      } catch (error) {
        for (const append of appends) this.unanswered.add(append)
        throw error
      }
    }
    // One lane: the deltas of one caller keep their order.
    this.appends = new Batches({ clock, lanes: 1, idOf: ({ header }) => header.id, send })
  }

  /** @throws what the store throws, or refuses it with */
  async append(append: Append): Promise<Exclude<Appended, { readonly error: unknown }>> {
    const appended = await this.appends.add(append)
    if ('error' in appended) throw appended.error
    if (appended.ok) this.told(append.header.id)
    return appended
  }

  /** Whether an append may have stood before the one that was answered. */
  isInDoubt(append: Append): boolean {
    return this.unanswered.has(append)
  }

  /** Like {@link listen}, but only as long as others listen or wait: it alone does not make the store tell. */
  hear(onMail: (id: string) => void): void {
    this.onMail.add(onMail)
  }

  /** Calls back when mail may have come or been handled, anywhere; answers how to end it. */
  listen(onMail: (id: string) => void): () => void {
    this.subscribe()
    this.onMail.add(onMail)
    return () => this.onMail.delete(onMail)
  }

  /** Waits until the scope of a mail has ended, and works on the instance meanwhile if nobody else does. */
  wait(id: string, mail: MailName, helper: Helper, signal: AbortSignal | undefined): Promise<ScopeResult> {
    if (this.closed) return Promise.reject(closed())
    this.subscribe()
    return new Promise((resolve, reject) => {
      const watch = this.watchOf(id)
      const give = (): void => {
        if (signal !== undefined) signal.removeEventListener('abort', giveUp)
        this.drop(watch, waiter)
      }
      const giveUp = (): void => {
        give()
        reject(gaveUpWaiting(id, signal?.reason))
      }
      const waiter: Waiter = {
        ...mail,
        helper,
        resolve: (result) => {
          give()
          resolve(result)
        },
        reject: (error) => {
          give()
          reject(error)
        },
      }
      watch.waiters.add(waiter)
      signal?.addEventListener('abort', giveUp, { once: true })
      if (signal?.aborted === true) giveUp()
      else this.lookNow(watch)
    })
  }

  /** A scope has ended in this process: whoever waits for it here need not ask the store. */
  settled(id: string, { seq, requestId }: Partial<MailName> & Pick<MailName, 'seq'>, answer: Answer): void {
    const watch = this.watches.get(id)
    if (watch === undefined) return
    for (const waiter of [...watch.waiters]) {
      if (waiter.seq !== seq || (requestId !== undefined && waiter.requestId !== requestId)) continue
      if ('result' in answer) waiter.resolve(answer.result)
      else waiter.reject(answer.error as Error)
    }
  }

  close(): void {
    this.closed = true
    this.unsubscribe?.()
    for (const { waiters } of [...this.watches.values()]) {
      for (const waiter of [...waiters]) waiter.reject(closed())
    }
  }

  private subscribe(): void {
    if (this.closed) return
    this.unsubscribe ??= this.facts.store.subscribe?.((id) => this.told(id))
  }

  private told(id: string): void {
    for (const listener of this.onMail) listener(id)
    const watch = this.watches.get(id)
    if (watch !== undefined) this.lookNow(watch)
  }

  private watchOf(id: string): Watch {
    let watch = this.watches.get(id)
    if (watch === undefined) {
      watch = {
        ...{ id, waiters: new Set<Waiter>(), looking: false, again: false },
        ...{ pause: SHORTEST_PAUSE_MS, cancel: undefined, troubledSince: 0 },
      }
      this.watches.set(id, watch)
    }
    return watch
  }

  private drop(watch: Watch, waiter: Waiter): void {
    watch.waiters.delete(waiter)
    if (watch.waiters.size > 0) return
    watch.cancel?.()
    if (this.watches.get(watch.id) === watch) this.watches.delete(watch.id)
  }

  private lookNow(watch: Watch): void {
    watch.again = true
    if (watch.looking) return
    watch.cancel?.()
    watch.cancel = undefined
    watch.pause = SHORTEST_PAUSE_MS
    void this.look(watch)
  }

  /** Never rejects. */
  private async look(watch: Watch): Promise<void> {
    watch.looking = true
    while (watch.again && watch.waiters.size > 0) {
      watch.again = false
      try {
        await this.resolveHandled(watch)
        const [first] = watch.waiters
        if (first !== undefined) await this.facts.help(watch.id, first.helper)
        watch.troubledSince = 0
      } catch (error) {
        this.bear(watch, error)
      }
    }
    watch.looking = false
    if (watch.waiters.size === 0) return
    watch.cancel = lookAfter(this.facts.clock, watch.pause, () => {
      watch.cancel = undefined
      watch.again = true
      void this.look(watch)
    })
    const longest = this.unsubscribe === undefined ? LONGEST_PAUSE_MS : LONGEST_TOLD_PAUSE_MS
    watch.pause = Math.min(watch.pause * 2, longest)
  }

  private async resolveHandled({ id, waiters }: Watch): Promise<void> {
    // Who comes while the mail is read may wait for an earlier one, which is not among it.
    const asking = [...waiters]
    if (asking.length === 0) return
    const first = Math.min(...asking.map(({ seq }) => seq))
    const mails = await this.facts.store.mail(id, { after: first - 1, limit: PAGE })
    const known = new Map(mails.map((mail) => [mail.seq, mail]))
    const last = mails.at(-1)?.seq ?? Infinity
    for (const waiter of asking) {
      const mail = known.get(waiter.seq)
      if (mail === undefined || mail.requestId !== waiter.requestId) {
        if (mail !== undefined || waiter.seq < last) waiter.reject(forgotten(id))
      } else if (mail.outcome !== null) {
        await this.facts.replay(id, mail).then(waiter.resolve, (error: Error) => {
          if (isPolarisError(error, 'STORE_UNAVAILABLE')) throw error
          waiter.reject(error)
        })
      }
    }
  }

  /** Those who wait are told of trouble that lasts; what they fed stays in the mailbox. */
  private bear(watch: Watch, error: unknown): void {
    const now = steady(this.facts.clock)
    // Who has taken the instance over goes on with what they wait for.
    if (isPolarisError(error, 'LEASE_LOST')) return
    if (isPolarisError(error, 'STORE_UNAVAILABLE')) {
      if (watch.troubledSince === 0) watch.troubledSince = now
      if (now - watch.troubledSince < this.facts.patience) return
    }
    for (const waiter of [...watch.waiters]) waiter.reject(error as Error)
  }
}

function gaveUpWaiting(id: string, reason: unknown): PolarisError {
  const message = `The caller gave up on '${id}'. What it fed waits in the mailbox and will be handled.`
  return new PolarisError('ABORTED', message, { cause: reason })
}

function forgotten(id: string): PolarisError {
  return new PolarisError('INSTANCE_NOT_FOUND', `'${id}', or the record of this call on it, was deleted meanwhile.`)
}
