import type { BuilderState, Status } from '../api/wire.ts'
import { Icon } from './icons.tsx'
import type { IconName } from './icons.tsx'

/** Colours by meaning; the styles have one of each for light and for dark. */
export type Tone = 'run' | 'wait' | 'warn' | 'bad' | 'good' | 'off' | 'idle'

export interface Look {
  readonly tone: Tone
  readonly icon: IconName
  readonly label: string
}

export const STATUSES: readonly Status[] = ['running', 'waiting', 'retrying', 'failed', 'completed', 'cancelled']
/** Of those that can still move. */
export const OPEN_STATUSES: readonly Status[] = ['running', 'waiting', 'retrying', 'failed']

export const STATUS_LOOKS: Readonly<Record<Status, Look>> = {
  running: { tone: 'run', icon: 'play', label: 'Running' },
  waiting: { tone: 'wait', icon: 'pause', label: 'Waiting' },
  retrying: { tone: 'warn', icon: 'retry', label: 'Retrying' },
  failed: { tone: 'bad', icon: 'alert', label: 'Failed' },
  completed: { tone: 'good', icon: 'check', label: 'Completed' },
  cancelled: { tone: 'off', icon: 'stop', label: 'Cancelled' },
}

export type NodeState = BuilderState | 'running' | 'present' | 'awaited' | 'missing' | 'set' | 'ended' | 'held'

export const STATE_LOOKS: Readonly<Record<NodeState, Look>> = {
  running: { tone: 'run', icon: 'play', label: 'Running' },
  done: { tone: 'good', icon: 'check', label: 'Done' },
  nothing: { tone: 'off', icon: 'minus', label: 'Gave nothing' },
  waitFor: { tone: 'wait', icon: 'pause', label: 'Waits' },
  settled: { tone: 'warn', icon: 'alert', label: 'Failed, taken as data' },
  due: { tone: 'run', icon: 'clock', label: 'Due' },
  failed: { tone: 'bad', icon: 'alert', label: 'Failed' },
  retrying: { tone: 'warn', icon: 'retry', label: 'Retrying' },
  lacking: { tone: 'idle', icon: 'dot', label: 'Lacks data' },
  idle: { tone: 'idle', icon: 'dot', label: 'Not reached' },
  present: { tone: 'good', icon: 'check', label: 'There' },
  awaited: { tone: 'wait', icon: 'pause', label: 'Waited for' },
  missing: { tone: 'idle', icon: 'dot', label: 'Not there' },
  set: { tone: 'wait', icon: 'clock', label: 'Set' },
  ended: { tone: 'off', icon: 'minus', label: 'Ended' },
  held: { tone: 'off', icon: 'pause', label: 'Held' },
}

export function Pill({ look: { tone, icon, label } }: { readonly look: Look }) {
  return (
    <span class={`pill tone-${tone}`}>
      <Icon name={icon} />
      {label}
    </span>
  )
}

export function StatusPill({ status }: { readonly status: Status }) {
  return <Pill look={STATUS_LOOKS[status] ?? STATUS_LOOKS.cancelled} />
}
