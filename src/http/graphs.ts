/** Routes that show workflows: their graphs, and what is different between versions. */
import { compareWorkflows } from '../index.ts'
import type { AnyWorkflow, Plan, PlanBuilder, PlanEdge } from '../index.ts'
import type { Entry } from './catalogue.ts'
import { jsonSchemaOf } from './json-schema.ts'
import { Problem } from './problems.ts'
import { jsonReply, textReply } from './reply.ts'
import { oneOf, wholeNumber } from './routes.ts'
import type { Asked, Route, Service } from './routes.ts'

export const GRAPHS: readonly Route[] = [
  { method: 'GET', path: '/workflows', action: 'describe', query: [], run: workflows },
  { method: 'GET', path: '/workflows/{workflow}', action: 'describe', query: ['version'], run: workflow },
  { method: 'GET', path: '/workflows/{workflow}/graph', action: 'describe', query: ['version', 'format'], run: graph },
  {
    method: 'GET',
    path: '/workflows/{workflow}/differences',
    action: 'describe',
    query: ['from', 'to'],
    run: differences,
  },
  { method: 'GET', path: '/workflows/{workflow}/manifest', action: 'describe', query: ['version'], run: manifest },
]

async function workflows({ catalogue }: Service): Promise<Response> {
  const names = [...new Set(catalogue.all().map(({ name }) => name))]
  return jsonReply(200, {
    workflows: names.map((name) => {
      const versions = catalogue.versionsOf(name)
      const [{ version, workflow }] = versions as [Entry]
      const { targets, inputs } = workflow.plan
      return { name, version, versions: versions.map((each) => each.version), targets, inputs }
    }),
  })
}

/** @throws Problem `WORKFLOW_NOT_FOUND` */
function asked({ catalogue }: Service, asked: Asked, version: number | undefined): AnyWorkflow {
  return catalogue.find(asked.params['workflow'] ?? '', version).workflow
}

async function workflow(service: Service, request: Asked): Promise<Response> {
  const { plan } = asked(service, request, wholeNumber(request, 'version'))
  const { data, ...rest } = plan.toJSON()
  const described = data.map((each) => ({ ...each, schema: jsonSchemaOf(plan.dataNamed(each.name).schema) }))
  return jsonReply(200, { ...rest, data: described })
}

async function graph(service: Service, request: Asked): Promise<Response> {
  const format = oneOf(request, 'format', ['mermaid', 'dot', 'json']) ?? 'mermaid'
  const { plan } = asked(service, request, wholeNumber(request, 'version'))
  if (format === 'json') return jsonReply(200, graphView(plan))
  return textReply(format === 'dot' ? plan.toDot() : plan.toMermaid())
}

/** The graph as nodes and edges, to be drawn. */
function graphView(plan: Plan): object {
  const { builders, data, unreachable, ...json } = plan.toJSON()
  const { workflow, version, fingerprint, loops, timeout, targets, ranks } = json
  const dataOf = new Map(data.map((each) => [each.name, each]))
  const off = new Set(unreachable)
  const made = builders.map(({ consumes: _, optionals: _1, accesses: _2, ...builder }) => {
    const product = dataOf.get(builder.produces)
    return {
      ...described(builder),
      target: product?.target === true,
      transient: product?.transient === true,
      sensitive: product?.sensitive === true,
      unreachable: off.has(builder.name),
    }
  })
  const fed = data
    .filter(({ producer }) => producer === undefined)
    .map(({ name, feedable, sensitive, target }) => {
      return { id: `d:${name}`, kind: 'data', name, feedable, sensitive, target }
    })
  return {
    ...{ workflow, version, fingerprint, loops, targets, ranks },
    ...(timeout !== undefined && { timeout }),
    nodes: [...made, ...fed],
    edges: plan.edges.map(edgeView),
  }
}

function described(builder: Omit<PlanBuilder, 'consumes' | 'optionals' | 'accesses'>): object {
  const kind = builder.timer === undefined ? 'builder' : 'timer'
  return { id: `b:${builder.name}`, kind, cutoff: false, fallback: false, ...builder }
}

function edgeView({ data, from, to, kind, cut }: PlanEdge): object {
  return { from: from === undefined ? `d:${data}` : `b:${from}`, to: `b:${to}`, data, kind, ...(cut && { cut }) }
}

async function differences(service: Service, request: Asked): Promise<Response> {
  const { workflow = '' } = request.params
  const [newest, before] = service.catalogue.versionsOf(workflow)
  const to = wholeNumber(request, 'to') ?? newest?.version
  const from = wholeNumber(request, 'from') ?? before?.version ?? to
  const difference = compareWorkflows(asked(service, request, from), asked(service, request, to))
  return jsonReply(200, { workflow, from, to, ...difference })
}

async function manifest(service: Service, request: Asked): Promise<Response> {
  const wanted = asked(service, request, wholeNumber(request, 'version'))
  const { format, workflows } = service.polaris.manifest()
  const found = workflows.filter(({ workflow, version }) => workflow === wanted.name && version === wanted.version)
  if (found.length === 0) throw new Problem('WORKFLOW_NOT_FOUND', `There is no manifest of '${wanted.name}'.`)
  return jsonReply(200, { format, workflows: found })
}
