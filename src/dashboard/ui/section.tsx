import type { ComponentChildren } from 'preact'

interface SectionProps {
  readonly title: ComponentChildren
  readonly children: ComponentChildren
}

/** A part of a panel. */
export function Section({ title, children }: SectionProps) {
  return (
    <section class="section">
      <h3>{title}</h3>
      {children}
    </section>
  )
}
