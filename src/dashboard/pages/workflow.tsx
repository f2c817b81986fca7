import { ask, at } from '../api/client.ts'
import { useLoad } from '../api/load.ts'
import type { Plan } from '../api/wire.ts'
import { graphOf } from '../graph/model.ts'
import { GraphView } from '../graph/view.tsx'
import { amended, go } from '../router.ts'
import { With } from '../ui/states.tsx'
import { Name } from '../ui/text.tsx'
import { useTitle } from '../ui/title.ts'

interface WorkflowProps {
  readonly name: string
  readonly query: ReadonlyMap<string, string>
}

export function Workflow({ name, query }: WorkflowProps) {
  useTitle(name)
  const path = at(['workflows', name], { version: query.get('version') })
  const plan = useLoad(path, (signal) => ask<Plan>(path, { signal }))
  return (
    <div class="page page-wide">
      <div class="page-head">
        <h1>
          <Name text={name} />
        </h1>
      </div>
      <With of={plan} what="the workflow">
        {(data) => (
          <GraphView
            graphKey={`${data.workflow}\0${data.version}\0${data.fingerprint}`}
            graph={graphOf(data)}
            faces={new Map()}
            selected={query.get('node')}
            onSelect={(node) => go(amended({ node }), true)}
            label={`Execution graph of ${name}`}
          />
        )}
      </With>
    </div>
  )
}
