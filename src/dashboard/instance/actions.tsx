/** What can be done to an instance. Each says first what will run again. */
import { useState } from 'preact/hooks'
import type { Shown } from '../pages/instance.tsx'
import { Icon } from '../ui/icons.tsx'
import type { IconName } from '../ui/icons.tsx'
import { Confirm, post } from './confirm.tsx'
import type { ActionDialogProps } from './confirm.tsx'
import { Ahead, OnceWarning, useAhead } from './ahead.tsx'
import { ForkDialog, UpgradeDialog } from './moves.tsx'

type Action = 'resume' | 'restart' | 'cancel' | 'fork' | 'upgrade'

const ACTIONS: readonly { readonly name: Action; readonly title: string; readonly icon: IconName }[] = [
  { name: 'resume', title: 'Resume', icon: 'play' },
  { name: 'restart', title: 'Restart', icon: 'retry' },
  { name: 'fork', title: 'Fork', icon: 'fork' },
  { name: 'upgrade', title: 'Upgrade', icon: 'arrow' },
  { name: 'cancel', title: 'Cancel', icon: 'stop' },
]

export function Actions({ shown }: { readonly shown: Shown }) {
  const [open, setOpen] = useState<Action | undefined>(undefined)
  const close = (): void => setOpen(undefined)
  const { status } = shown.seen.instance
  const dead = status === 'cancelled'
  const over = status === 'completed'
  const hidden = (name: Action): boolean =>
    (dead && name !== 'fork') || (over && (name === 'resume' || name === 'upgrade'))
  return (
    <>
      {ACTIONS.filter(({ name }) => !hidden(name)).map(({ name, title, icon }) => (
        <button
          key={name}
          type="button"
          onClick={() => setOpen(name)}
          class={
            name === 'resume' && status === 'failed' ? 'button primary' : name === 'cancel' ? 'button danger' : 'button'
          }
        >
          <Icon name={icon} />
          {title}
        </button>
      ))}
      {open === 'resume' && <ResumeDialog shown={shown} onClose={close} />}
      {open === 'restart' && <RestartDialog shown={shown} onClose={close} />}
      {open === 'cancel' && <CancelDialog shown={shown} onClose={close} />}
      {open === 'fork' && <ForkDialog shown={shown} onClose={close} />}
      {open === 'upgrade' && <UpgradeDialog shown={shown} onClose={close} />}
    </>
  )
}

export function RerunButton({ shown, builder }: { readonly shown: Shown; readonly builder: string }) {
  const [open, setOpen] = useState(false)
  if (shown.seen.instance.status === 'cancelled') return null
  return (
    <section class="section">
      <button type="button" class="button" onClick={() => setOpen(true)}>
        <Icon name="retry" />
        Rerun
      </button>
      {open && <RerunDialog shown={shown} builder={builder} onClose={() => setOpen(false)} />}
    </section>
  )
}

function ResumeDialog({ shown, onClose }: ActionDialogProps) {
  const ahead = useAhead(shown, { operation: 'resume' })
  return (
    <Confirm shown={shown} onClose={onClose} title="Resume" verb="Resume" act={() => post(shown, 'resume')}>
      <Ahead of={ahead} nothing="Nothing is due, so nothing will run: it goes on when it is fed." />
    </Confirm>
  )
}

function RestartDialog({ shown, onClose }: ActionDialogProps) {
  const [reason, setReason] = useState('')
  const ahead = useAhead(shown, { operation: 'restart' })
  const act = (): Promise<unknown> => post(shown, 'restart', said(reason))
  return (
    <Confirm shown={shown} onClose={onClose} title="Restart" verb="Restart" danger act={act}>
      <p>It begins again from what was fed: all products count as absent.</p>
      <Ahead of={ahead} nothing="Nothing would run." />
      <OnceWarning shown={shown} names={ahead.data?.wouldRun} />
      <Reason value={reason} onChange={setReason} />
    </Confirm>
  )
}

function RerunDialog({ shown, builder, onClose }: ActionDialogProps & { readonly builder: string }) {
  const [reason, setReason] = useState('')
  const ahead = useAhead(shown, { operation: 'rerun', builder })
  const act = (): Promise<unknown> => post(shown, 'rerun', { builder, ...said(reason) })
  return (
    <Confirm shown={shown} onClose={onClose} title={`Rerun ${builder}`} verb="Rerun" act={act}>
      <Ahead of={ahead} nothing="Nothing would run: it lacks data." />
      <OnceWarning shown={shown} names={ahead.data?.wouldRun} />
      <Reason value={reason} onChange={setReason} />
    </Confirm>
  )
}

function CancelDialog({ shown, onClose }: ActionDialogProps) {
  const [reason, setReason] = useState('')
  const [compensate, setCompensate] = useState(false)
  return (
    <Confirm
      shown={shown}
      onClose={onClose}
      title="Cancel for good"
      verb="Cancel the instance"
      danger
      act={() => post(shown, 'cancel', { ...said(reason), ...(compensate && { compensate }) })}
    >
      <p>
        Nothing will run any more, and nothing can be fed. What is under way is told to stop. This cannot be taken back.
      </p>
      <label class="check">
        <input type="checkbox" checked={compensate} onChange={(event) => setCompensate(event.currentTarget.checked)} />
        Undo what its builders have done, where they know how
      </label>
      <Reason value={reason} onChange={setReason} />
    </Confirm>
  )
}

function said(reason: string): { readonly reason?: string } {
  return reason.trim() === '' ? {} : { reason: reason.trim() }
}

function Reason({ value, onChange }: { readonly value: string; readonly onChange: (text: string) => void }) {
  return (
    <label class="field">
      <span class="field-name">
        Reason<span class="field-optional"> optional, kept in the history</span>
      </span>
      <input type="text" value={value} maxLength={500} onInput={(event) => onChange(event.currentTarget.value)} />
    </label>
  )
}
