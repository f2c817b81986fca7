import { useEffect, useState } from 'preact/hooks'
import { ask, at } from '../api/client.ts'
import { useLoad } from '../api/load.ts'
import type { InstancePage, Status, Summary, WorkflowOfList } from '../api/wire.ts'
import { amended, go, href } from '../router.ts'
import { Blank, With } from '../ui/states.tsx'
import { STATUS_LOOKS, StatusPill, STATUSES } from '../ui/status.tsx'
import { Table } from '../ui/table.tsx'
import { count, Name, plural } from '../ui/text.tsx'
import { Ago } from '../ui/time.tsx'
import { useTitle } from '../ui/title.ts'

type Query = ReadonlyMap<string, string>

const EVERY_MS = 3_000
const PAGE = 50
const FILTERS = ['workflow', 'version', 'status', 'idPrefix', 'waitingFor'] as const

/** Filters are in the URL: a list can be sent to somebody, and going back finds it as it was. */
export function Instances({ query }: { readonly query: Query }) {
  useTitle('Instances')
  const filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name)]))
  const cursor = query.get('cursor')
  const waiting = filters['waitingFor'] === undefined ? 'true' : undefined
  const path = at(['instances'], { ...filters, cursor, waiting, order: query.get('order') ?? 'newest', limit: PAGE })
  // A page in the middle of a list stands still while it is read.
  const page = useLoad(
    path,
    (signal) => ask<InstancePage>(path, { signal }),
    cursor === undefined ? EVERY_MS : undefined,
  )
  return (
    <div class="page">
      <div class="page-head">
        <h1>Instances</h1>
      </div>
      <Filters query={query} />
      <With of={page} what="instances">
        {(data) => <Page {...data} filtered={FILTERS.some((name) => query.has(name))} cursor={cursor} />}
      </With>
    </div>
  )
}

function Page({
  instances,
  next,
  looked,
  filtered,
  cursor,
}: InstancePage & { readonly filtered: boolean; readonly cursor: string | undefined }) {
  return (
    <>
      {instances.length === 0 ? (
        <Blank icon="search" title={emptyTitle(filtered, next !== undefined)}>
          {looked !== undefined && next !== undefined ? (
            `Among the ${count(looked)} that were looked at, none fits. There are more.`
          ) : filtered ? (
            <a href={href(['instances'])}>Show all instances</a>
          ) : (
            'An instance begins with the first data that are fed under its id.'
          )}
        </Blank>
      ) : (
        <List instances={instances} />
      )}
      <nav class="pager" aria-label="Pages of the list">
        <span class="muted">{instances.length > 0 && plural(instances.length, 'instance')}</span>
        {cursor !== undefined && (
          <a class="button" href={amended({ cursor: undefined })}>
            First page
          </a>
        )}
        {next !== undefined && (
          <a class="button" href={amended({ cursor: next })}>
            Next page
          </a>
        )}
      </nav>
    </>
  )
}

function emptyTitle(filtered: boolean, more: boolean): string {
  if (more) return 'None on this page'
  return filtered ? 'No instance fits' : 'There are no instances yet'
}

const COLUMNS = [
  { title: 'Instance' },
  { title: 'Status' },
  { title: 'Workflow', class: 'hide-narrow' },
  { title: 'Waits for', class: 'hide-phone' },
  { title: 'Scopes', class: 'right hide-narrow' },
  { title: 'Created', class: 'right hide-phone' },
  { title: 'Changed', class: 'right' },
]

function List({ instances }: { readonly instances: readonly Summary[] }) {
  return (
    <div class="card">
      <Table label="List of instances" class="instances" columns={COLUMNS}>
        {instances.map((instance) => (
          <Row key={instance.id} {...instance} />
        ))}
      </Table>
    </div>
  )
}

function Row({ id, status, workflow, version, scopes, waitingFor, createdAt, updatedAt }: Summary) {
  return (
    <tr>
      <th scope="row" class="id-cell">
        <a href={href(['instances', id])}>
          <Name text={id} />
        </a>
      </th>
      <td>
        <StatusPill status={status} />
      </td>
      <td class="hide-narrow">
        <a class="quiet-link" href={href(['workflows', workflow], { version: String(version) })}>
          <Name text={workflow} /> <span class="muted">v{version}</span>
        </a>
      </td>
      <td class="hide-phone wait-cell">
        {waitingFor === undefined || waitingFor.length === 0 ? (
          <span class="zero">–</span>
        ) : (
          <Name text={waitingFor.join(', ')} />
        )}
      </td>
      <td class="right num hide-narrow">{count(scopes)}</td>
      <td class="right hide-phone">
        <Ago iso={createdAt} />
      </td>
      <td class="right">
        <Ago iso={updatedAt} />
      </td>
    </tr>
  )
}

function Filters({ query }: { readonly query: Query }) {
  const { data } = useLoad('workflows', (signal) =>
    ask<{ workflows: readonly WorkflowOfList[] }>(at(['workflows']), { signal }),
  )
  const workflows = data?.workflows ?? []
  const chosen = workflows.find(({ name }) => name === query.get('workflow'))
  const change = (changes: Record<string, string | undefined>): void => go(amended({ cursor: undefined, ...changes }))
  const statuses = (query.get('status') ?? '').split(',').filter((status) => status !== '')
  const toggle = (status: Status): void => {
    const next = statuses.includes(status) ? statuses.filter((each) => each !== status) : [...statuses, status]
    change({ status: next.join(',') })
  }
  return (
    <div class="filters" role="search" aria-label="Filter instances">
      <TextFilter label="Id begins with" name="idPrefix" query={query} change={change} />
      <Choice
        label="Workflow"
        value={query.get('workflow')}
        options={workflows.map(({ name }) => name)}
        onChange={(workflow) => change({ workflow, version: undefined })}
      />
      <Choice
        label="Version"
        value={query.get('version')}
        options={(chosen?.versions ?? []).map(String)}
        disabled={chosen === undefined}
        onChange={(version) => change({ version })}
      />
      <TextFilter
        label="Waits for"
        name="waitingFor"
        query={query}
        change={change}
        options={[...new Set(workflows.flatMap(({ inputs }) => inputs))]}
      />
      <Order query={query} change={change} />
      <div class="toggles" role="group" aria-labelledby="status-filter">
        <span class="field-name" id="status-filter">
          Status
        </span>
        {STATUSES.map((status) => (
          <button
            type="button"
            key={status}
            class={`toggle tone-${STATUS_LOOKS[status].tone}`}
            aria-pressed={statuses.includes(status)}
            onClick={() => toggle(status)}
          >
            {STATUS_LOOKS[status].label}
          </button>
        ))}
      </div>
    </div>
  )
}

/** By ids where they are looked for by how they begin. */
function Order({ query, change }: Pick<TextFilterProps, 'query' | 'change'>) {
  const pick = (order: string): void => change({ order: order === 'newest' ? undefined : order })
  return (
    <label class="field">
      <span class="field-name">First</span>
      <select
        value={query.get('order') ?? 'newest'}
        disabled={query.has('idPrefix')}
        onChange={(event) => pick(event.currentTarget.value)}
      >
        <option value="newest">The newest</option>
        <option value="oldest">The oldest</option>
      </select>
    </label>
  )
}

interface ChoiceProps {
  readonly label: string
  readonly value: string | undefined
  readonly options: readonly string[]
  readonly disabled?: boolean
  readonly onChange: (value: string | undefined) => void
}

function Choice({ label, value = '', options, disabled = false, onChange }: ChoiceProps) {
  // What the URL asks for stays to be seen, whatever there is to choose from.
  const all = value === '' || options.includes(value) ? options : [value, ...options]
  return (
    <label class="field">
      <span class="field-name">{label}</span>
      <select value={value} disabled={disabled} onChange={(event) => onChange(event.currentTarget.value || undefined)}>
        <option value="">Any</option>
        {all.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  )
}

interface TextFilterProps {
  readonly label: string
  readonly name: string
  readonly query: Query
  readonly options?: readonly string[]
  readonly change: (changes: Record<string, string | undefined>) => void
}

const TYPING_MS = 300

function TextFilter({ label, name, query, options = [], change }: TextFilterProps) {
  const given = query.get(name) ?? ''
  const [text, setText] = useState(given)
  useEffect(() => setText(given), [given])
  useEffect(() => {
    if (text === given) return
    const timer = setTimeout(() => change({ [name]: text || undefined }), TYPING_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <label class="field">
      <span class="field-name">{label}</span>
      <input
        type="search"
        value={text}
        list={options.length > 0 ? `options-${name}` : undefined}
        maxLength={512}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {options.length > 0 && (
        <datalist id={`options-${name}`}>
          {options.map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
    </label>
  )
}
