import type { ComponentChildren } from 'preact'
import { Icon } from './icons.tsx'

interface PanelHeadProps {
  /** Left out where the panel is what stands there otherwise. */
  readonly onClose?: (() => void) | undefined
  readonly children: ComponentChildren
}

/** What a panel beside a graph is about. */
export function PanelHead({ onClose, children }: PanelHeadProps) {
  return (
    <header class="panel-head">
      {children}
      {onClose && (
        <button type="button" class="button quiet square panel-close" aria-label="Close" onClick={onClose}>
          <Icon name="cross" />
        </button>
      )}
    </header>
  )
}
