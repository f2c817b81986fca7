/** What every action has in common: it says what would happen before it does. */
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { ask, at, isBuildersFault } from '../api/client.ts'
import type { Shown } from '../pages/instance.tsx'
import { DialogEnd } from '../ui/dialog-end.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { count, Name } from '../ui/text.tsx'

export interface ActionDialogProps {
  readonly shown: Shown
  readonly onClose: () => void
}

interface ConfirmProps extends ActionDialogProps {
  readonly title: string
  readonly verb: string
  readonly danger?: boolean
  readonly disabled?: boolean
  readonly act: () => Promise<unknown>
  readonly children: ComponentChildren
}

/** Says what would happen, does it when told to, and stays to say why it could not. */
export function Confirm({
  shown,
  onClose,
  title,
  verb,
  danger = false,
  disabled = false,
  act,
  children,
}: ConfirmProps) {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | undefined>(undefined)
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    setProblem(undefined)
    try {
      await act()
      onClose()
    } catch (error) {
      // The page behind the dialog says it better.
      if (isBuildersFault(error)) onClose()
      setProblem((error as Error).message)
      setBusy(false)
    }
    shown.reload()
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="confirm" onSubmit={(event) => void submit(event)}>
        {children}
        <DialogEnd
          problem={problem}
          leave="Leave it"
          onClose={onClose}
          verb={busy ? 'One moment …' : verb}
          danger={danger}
          disabled={busy || disabled}
        />
      </form>
    </Dialog>
  )
}

export function post<T = unknown>(shown: Shown, operation: string, body?: object): Promise<T> {
  return ask<T>(at(['instances', shown.seen.instance.id, operation]), {
    method: 'POST',
    ...(body !== undefined && { body }),
  })
}

const MOST_NAMES = 30

/** Names of builders, as many as one can take in. */
export function Names({ names }: { readonly names: readonly string[] }) {
  if (names.length === 0) return null
  return (
    <ul class="names">
      {names.slice(0, MOST_NAMES).map((name) => (
        <li key={name}>
          <Name text={name} />
        </li>
      ))}
      {names.length > MOST_NAMES && <li class="muted">and {count(names.length - MOST_NAMES)} more</li>}
    </ul>
  )
}
