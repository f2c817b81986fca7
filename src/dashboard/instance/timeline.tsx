/** Scopes one below the other, and within each its runs as bars over time. */
import { useMemo, useState } from 'preact/hooks'
import type { Entry } from '../api/wire.ts'
import { builderId, nameOf } from '../graph/model.ts'
import type { Shown } from '../pages/instance.tsx'
import { Blank } from '../ui/states.tsx'
import { count, Hidden, Name, visible } from '../ui/text.tsx'
import { clock, exact, took, useNow } from '../ui/time.tsx'
import { isRun, msOf } from './faces.ts'
import { outcomeText, outcomeTone } from './outcomes.ts'

interface ScopeOf {
  readonly scope: number
  readonly from: number
  readonly to: number
  /** What set it off. */
  readonly causes: readonly Entry[]
  readonly runs: readonly Entry[]
}

/** Pure. */
function scopesOf(entries: readonly Entry[]): ScopeOf[] {
  const scopes = new Map<number, Entry[]>()
  for (const entry of entries) scopes.set(entry.scope, [...(scopes.get(entry.scope) ?? []), entry])
  return [...scopes].map(([scope, all]) => ({
    scope,
    from: Math.min(...all.map(({ startedAt }) => Date.parse(startedAt))),
    to: Math.max(...all.map(({ endedAt }) => Date.parse(endedAt))),
    causes: all.filter((entry) => !isRun(entry) && entry.outcome !== 'call' && entry.outcome !== 'started'),
    runs: all.filter(isRun),
  }))
}

const FEW = 30
const MOST_RUNS = 60

interface TimelineProps {
  readonly shown: Shown
  readonly selected: string | undefined
}

export function Timeline({ shown, selected }: TimelineProps) {
  const { entries } = shown.seen
  const scopes = useMemo(() => scopesOf(entries), [entries])
  const [most, setMost] = useState(FEW)
  if (scopes.length === 0) return <Blank icon="clock" title="Nothing has happened yet" />
  const earlier = scopes.length - most
  return (
    <div class="timeline">
      {earlier > 0 && (
        <button type="button" class="button" onClick={() => setMost(most + 100)}>
          Show earlier scopes ({count(earlier)})
        </button>
      )}
      <ol class="scopes">
        {scopes.slice(-most).map((scope) => (
          <Scope key={scope.scope} {...scope} shown={shown} selected={selected} />
        ))}
      </ol>
    </div>
  )
}

function Scope({ scope, from, to, causes, runs, shown, selected }: ScopeOf & TimelineProps) {
  const now = useNow()
  const iso = new Date(from).toISOString()
  return (
    <li class="scope">
      <h3 class="scope-head">
        <span class="scope-number">Scope {scope}</span>
        {causes.slice(0, 6).map((entry) => (
          <span key={entry.seq} class={`cause tone-${outcomeTone(entry)}`}>
            {outcomeText(entry)}
            {(entry.data ?? entry.builder) !== undefined && (
              <>
                {' '}
                <Name text={entry.data ?? entry.builder ?? ''} />
              </>
            )}
          </span>
        ))}
        {causes.length > 6 && <span class="muted">and {count(causes.length - 6)} more</span>}
        <time class="scope-time num" dateTime={iso} title={exact(iso)}>
          {clock(iso, now)}
        </time>
        <span class="scope-took num">{took(to - from)}</span>
      </h3>
      {runs.length > 0 && (
        <ul class="bars">
          {runs.slice(0, MOST_RUNS).map((entry) => (
            <Bar
              key={entry.seq}
              entry={entry}
              from={from}
              span={Math.max(1, to - from)}
              shown={shown}
              selected={selected}
            />
          ))}
        </ul>
      )}
      {runs.length > MOST_RUNS && <p class="muted">and {count(runs.length - MOST_RUNS)} more runs</p>}
    </li>
  )
}

interface BarProps extends TimelineProps {
  readonly entry: Entry
  readonly from: number
  readonly span: number
}

function Bar({ entry, from, span, shown, selected }: BarProps) {
  const name = entry.builder ?? ''
  const left = ((Date.parse(entry.startedAt) - from) / span) * 100
  const width = Math.min(100 - left, (msOf(entry) / span) * 100)
  const spoken = `${visible(name)}: ${outcomeText(entry)}, ${took(msOf(entry))}`
  return (
    <li>
      <button
        type="button"
        class="bar-row"
        aria-pressed={selected !== undefined && nameOf(selected) === name}
        title={entry.error?.message === undefined ? spoken : `${spoken}: ${visible(entry.error.message).slice(0, 300)}`}
        onClick={() => shown.select(builderId(name))}
      >
        <Name text={name} />
        <Hidden>{outcomeText(entry)}</Hidden>
        <span class="bar-track">
          <span class={`bar-span tone-${outcomeTone(entry)}`} style={{ left: `${left}%`, width: `${width}%` }} />
        </span>
        <span class="bar-took num">{took(msOf(entry))}</span>
      </button>
    </li>
  )
}
