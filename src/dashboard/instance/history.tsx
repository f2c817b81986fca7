/** Entry by entry: who did what, when, from what. */
import { useState } from 'preact/hooks'
import { ask, at } from '../api/client.ts'
import { useLoad } from '../api/load.ts'
import type { Entry } from '../api/wire.ts'
import { builderId, dataId } from '../graph/model.ts'
import { amended } from '../router.ts'
import { Blank } from '../ui/states.tsx'
import { Table } from '../ui/table.tsx'
import { count, Hidden, Name, Words } from '../ui/text.tsx'
import { clock, exact, took, useNow } from '../ui/time.tsx'
import { inShort } from '../ui/value.tsx'
import { isRun, msOf } from './faces.ts'
import { outcomeText, outcomeTone } from './outcomes.ts'
import type { Seen } from './use-instance.ts'

interface HistoryProps {
  readonly seen: Seen
  readonly select?: (node: string) => void
}

const FEW = 100

const COLUMNS = [
  { title: '#', class: 'right' },
  { title: 'Time' },
  { title: 'Scope', class: 'right' },
  { title: 'Who' },
  { title: 'What' },
  { title: 'Value, or why', class: 'stretch' },
  { title: 'Took', class: 'right' },
  { title: <Hidden>Compare</Hidden> },
]

export function History({ seen: { instance, entries, cut }, select }: HistoryProps) {
  const [most, setMost] = useState(FEW)
  const now = useNow()
  const values = useValues(instance.id, entries.slice(-most))
  if (entries.length === 0) return <Blank icon="clock" title="Nothing has happened yet" />
  const earlier = entries.length - most
  return (
    <>
      {cut && <p class="muted">There is more than is shown here: the first {count(entries.length)} entries.</p>}
      {earlier > 0 && (
        <button type="button" class="button" onClick={() => setMost(most + 500)}>
          Show earlier entries ({count(earlier)})
        </button>
      )}
      <Table label="History" class="history" columns={COLUMNS}>
        {entries.slice(-Math.max(1, most)).map((entry) => (
          <Row key={entry.seq} entry={entry} value={values.get(entry.seq)} now={now} select={select} />
        ))}
      </Table>
    </>
  )
}

const PAGE = 1_000

/** Histories come without their values: they may be large, and only here are they looked at. */
function useValues(id: string, shown: readonly Entry[]): ReadonlyMap<number, unknown> {
  const [before, setBefore] = useState<ReadonlyMap<number, unknown>>(new Map())
  const first = shown.find(({ seq }) => !before.has(seq))?.seq
  const last = shown.findLast(({ seq }) => !before.has(seq))?.seq
  const path = first === undefined ? undefined : pathOf(id, first, last ?? first)
  useLoad(path, async (signal) => {
    const page = await ask<{ readonly entries: readonly Entry[] }>(path ?? '', { signal })
    setBefore((known) => new Map([...known, ...page.entries.map(({ seq, value }) => [seq, value] as const)]))
    return page
  })
  return before
}

function pathOf(id: string, first: number, last: number): string {
  const limit = Math.min(PAGE, last - first + 1)
  return at(['instances', id, 'history'], { after: first - 1, limit, values: 'true' })
}

function Row({
  entry,
  value,
  now,
  select,
}: {
  readonly entry: Entry
  readonly value: unknown
  readonly now: number
  readonly select: ((node: string) => void) | undefined
}) {
  const { seq, scope, builder, data, startedAt, because, error } = entry
  const who = builder ?? (data === undefined ? undefined : 'caller')
  return (
    <tr>
      <td class="right num muted">{seq}</td>
      <td class="num">
        <time dateTime={startedAt} title={exact(startedAt)}>
          {clock(startedAt, now)}
        </time>
      </td>
      <td class="right num">{scope}</td>
      <td>
        {builder !== undefined && select ? (
          <button type="button" class="link" onClick={() => select(builderId(builder))}>
            <Name text={builder} />
          </button>
        ) : (
          <span class="muted">{who ?? '–'}</span>
        )}
      </td>
      <td>
        <span class={`dot tone-${outcomeTone(entry)}`} aria-hidden="true" />
        {outcomeText(entry)}{' '}
        {data !== undefined &&
          (select && builder === undefined ? (
            <button type="button" class="link" onClick={() => select(dataId(data))}>
              <Name text={data} />
            </button>
          ) : (
            <Name text={data} />
          ))}
      </td>
      <td class="why">
        <Words text={error?.message ?? because ?? inShort(value, 120)} />
      </td>
      <td class="right num">{isRun(entry) ? took(msOf(entry)) : ''}</td>
      <td>
        <a class="quiet-link" href={amended({ view: 'compare', from: String(seq), to: undefined })}>
          Compare<Hidden> entry {seq} with now</Hidden>
        </a>
      </td>
    </tr>
  )
}
