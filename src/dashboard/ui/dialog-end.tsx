import { Words } from './text.tsx'

interface DialogEndProps {
  readonly problem: string | undefined
  /** What leaving is called. */
  readonly leave: string
  readonly onClose: () => void
  readonly verb: string
  readonly danger?: boolean
  readonly disabled: boolean
}

/** Where the form of a dialog ends: what went wrong, the way out, and what it does. */
export function DialogEnd({ problem, leave, onClose, verb, danger = false, disabled }: DialogEndProps) {
  return (
    <>
      {problem !== undefined && (
        <p class="field-problem" role="alert">
          <Words text={problem} />
        </p>
      )}
      <div class="confirm-end">
        <button type="button" class="button" onClick={onClose}>
          {leave}
        </button>
        <button type="submit" class={danger ? 'button danger-full' : 'button primary'} disabled={disabled}>
          {verb}
        </button>
      </div>
    </>
  )
}
