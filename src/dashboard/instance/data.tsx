/** The data set: the newest datum of each data. */
import type { Entry } from '../api/wire.ts'
import type { Shown } from '../pages/instance.tsx'
import { Blank } from '../ui/states.tsx'
import { Name } from '../ui/text.tsx'
import { Ago } from '../ui/time.tsx'
import { Value } from '../ui/value.tsx'
import { nodeOfData } from './faces.ts'

export function DataTable({ shown }: { readonly shown: Shown }) {
  const { seen, graph, select } = shown
  const { instance, entries } = seen
  const names = Object.keys(instance.data)
  if (names.length === 0) return <Blank icon="dot" title="It holds no data yet" />
  return (
    <ul class="data-set">
      {names.map((name) => {
        const from = entries.findLast((entry) => entry.data === name && entry.outcome !== 'failed')
        const node = nodeOfData(graph, name)
        return (
          <li key={name} class="datum">
            <h3 class="datum-head">
              <button type="button" class="link" disabled={node === undefined} onClick={() => select(node)}>
                <Name strong text={name} />
              </button>
              {from && (
                <span class="muted">
                  {from.builder === undefined ? (
                    'fed'
                  ) : (
                    <>
                      by <Name text={from.builder} />
                    </>
                  )}{' '}
                  <Ago iso={from.endedAt} /> · #{from.seq}
                </span>
              )}
            </h3>
            <Value value={instance.data[name]} />
            {from && <Lineage of={from} shown={shown} />}
          </li>
        )
      })}
    </ul>
  )
}

const MOST_RELATIVES = 12

/** The data that a datum was made from, and those made from it: each leads to its node. */
function Lineage({ of: { seq, builder, inputs }, shown }: { readonly of: Entry; readonly shown: Shown }) {
  const into = shown.seen.entries.flatMap((entry) =>
    entry.data !== undefined && entry.inputs.some((input) => input.seq === seq)
      ? [{ data: entry.data, seq: entry.seq }]
      : [],
  )
  return (
    <p class="lineage muted">
      <Relatives
        title={builder === undefined ? 'About' : 'Made from'}
        relatives={inputs.filter((input) => input.seq > 0)}
        shown={shown}
      />
      <Relatives title="Went into" relatives={into} shown={shown} />
    </p>
  )
}

interface RelativesProps {
  readonly title: string
  readonly relatives: readonly { readonly data: string; readonly seq: number }[]
  readonly shown: Shown
}

function Relatives({ title, relatives, shown: { graph, select } }: RelativesProps) {
  if (relatives.length === 0) return null
  const more = relatives.length - MOST_RELATIVES
  return (
    <span>
      {title}{' '}
      {relatives.slice(-MOST_RELATIVES).map(({ data, seq }, index) => {
        const node = nodeOfData(graph, data)
        return (
          <span key={seq}>
            {index > 0 && ', '}
            <button type="button" class="link" disabled={node === undefined} onClick={() => select(node)}>
              <Name text={data} />
            </button>{' '}
            #{seq}
          </span>
        )
      })}
      {more > 0 && ` and ${more} before`}
    </span>
  )
}
