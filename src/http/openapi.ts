/** The OpenAPI 3.1 document of the API, made from the registered workflows and the schemas of their data. */
import type { Catalogue, Entry } from './catalogue.ts'
import { jsonSchemaOf, placed } from './json-schema.ts'
import { docOf } from './openapi-docs.ts'
import type { Doc } from './openapi-docs.ts'
import { COMPONENTS } from './openapi-parts.ts'
import type { Route } from './routes.ts'

type Json = Record<string, unknown>

/** @param api path of the API @param tokens whether callers show a token */
export function openapiDocument(routes: readonly Route[], catalogue: Catalogue, api: string, tokens: boolean): object {
  const paths: Record<string, Json> = {}
  const schemas: Json = { ...COMPONENTS.schemas }
  for (const route of routes) {
    if (route.action === 'feed') continue
    const path = (paths[api + route.path || '/'] ??= {})
    path[route.method.toLowerCase()] = operation(route, docOf(route))
  }
  const names = [...new Set(catalogue.all().map(({ name }) => name))]
  for (const name of names) {
    const versions = catalogue.versionsOf(name)
    const delta = deltaSchema(versions, schemas)
    paths[`${api}/workflows/${encodeURIComponent(name)}/instances/{id}`] = { post: feedOperation(name, delta) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Workflows', version: '1', description: `Instances of ${names.join(', ') || 'no workflow yet'}.` },
    servers: [{ url: '/' }],
    paths,
    components: { ...COMPONENTS, schemas },
    ...(tokens && { security: [{ token: [] }] }),
  }
}

function operation({ method, path, action, query }: Route, doc: Doc): Json {
  const { id, summary, answer, status = 200, body } = doc
  const params = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => `path_${name ?? ''}`)
  const headers = action === 'watch' ? ['header_Last-Event-ID'] : method === 'POST' && action !== 'fork' ? [KEY] : []
  const parameters = [...params, ...query.map((name) => `query_${name}`), ...headers].map(parameter)
  return {
    operationId: id,
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: { required: !['Nothing', 'Reason', 'Cancel', 'Upgrade'].includes(body), content: json(ref(body)) },
    }),
    responses: { [status]: { $ref: `#/components/responses/${answer}` }, default: PROBLEM },
  }
}

const KEY = 'header_Idempotency-Key'
const PROBLEM = { $ref: '#/components/responses/Problem' }

function parameter(name: string): Json {
  return { $ref: `#/components/parameters/${name}` }
}

function ref(schema: string): Json {
  return { $ref: `#/components/schemas/${schema}` }
}

function json(schema: unknown): Json {
  return { 'application/json': { schema } }
}

function feedOperation(name: string, delta: unknown): Json {
  const statuses = Object.entries({
    409: 'The instance does not take the delta, or the Idempotency-Key came before with another body',
    422: 'A datum was refused; nothing was stored',
  })
  return {
    operationId: `feed_${safeName(name)}`,
    summary: `Feeds data to an instance of ${name}, which begins it if it is new`,
    parameters: ['path_id', 'query_mode', 'query_expect', 'query_about', KEY].map(parameter),
    requestBody: { required: true, content: json(delta) },
    responses: {
      200: { $ref: '#/components/responses/Result' },
      202: { $ref: '#/components/responses/Submitted' },
      ...Object.fromEntries(statuses.map(([status, description]) => [status, { description, content: problem() }])),
      default: PROBLEM,
    },
  }
}

function problem(): Json {
  return { 'application/problem+json': { schema: ref('Problem') } }
}

/** What may be fed, over all versions: of each data what any of them takes. */
function deltaSchema(versions: readonly Entry[], schemas: Json): Json {
  const properties = new Map<string, unknown[]>()
  for (const {
    name: workflow,
    version,
    workflow: { plan },
    data,
  } of versions) {
    for (const { name, feedable, about } of data.values()) {
      if (!feedable) continue
      const key = uniqueName(`${workflow}.${name}`, version, versions.length > 1, schemas)
      const place = `#/components/schemas/${key}`
      const schema = placed(jsonSchemaOf(plan.dataNamed(name).schema), place) as Json
      const note = about === undefined ? {} : { description: aboutText(about) }
      schemas[key] = { ...note, ...schema }
      properties.set(name, [...(properties.get(name) ?? []), { $ref: place }])
    }
  }
  const members = Array.from(
    properties,
    ([name, refs]) => [name, refs.length === 1 ? refs[0] : { anyOf: refs }] as const,
  )
  return { type: 'object', properties: Object.fromEntries(members), additionalProperties: false }
}

function aboutText(about: string): string {
  return `About one ${about}: the current one, or that of the entry that the parameter about names. It counts no longer than that stands.`
}

function uniqueName(wanted: string, version: number, several: boolean, taken: Json): string {
  const base = safeName(several ? `${wanted}.v${version}` : wanted)
  for (let count = 1; ; count++) {
    const name = count === 1 ? base : `${base}_${count}`
    if (!Object.hasOwn(taken, name)) return name
  }
}

/** Names of components have letters, digits, dots, hyphens and underscores only. */
function safeName(name: string): string {
  return name.replace(/[^\w.-]/g, '_')
}
