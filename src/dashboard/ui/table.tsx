import type { ComponentChildren } from 'preact'

interface Column {
  readonly title: ComponentChildren
  readonly class?: string
}

interface TableProps {
  /** What it lists, for screen readers. */
  readonly label: string
  readonly columns: readonly Column[]
  readonly class?: string
  readonly children: ComponentChildren
}

/** Scrolls sideways within itself where it is too wide, with the keyboard too. */
export function Table({ label, columns, class: more = '', children }: TableProps) {
  return (
    <div class="scroll" role="region" tabIndex={0} aria-label={label}>
      <table class={`table ${more}`}>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={index} scope="col" class={column.class}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
