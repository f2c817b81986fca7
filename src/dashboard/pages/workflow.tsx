import { useMemo } from 'preact/hooks'
import { ask, at } from '../api/client.ts'
import { useLoad } from '../api/load.ts'
import type { Loaded } from '../api/load.ts'
import type { Plan, Standing, VersionDifferences, WorkflowOfList } from '../api/wire.ts'
import { graphOf } from '../graph/model.ts'
import type { Graph } from '../graph/model.ts'
import { GraphView } from '../graph/view.tsx'
import type { Face } from '../graph/view.tsx'
import { amended, go, href } from '../router.ts'
import { Icon } from '../ui/icons.tsx'
import { With } from '../ui/states.tsx'
import { Name } from '../ui/text.tsx'
import { useTitle } from '../ui/title.ts'
import { BuilderFigures } from '../workflow/builders.tsx'
import { differenceFaces, heatFaces, plainFaces, union } from '../workflow/faces.ts'
import { WorkflowPanel } from '../workflow/panel.tsx'
import { StartButton } from '../workflow/start.tsx'

type Query = ReadonlyMap<string, string>

const STANDING_MS = 5_000

/** What all parts of the page work with. */
export interface ShownWorkflow {
  readonly plan: Plan
  readonly versions: readonly number[]
  readonly standing: Loaded<Standing>
  /** With another version, where one was chosen. */
  readonly differences: VersionDifferences | undefined
  readonly other: number | undefined
  readonly select: (node: string | undefined) => void
}

export function Workflow({ name, query }: { readonly name: string; readonly query: Query }) {
  useTitle(name)
  const list = useLoad('workflows', (signal) =>
    ask<{ workflows: readonly WorkflowOfList[] }>(at(['workflows']), { signal }),
  )
  const plan = usePlan(name, query.get('version'))
  const versions = list.data?.workflows.find((each) => each.name === name)?.versions ?? []
  return (
    <div class="page page-wide">
      <With of={plan} what="the workflow">
        {(data) => <Known plan={data} versions={versions} query={query} />}
      </With>
    </div>
  )
}

function usePlan(name: string, version: string | undefined): Loaded<Plan> {
  const path = at(['workflows', name], { version })
  return useLoad(path, (signal) => ask<Plan>(path, { signal }))
}

interface KnownProps {
  readonly plan: Plan
  readonly versions: readonly number[]
  readonly query: Query
}

function Known({ plan, versions, query }: KnownProps) {
  const { workflow, version } = plan
  const standingPath = at(['workflows', workflow, 'standing'], { version })
  const standing = useLoad(standingPath, (signal) => ask<Standing>(standingPath, { signal }), STANDING_MS)
  const other = versions.find((each) => String(each) === query.get('with') && each !== version)
  const drawn = useDrawn(plan, other, query.get('show'), standing.data)
  const { graph, faces, differences } = drawn
  const node = query.get('node')
  const selected = graph.nodes.some(({ id }) => id === node) ? node : undefined
  const shown: ShownWorkflow = { plan, versions, standing, differences, other, select }
  return (
    <>
      <Head plan={plan} versions={versions} other={other} heat={query.get('show') === 'standing'} />
      <div class="split">
        <GraphView
          graphKey={drawn.key}
          label={`Execution graph of ${workflow}, version ${version}`}
          {...{ graph, faces, selected }}
          onSelect={select}
        />
        <WorkflowPanel shown={shown} selected={selected} />
      </div>
      <BuilderFigures shown={shown} />
    </>
  )
}

function select(node: string | undefined): void {
  go(amended({ node }), true)
}

interface Drawn {
  readonly key: string
  readonly graph: Graph
  readonly faces: ReadonlyMap<string, Face>
  readonly differences: VersionDifferences | undefined
}

function useDrawn(
  plan: Plan,
  other: number | undefined,
  show: string | undefined,
  standing: Standing | undefined,
): Drawn {
  const { workflow, version } = plan
  const otherPath = other === undefined ? undefined : at(['workflows', workflow], { version: other })
  const otherPlan = useLoad(otherPath, (signal) => ask<Plan>(otherPath ?? '', { signal }))
  const path =
    other === undefined ? undefined : at(['workflows', workflow, 'differences'], { from: other, to: version })
  const { data: differences } = useLoad(path, (signal) => ask<VersionDifferences>(path ?? '', { signal }))
  const own = useMemo(() => graphOf(plan), [plan])
  return useMemo(() => {
    const key = `${workflow}\0${version}\0${plan.fingerprint}`
    if (otherPlan.data !== undefined && differences !== undefined) {
      const graph = union(own, graphOf(otherPlan.data))
      const faces = differenceFaces(graph, differences)
      return { key: `${key}\0${otherPlan.data.fingerprint}`, graph, faces, differences }
    }
    const heat = show === 'standing' && standing !== undefined
    return { key, graph: own, faces: heat ? heatFaces(own, standing) : plainFaces(own), differences: undefined }
  }, [own, otherPlan.data, differences, show, standing])
}

interface HeadProps {
  readonly plan: Plan
  readonly versions: readonly number[]
  readonly other: number | undefined
  readonly heat: boolean
}

function Head({ plan, versions, other, heat }: HeadProps) {
  const { workflow, version } = plan
  const others = versions.filter((each) => each !== version)
  return (
    <header class="instance-head">
      <nav class="crumbs" aria-label="Where this is">
        <a href={href([])}>Overview</a>
        <Icon name="right" />
        <span>Workflow</span>
      </nav>
      <div class="instance-title">
        <h1>
          <Name text={workflow} />
        </h1>
        <nav class="versions" aria-label="Versions">
          {versions.map((each) => (
            <a
              key={each}
              class="toggle tone-run"
              aria-current={each === version ? 'page' : undefined}
              href={amended({ version: String(each), with: undefined, node: undefined })}
            >
              v{each}
            </a>
          ))}
        </nav>
        <div class="actions">
          <a
            class="toggle tone-wait"
            role="button"
            aria-pressed={heat}
            href={amended({ show: heat ? undefined : 'standing', with: undefined })}
          >
            Where instances stand
          </a>
          {others.length > 0 && (
            <label class="inline-field">
              <span>Compare with</span>
              <select
                value={other === undefined ? '' : String(other)}
                onChange={(event) => go(amended({ with: event.currentTarget.value, show: undefined }))}
              >
                <option value="">no other</option>
                {others.map((each) => (
                  <option key={each} value={String(each)}>
                    v{each}
                  </option>
                ))}
              </select>
            </label>
          )}
          <a class="button" href={href(['instances'], { workflow, version: String(version) })}>
            Instances
          </a>
          {version === Math.max(version, ...versions) && <StartButton plan={plan} />}
        </div>
      </div>
    </header>
  )
}
