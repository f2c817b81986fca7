/** The data set: the newest datum of each data. */
import type { Shown } from '../pages/instance.tsx'
import { Blank } from '../ui/states.tsx'
import { Name } from '../ui/text.tsx'
import { Ago } from '../ui/time.tsx'
import { Value } from '../ui/value.tsx'
import { nodeOfData } from './faces.ts'

export function DataTable({ shown: { seen, graph, select } }: { readonly shown: Shown }) {
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
          </li>
        )
      })}
    </ul>
  )
}
