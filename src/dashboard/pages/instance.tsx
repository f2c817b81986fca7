import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { ask, at } from '../api/client.ts'
import type { Liveness } from '../api/live.ts'
import { useLoad } from '../api/load.ts'
import type { Plan } from '../api/wire.ts'
import { graphOf } from '../graph/model.ts'
import type { Graph } from '../graph/model.ts'
import { GraphView } from '../graph/view.tsx'
import { Actions } from '../instance/actions.tsx'
import { BuildersTable } from '../instance/builders.tsx'
import { Callout } from '../instance/callout.tsx'
import { Compare } from '../instance/compare.tsx'
import { DataTable } from '../instance/data.tsx'
import { facesOf } from '../instance/faces.ts'
import { History } from '../instance/history.tsx'
import { Panel } from '../instance/panel.tsx'
import { Timeline } from '../instance/timeline.tsx'
import { useInstance } from '../instance/use-instance.ts'
import type { Seen } from '../instance/use-instance.ts'
import { amended, go, href } from '../router.ts'
import { Icon } from '../ui/icons.tsx'
import { Blank, Loading, With } from '../ui/states.tsx'
import { StatusPill } from '../ui/status.tsx'
import { Tabs } from '../ui/tabs.tsx'
import { Name, plural } from '../ui/text.tsx'
import { Ago } from '../ui/time.tsx'
import { useTitle } from '../ui/title.ts'

interface InstanceProps {
  readonly id: string
  readonly query: ReadonlyMap<string, string>
}

export function Instance({ id, query }: InstanceProps) {
  useTitle(id)
  const seen = useInstance(id)
  return (
    <div class="page page-wide">
      <With of={seen} what="the instance">
        {(data) => <Known seen={data} liveness={seen.liveness} reload={seen.reload} query={query} />}
      </With>
    </div>
  )
}

interface KnownProps {
  readonly seen: Seen
  readonly liveness: Liveness
  readonly reload: () => void
  readonly query: ReadonlyMap<string, string>
}

/** What all parts of the page work with. */
export interface Shown {
  readonly seen: Seen
  readonly plan: Plan
  readonly graph: Graph
  readonly reload: () => void
  readonly select: (node: string | undefined) => void
}

function Known({ seen, liveness, reload, query }: KnownProps) {
  const { workflow, version } = seen.instance
  const path = at(['workflows', workflow], { version })
  const plan = useLoad(path, (signal) => ask<Plan>(path, { signal }))
  const graph = useMemo(() => plan.data && graphOf(plan.data), [plan.data])
  const shown: Shown | undefined = plan.data && graph && { seen, plan: plan.data, graph, reload, select }
  return (
    <>
      <Head seen={seen} liveness={liveness} actions={shown && <Actions shown={shown} />} />
      {shown ? (
        <Body shown={shown} query={query} />
      ) : plan.error === undefined ? (
        <Loading what="the workflow" />
      ) : (
        <Blank icon="alert" title={`Version ${version} is not served here`}>
          This process does not know the graph of the instance. Its history is below.
          <History seen={seen} />
        </Blank>
      )}
    </>
  )
}

function select(node: string | undefined): void {
  go(amended({ node }), true)
}

const VIEWS = [
  ['timeline', 'Timeline'],
  ['builders', 'Builders'],
  ['data', 'Data'],
  ['history', 'History'],
  ['compare', 'Compare'],
] as const

function Body({ shown, query }: { readonly shown: Shown; readonly query: ReadonlyMap<string, string> }) {
  const { seen, plan, graph } = shown
  const node = query.get('node')
  const selected = graph.nodes.some(({ id }) => id === node) ? node : undefined
  const faces = useMemo(() => facesOf(seen, graph), [seen, graph])
  const view = VIEWS.find(([name]) => name === query.get('view'))?.[0] ?? 'timeline'
  return (
    <>
      <Callout shown={shown} />
      <div class="split">
        <GraphView
          graphKey={`${plan.workflow}\0${plan.version}\0${plan.fingerprint}`}
          label={`Execution graph of ${plan.workflow}`}
          {...{ graph, faces, selected }}
          onSelect={select}
        />
        <Panel shown={shown} selected={selected} faces={faces} />
      </div>
      <Tabs label="Parts of the instance" tabs={VIEWS} current={view} to={(name) => amended({ view: name })}>
        {view === 'timeline' && <Timeline shown={shown} selected={selected} />}
        {view === 'builders' && <BuildersTable shown={shown} faces={faces} />}
        {view === 'data' && <DataTable shown={shown} />}
        {view === 'history' && <History seen={seen} select={select} />}
        {view === 'compare' && <Compare seen={seen} query={query} />}
      </Tabs>
    </>
  )
}

interface HeadProps {
  readonly seen: Seen
  readonly liveness: Liveness
  readonly actions: ComponentChildren
}

function Head({ seen: { instance }, liveness, actions }: HeadProps) {
  const { id, workflow, version, status, scopes, createdAt, updatedAt } = instance
  return (
    <header class="instance-head">
      <nav class="crumbs" aria-label="Where this is">
        <a href={href(['instances'], { workflow })}>Instances</a>
        <Icon name="right" />
        <a href={href(['workflows', workflow], { version: String(version) })}>
          <Name text={workflow} /> v{version}
        </a>
      </nav>
      <div class="instance-title">
        <h1>
          <Name text={id} />
        </h1>
        <CopyButton text={id} />
        <span role="status" aria-label="Status">
          <StatusPill status={status} />
        </span>
        <div class="actions">{actions}</div>
      </div>
      <p class="facts">
        <span>
          Created <Ago iso={createdAt} />
        </span>
        <span>
          Changed <Ago iso={updatedAt} />
        </span>
        <span>{plural(scopes, 'scope')}</span>
        <span
          class={`liveness ${liveness}`}
          title={liveness === 'live' ? 'Changes are shown as they happen' : 'Connecting'}
        >
          {liveness === 'live' ? 'Live' : liveness === 'gone' ? 'Deleted' : 'Connecting …'}
        </span>
      </p>
    </header>
  )
}

function CopyButton({ text }: { readonly text: string }) {
  const [copied, setCopied] = useState(false)
  const copy = (): void => {
    // Where pages may not, selecting it by hand does.
    void navigator.clipboard?.writeText(text).then(() => {
      setCopied(true)
      setTimeout(() => setCopied(false), 1500)
    })
  }
  return (
    <button
      type="button"
      class="button quiet square"
      aria-label={copied ? 'Copied' : 'Copy the id'}
      title="Copy the id"
      onClick={copy}
    >
      <Icon name={copied ? 'check' : 'copy'} />
    </button>
  )
}
