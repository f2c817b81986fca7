/** What was different between any two points of an instance's history. */
import { ask, at } from '../api/client.ts'
import { useLoad } from '../api/load.ts'
import type { Entry } from '../api/wire.ts'
import { amended, go } from '../router.ts'
import { Blank, With } from '../ui/states.tsx'
import { Name, visible } from '../ui/text.tsx'
import { clock } from '../ui/time.tsx'
import { inShort, isWithheld, Value } from '../ui/value.tsx'
import { changesBetween } from './difference.ts'
import { outcomeText } from './outcomes.ts'
import type { Seen } from './use-instance.ts'

interface Different {
  readonly name: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly before?: unknown
  readonly after?: unknown
}
interface Differences {
  readonly data: readonly Different[]
  readonly same: readonly string[]
}

interface CompareProps {
  readonly seen: Seen
  readonly query: ReadonlyMap<string, string>
}

export function Compare({ seen: { instance, entries }, query }: CompareProps) {
  const last = entries.at(-1)?.seq ?? 0
  const to = seqOf(query.get('to'), last) ?? last
  // At first: what the last scope has changed.
  const scope = entries.at(-1)?.scope
  const before = entries.findLast((entry) => entry.scope !== scope)?.seq ?? 0
  const from = seqOf(query.get('from'), last) ?? before
  const path = at(['instances', instance.id, 'differences'], { from, to })
  const found = useLoad(path, (signal) => ask<Differences>(path, { signal }))
  return (
    <>
      <div class="compare-ends">
        <End label="From" name="from" value={from} entries={entries} />
        <End label="To" name="to" value={to} entries={entries} />
      </div>
      <With of={found} what="the differences">
        {({ data, same }) => (
          <>
            {data.length === 0 && <Blank icon="check" title="Nothing is different" />}
            <ul class="differences">
              {data.map((each) => (
                <DifferentData key={each.name} {...each} />
              ))}
            </ul>
            {same.length > 0 && <p class="muted">The same: {same.map(visible).join(', ')}</p>}
          </>
        )}
      </With>
    </>
  )
}

function seqOf(text: string | undefined, most: number): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) && Number(text) <= most ? Number(text) : undefined
}

interface EndProps {
  readonly label: string
  readonly name: string
  readonly value: number
  readonly entries: readonly Entry[]
}

const MOST_OPTIONS = 500

function End({ label, name, value, entries }: EndProps) {
  const now = Date.now()
  return (
    <label class="field">
      <span class="field-name">{label}</span>
      <select value={String(value)} onChange={(event) => go(amended({ [name]: event.currentTarget.value }), true)}>
        <option value="0">The beginning, without data</option>
        {entries
          .filter((entry, index) => index >= entries.length - MOST_OPTIONS || entry.seq === value)
          .map((entry) => (
            <option key={entry.seq} value={String(entry.seq)}>
              #{entry.seq} · {clock(entry.endedAt, now)} · scope {entry.scope} · {visible(entry.builder ?? '')}{' '}
              {outcomeText(entry)} {visible(entry.data ?? '')}
            </option>
          ))}
      </select>
    </label>
  )
}

const MOST_CHANGES = 200
const WORDS = { added: 'Added', removed: 'Taken away', changed: 'Changed' } as const

function DifferentData({ name, change, before, after }: Different) {
  const withheld = isWithheld(before) || isWithheld(after)
  return (
    <li class={`different different-${change}`}>
      <h3>
        <Name strong text={name} /> <span class="tag">{WORDS[change]}</span>
      </h3>
      {withheld ? (
        <p class="muted">Its values are sensitive: they stay on the server.</p>
      ) : change === 'changed' ? (
        <Changes before={before} after={after} />
      ) : (
        <Value value={change === 'added' ? after : before} />
      )}
    </li>
  )
}

function Changes({ before, after }: { readonly before: unknown; readonly after: unknown }) {
  const changes = changesBetween(before, after, MOST_CHANGES)
  return (
    <div class="scroll" role="region" tabIndex={0} aria-label="Members that differ">
      <table class="table changes">
        <thead>
          <tr>
            <th scope="col">Member</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr key={change.path.join('\0')}>
              <th scope="row">
                {change.path.length === 0 ? (
                  <span class="muted">the value</span>
                ) : (
                  <Name text={change.path.join('.')} />
                )}
              </th>
              <td class="before">
                {'before' in change ? <bdi>{inShort(change.before, 200)}</bdi> : <span class="muted">not there</span>}
              </td>
              <td class="after">
                {'after' in change ? <bdi>{inShort(change.after, 200)}</bdi> : <span class="muted">not there</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {changes.length >= MOST_CHANGES && <p class="muted">And more: these are the first {MOST_CHANGES}.</p>}
    </div>
  )
}
