import type { Node, Slot } from '../../graph/graph.ts'
import { timerText } from '../../graph/render.ts'
import type { RowNote } from '../../stores/contract.ts'
import { messageOf } from '../failure.ts'
import type { State } from '../state/state.ts'
import { goesOn, timerStatus } from '../scope/timers.ts'

/** A timer that is to go off by itself. */
export interface PendingTimer {
  readonly name: string
  /** Name of the data it produces. */
  readonly produces: string
  /** When (ms since the epoch). */
  readonly at: number
}

/** How a timer of an instance stands. */
export interface TimerExplanation {
  readonly name: string
  /** Name of the data it produces. */
  readonly produces: string
  /** In words: `'10m after RideRequested'`. */
  readonly when: string
  /**
   * `idle`: the datum that sets it is not there, or sets none. `set`: it goes off `at` its time. `ended`: something came first.
   * `done`: it went off as often as it was to. `failed`: it could not go off, or its time cannot be told: the next call or
   * `resume` tries again. `held`: it is set, but the instance does nothing by itself until somebody resumes it.
   */
  readonly state: 'idle' | 'set' | 'ended' | 'done' | 'failed' | 'held'
  /** When it goes off, or was to (ms since the epoch). */
  readonly at?: number
  /** How often it has gone off since the datum that set it came. */
  readonly count: number
  /** Name of the data that ended it. */
  readonly endedBy?: string
  readonly error?: NonNullable<RowNote['error']>
}

export function pendingTimers(state: State): PendingTimer[] {
  return state.graph.timers
    .map((index) => explainTimer(state, state.graph.nodes[index] as Node))
    .filter((timer): timer is TimerExplanation & { readonly at: number } => timer.state === 'set')
    .map(({ name, produces, at }) => ({ name, produces, at }))
    .sort((a, b) => a.at - b.at)
}

export function explainTimer(state: State, node: Node): TimerExplanation {
  const { slots } = state.graph
  const produces = (slots[node.out] as Slot).name
  const base = { name: node.name, produces, when: node.timer === undefined ? '' : timerText(node.timer.rule), count: 0 }
  const status = timerStatus(state, node)
  switch (status.is) {
    case 'idle':
      return { ...base, state: 'idle' }
    case 'ended':
      return { ...base, state: 'ended', count: status.count, endedBy: (slots[status.by] as Slot).name }
    case 'done':
      return { ...base, state: 'done', count: status.count }
    case 'broken':
      return { ...base, state: 'failed', error: { name: 'Thrown', message: messageOf(status.error) } }
    case 'set': {
      const { at, count, failed } = status
      const error = failed?.note?.error
      const held = !goesOn(state)
      const stands = failed !== undefined ? 'failed' : held ? 'held' : 'set'
      return { ...base, state: stands, at, count: count - 1, ...(error !== undefined && { error }) }
    }
  }
}
