/** The graph as a table: for those who read rather than look, and for narrow screens. */
import { builderId } from '../graph/model.ts'
import type { Face } from '../graph/view.tsx'
import type { Shown } from '../pages/instance.tsx'
import { Pill } from '../ui/status.tsx'
import { Table } from '../ui/table.tsx'
import { count, Name, Words } from '../ui/text.tsx'
import { Ago, took } from '../ui/time.tsx'
import { isRun, msOf } from './faces.ts'

interface BuildersProps {
  readonly shown: Shown
  readonly faces: ReadonlyMap<string, Face>
}

const COLUMNS = [
  { title: 'Builder' },
  { title: 'State' },
  { title: 'Makes' },
  { title: 'Why' },
  { title: 'Runs', class: 'right' },
  { title: 'Last took', class: 'right' },
  { title: 'Last ran', class: 'right' },
]

export function BuildersTable({ shown: { seen, plan, select }, faces }: BuildersProps) {
  const { entries, explained } = seen
  const told = new Map(explained.builders.map((builder) => [builder.name, builder]))
  return (
    <Table label="Builders" columns={COLUMNS}>
      {plan.builders.map(({ name, produces }) => {
        const runs = entries.filter((entry) => entry.builder === name && isRun(entry))
        const last = runs.at(-1)
        const face = faces.get(builderId(name))
        const { because, error, lacks = [] } = told.get(name) ?? {}
        return (
          <tr key={name}>
            <th scope="row">
              <button type="button" class="link" onClick={() => select(builderId(name))}>
                <Name text={name} />
              </button>
            </th>
            <td>{face && <Pill look={face.look} />}</td>
            <td>
              <Name text={produces} />
            </td>
            <td class="why">
              <Words
                text={
                  error?.message ??
                  because ??
                  (lacks.length > 0 ? `lacks ${lacks.map(({ data }) => data).join(', ')}` : '')
                }
              />
            </td>
            <td class="right num">{count(runs.length)}</td>
            <td class="right num">{last ? took(msOf(last)) : <span class="zero">–</span>}</td>
            <td class="right">{last ? <Ago iso={last.endedAt} /> : <span class="zero">–</span>}</td>
          </tr>
        )
      })}
    </Table>
  )
}
