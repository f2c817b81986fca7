import type { Awaitable, Change, DataStore, Header, Written } from '../../stores/contract.ts'
import { isThenable } from '../awaitable.ts'
import { Batches } from './batches.ts'
import type { Clock } from '../clock.ts'

/** `doubtful`: an earlier attempt was not answered, and may have stood until another process went on from there, or removed it. */
export type Committed =
  | Extract<Written, { readonly ok: true }>
  | { readonly ok: false; readonly doubtful: boolean; readonly removed: boolean }

/** Writes changes, those of concurrent instances together. */
export class Committer {
  private readonly store: DataStore
  private readonly batches: Batches<Change, Written>
  /** Those that were sent without an answer. */
  private readonly unanswered = new WeakSet<Change>()

  constructor(store: DataStore, clock: Clock) {
    this.store = store
    const send = (changes: readonly Change[]): Promise<readonly Written[]> => this.send(changes)
    this.batches = new Batches({ clock, lanes: store.lanes ?? 1, idOf, send })
  }

  /**
   * The answer is there at once where the store keeps nothing that outlives the process.
   *
   * @throws what the store threw, or refused the change with
   */
  commit(change: Change): Awaitable<Committed> {
    if (this.store.capabilities.durable) return this.commitInBatch(change)
    const written = this.store.write([change])
    return isThenable(written) ? judgeLater(change, written) : judge(change, written[0] as Written, false)
  }

  private commitInBatch(change: Change): Promise<Committed> {
    return this.batches.add(change).then((written) => judge(change, written, this.unanswered.has(change)))
  }

  private async send(changes: readonly Change[]): Promise<readonly Written[]> {
    try {
      return await this.store.write(changes)
    } catch (error) {
      for (const change of changes) this.unanswered.add(change)
      throw error
    }
  }
}

function idOf({ header }: Change): string {
  return header.id
}

async function judgeLater(change: Change, written: PromiseLike<readonly Written[]>): Promise<Committed> {
  return judge(change, (await written)[0] as Written, false)
}

function judge(change: Change, written: Written, unanswered: boolean): Committed {
  if ('error' in written) throw written.error
  if (written.ok) return written
  const { current } = written
  if (stands(change, current)) return { ok: true, mailAppended: current.mailAppended, cancelling: current.cancelling }
  const removed = wasRemoved(change, current)
  return { ok: false, doubtful: unanswered && (removed || mayHaveStood(change, current)), removed }
}

/** Whether the change that lost its compare is the very one that stands: only the answer to it was lost. Without a token, none was. */
function stands({ header }: Change, current: Header | undefined): current is Header {
  return (
    header.token !== '' &&
    current !== undefined &&
    current.token === header.token &&
    current.incarnation === header.incarnation
  )
}

/** Whether the instance that a change is of is no more: with it went the record of its request. */
function wasRemoved({ expected, header }: Change, current: Header | undefined): boolean {
  const isMine = current?.incarnation === header.incarnation
  // Where a change has just made the instance, only its tombstone can tell.
  if (isMine) return current.status === 'deleted'
  return expected?.incarnation === header.incarnation
}

/** Whether the scope of a change that lost has been begun: by it, or by another of the same number. */
function mayHaveStood({ header }: Change, current: Header | undefined): boolean {
  return current !== undefined && current.incarnation === header.incarnation && current.scope >= header.scope
}
