/** What can be done to an instance. Each says first what will run again. */
import { useState } from 'preact/hooks'
import type { Shown } from '../pages/instance.tsx'
import { Icon } from '../ui/icons.tsx'
import type { IconName } from '../ui/icons.tsx'
import { Name, plural } from '../ui/text.tsx'
import { Confirm, Names, post } from './confirm.tsx'
import type { ActionDialogProps } from './confirm.tsx'
import { runsAgain } from './faces.ts'
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
  const hidden = (name: Action): boolean => (dead && name !== 'fork') || (name === 'resume' && status === 'completed')
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
  const { graph, seen } = shown
  const due = seen.explained.builders
    .filter(({ state }) => ['due', 'failed', 'retrying'].includes(state))
    .map(({ name }) => name)
  const after = runsAgain(graph, due).filter((name) => !due.includes(name))
  return (
    <Confirm shown={shown} onClose={onClose} title="Resume" verb="Resume" act={() => post(shown, 'resume')}>
      {due.length === 0 ? (
        <p>Nothing is due, so nothing will run: it goes on when it is fed.</p>
      ) : (
        <>
          <p>{plural(due.length, 'builder')} will run:</p>
          <Names names={due} />
          {after.length > 0 && <p>And then, as far as their data come, what depends on them:</p>}
          {after.length > 0 && <Names names={after} />}
        </>
      )}
    </Confirm>
  )
}

function RestartDialog({ shown, onClose }: ActionDialogProps) {
  const { graph, plan } = shown
  const [reason, setReason] = useState('')
  const once = plan.builders.filter(({ once }) => once).map(({ name }) => name)
  const all = graph.nodes.filter(({ kind }) => kind === 'builder').map(({ name }) => name)
  return (
    <Confirm
      shown={shown}
      onClose={onClose}
      title="Restart"
      verb="Restart"
      danger
      act={() => post(shown, 'restart', said(reason))}
    >
      <p>
        It begins again from what was fed. All products count as absent, and {plural(all.length, 'builder')} will run as
        far as the data reach:
      </p>
      <Names names={all} />
      {once.length > 0 && (
        <p class="warning">
          <Icon name="alert" />
          <span>
            Among them are builders that run once only, with new idempotency keys:{' '}
            <Name strong text={once.join(', ')} />. What they did, they may do a second time.
          </span>
        </p>
      )}
      <Reason value={reason} onChange={setReason} />
    </Confirm>
  )
}

function RerunDialog({ shown, builder, onClose }: ActionDialogProps & { readonly builder: string }) {
  const { graph, plan } = shown
  const [reason, setReason] = useState('')
  const after = runsAgain(graph, [builder]).filter((name) => name !== builder)
  const once = plan.builders.find(({ name }) => name === builder)?.once === true
  return (
    <Confirm
      shown={shown}
      onClose={onClose}
      title={`Rerun ${builder}`}
      verb="Rerun"
      danger={once}
      act={() => post(shown, 'rerun', { builder, ...said(reason) })}
    >
      <p>
        <Name strong text={builder} /> will run again
        {after.length > 0
          ? `, and then the ${plural(after.length, 'builder')} that depend on it, as far as the data reach:`
          : '. Nothing depends on it.'}
      </p>
      {after.length > 0 && <Names names={after} />}
      {once && (
        <p class="warning">
          <Icon name="alert" />
          <span>
            It runs once only, unless told to: what it did, it may do a second time, with a new idempotency key.
          </span>
        </p>
      )}
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
