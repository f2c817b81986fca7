import { at, ask } from '../api/client.ts'
import { useLoad } from '../api/load.ts'
import type {
  Counts,
  InstancePage,
  Overview as Counted,
  Status,
  VersionOverview,
  WorkflowOverview,
} from '../api/wire.ts'
import { href } from '../router.ts'
import { Blank, With } from '../ui/states.tsx'
import { OPEN_STATUSES, STATUS_LOOKS, StatusPill, STATUSES } from '../ui/status.tsx'
import { Table } from '../ui/table.tsx'
import { count, Hidden, Name } from '../ui/text.tsx'
import { Ago, clock } from '../ui/time.tsx'
import { useTitle } from '../ui/title.ts'

const EVERY_MS = 5_000

export function Overview() {
  useTitle('Overview')
  const overview = useLoad('overview', (signal) => ask<Counted>(at(['overview']), { signal }), EVERY_MS)
  return (
    <div class="page">
      <With of={overview} what="the overview">
        {(data) => (
          <>
            <div class="page-head">
              <h1>Overview</h1>
              <p class="muted">
                Counted at <span class="num">{clock(data.asOf, Date.now())}</span>
                {!data.complete && `, over the first ${count(data.looked)} instances only`}
              </p>
            </div>
            {data.workflows.length === 0 ? (
              <Blank icon="star" title="No workflow is registered">
                What is registered with this Polaris, and what its store holds, is shown here.
              </Blank>
            ) : (
              <>
                <Totals workflows={data.workflows} />
                {data.workflows.map((workflow) => (
                  <WorkflowCard key={workflow.workflow} {...workflow} />
                ))}
                <Troubled />
              </>
            )}
          </>
        )}
      </With>
    </div>
  )
}

function Totals({ workflows }: { readonly workflows: readonly WorkflowOverview[] }) {
  const versions = workflows.flatMap(({ versions }) => versions)
  const sum = (of: (version: VersionOverview) => number): number =>
    versions.reduce((total, version) => total + of(version), 0)
  const list = (status: string): string => href(['instances'], { status })
  const recent = (status: Status): number => sum(({ lastMinute }) => lastMinute.changed[status])
  return (
    <ul class="totals" aria-label="All workflows">
      <Total
        title="Open"
        value={sum(({ open }) => open)}
        to={list(OPEN_STATUSES.join(','))}
        note={`${count(sum(({ lastMinute }) => lastMinute.created))} new in the last minute`}
      />
      <Total
        title="Failed"
        tone="bad"
        value={sum(({ counts }) => counts.failed)}
        to={list('failed')}
        note={inMinute(recent('failed'))}
      />
      <Total
        title="Retrying"
        tone="warn"
        value={sum(({ counts }) => counts.retrying)}
        to={list('retrying')}
        note={inMinute(recent('retrying'))}
      />
      <Total
        title="Completed"
        tone="good"
        value={sum(({ counts }) => counts.completed)}
        to={list('completed')}
        note={`${count(recent('completed'))} per minute`}
      />
    </ul>
  )
}

function inMinute(value: number): string {
  return value === 0 ? 'none in the last minute' : `${count(value)} in the last minute`
}

interface TotalProps {
  readonly title: string
  readonly value: number
  readonly to: string
  readonly note: string
  readonly tone?: string
}

function Total({ title, value, to, note, tone }: TotalProps) {
  return (
    <li>
      <a class="total" href={to}>
        <span class="total-title">{title}</span>
        <span class={tone !== undefined && value > 0 ? `total-value ink-${tone}` : 'total-value'}>{count(value)}</span>
        <span class="total-note">{note}</span>
      </a>
    </li>
  )
}

const COLUMNS = [
  { title: 'Version' },
  { title: 'Open', class: 'stretch' },
  ...STATUSES.map((status) => ({ title: STATUS_LOOKS[status].label, class: 'right' })),
  { title: 'New / min', class: 'right' },
  { title: 'Done / min', class: 'right' },
  { title: 'Oldest open', class: 'right' },
]

function WorkflowCard({ workflow, newest, versions }: WorkflowOverview) {
  return (
    <section class="card" aria-label={`Workflow ${workflow}`}>
      <header class="card-head">
        <h2>
          <a href={href(['workflows', workflow])}>
            <Name text={workflow} />
          </a>
        </h2>
        {newest === undefined && <span class="tag">not served here</span>}
        <a class="card-more" href={href(['instances'], { workflow })}>
          All instances<Hidden> of {workflow}</Hidden>
        </a>
      </header>
      <Table label={`Versions of ${workflow}`} class="figures" columns={COLUMNS}>
        {versions.map((version) => (
          <VersionRow key={version.version} workflow={workflow} {...version} />
        ))}
      </Table>
    </section>
  )
}

function VersionRow({
  workflow,
  version,
  served,
  open,
  counts,
  oldestOpen,
  lastMinute,
}: VersionOverview & { readonly workflow: string }) {
  const to = (status: string): string => href(['instances'], { workflow, version: String(version), status })
  return (
    <tr>
      <th scope="row">
        <a href={href(['workflows', workflow], { version: String(version) })}>v{version}</a>
        {!served && <span class="tag">not served</span>}
      </th>
      <td class="stretch">
        <a class="open-cell" href={to(OPEN_STATUSES.join(','))}>
          <span class="open-count">{count(open)}</span>
          <Shares counts={counts} open={open} />
        </a>
      </td>
      {STATUSES.map((status) => (
        <td class="right" key={status}>
          {counts[status] === 0 ? (
            <span class="zero">0</span>
          ) : (
            <a
              class={['failed', 'retrying'].includes(status) ? `ink-${STATUS_LOOKS[status].tone}` : undefined}
              href={to(status)}
            >
              {count(counts[status])}
              <Hidden> {STATUS_LOOKS[status].label}</Hidden>
            </a>
          )}
        </td>
      ))}
      <td class="right">{figure(lastMinute.created)}</td>
      <td class="right">{figure(lastMinute.changed.completed)}</td>
      <td class="right">{oldestOpen === undefined ? <span class="zero">none</span> : <Ago iso={oldestOpen} />}</td>
    </tr>
  )
}

function figure(value: number) {
  return value === 0 ? <span class="zero">0</span> : count(value)
}

/** How the open ones share out, as a bar. The figures stand beside it. */
function Shares({ counts, open }: { readonly counts: Counts; readonly open: number }) {
  let from = 0
  return (
    <svg class="shares" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="shares-all" width="100" height="4" />
      {OPEN_STATUSES.map((status) => {
        const x = from
        const width = open === 0 ? 0 : (100 * counts[status]) / open
        from += width
        return <rect key={status} class={`fill-${STATUS_LOOKS[status].tone}`} x={x} width={width} height="4" />
      })}
    </svg>
  )
}

const MOST_TROUBLED = 8

/** Those that somebody should look at: they are few, or the figures above say so. */
function Troubled() {
  const path = at(['instances'], { status: 'failed,retrying', order: 'newest', limit: MOST_TROUBLED })
  const { data } = useLoad(path, (signal) => ask<InstancePage>(path, { signal }), EVERY_MS)
  if (data === undefined || data.instances.length === 0) return null
  return (
    <section class="card" aria-label="Instances in trouble">
      <header class="card-head">
        <h2>In trouble</h2>
        <a class="card-more" href={href(['instances'], { status: 'failed,retrying' })}>
          All of them
        </a>
      </header>
      <ul class="troubled">
        {data.instances.map(({ id, status, workflow, version, updatedAt }) => (
          <li key={id}>
            <StatusPill status={status} />
            <a class="troubled-id" href={href(['instances', id])}>
              <Name text={id} />
            </a>
            <span class="muted hide-phone">
              <Name text={workflow} /> v{version}
            </span>
            <Ago iso={updatedAt} />
          </li>
        ))}
      </ul>
    </section>
  )
}
