import type { ComponentChildren } from 'preact'
import { go } from '../router.ts'

interface TabsProps {
  readonly label: string
  readonly tabs: readonly (readonly [name: string, title: string])[]
  readonly current: string
  readonly to: (name: string) => string
  readonly children: ComponentChildren
}

/** Tabs that are places: each has a URL. Arrow keys move between them. */
export function Tabs({ label, tabs, current, to, children }: TabsProps) {
  const move = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    const at = tabs.findIndex(([name]) => name === current)
    const [next] = tabs[(at + step + tabs.length) % tabs.length] ?? []
    if (next === undefined) return
    go(to(next), true)
    document.getElementById(`tab-${next}`)?.focus()
  }
  return (
    <section class="tabs">
      <div class="tab-list" role="tablist" aria-label={label} onKeyDown={move}>
        {tabs.map(([name, title]) => (
          <a
            key={name}
            id={`tab-${name}`}
            role="tab"
            href={to(name)}
            aria-selected={name === current}
            aria-controls="tab-panel"
            tabIndex={name === current ? 0 : -1}
          >
            {title}
          </a>
        ))}
      </div>
      <div class="tab-panel" id="tab-panel" role="tabpanel" aria-labelledby={`tab-${current}`} tabIndex={0}>
        {children}
      </div>
    </section>
  )
}
