import type { WorkflowLine } from './views.ts'

/** The HTTP API, wherever it is answered: by a running service, or in this process on a store. */
export interface Api {
  /** In words: `the service at http://…`, `the store rides.db`. */
  readonly where: string
  /** @throws {@link Refusal}, {@link Trouble} */
  send(method: 'GET' | 'POST' | 'DELETE', path: string, options?: SendOptions): Promise<Response>
  close(): Promise<void>
}

export interface SendOptions {
  /** Parameters; those without a value are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** The service understood the request, and will not do it. */
export class Refusal extends Error {
  readonly code: string
  /** The problem document, and what is known of the cause. */
  readonly problem: Readonly<Record<string, unknown>>
  /** What to do about it. */
  readonly hints: string[] = []

  constructor(problem: Readonly<Record<string, unknown>>, detail?: string) {
    const { code, title } = problem
    super(detail ?? textOf(problem['detail']) ?? textOf(title) ?? 'The service refused it without a reason.')
    this.code = textOf(code) ?? 'INTERNAL'
    this.problem = detail === undefined ? problem : { ...problem, detail }
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** @throws {@link Refusal} */
export async function checkAnswer(
  response: Response,
  detail?: (code: string) => string | undefined,
): Promise<Response> {
  if (response.ok) return response
  const text = await response.text()
  const problem = problemIn(text) ?? {
    code: 'INTERNAL',
    detail: `It answered ${response.status}: ${text.slice(0, 200)}`,
  }
  throw new Refusal(problem, detail?.(textOf(problem['code']) ?? ''))
}

function problemIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

export async function getJson<T>(api: Api, path: string, query: SendOptions['query'] = {}): Promise<T> {
  return (await (await api.send('GET', path, { query })).json()) as T
}

export async function postJson<T>(api: Api, path: string, body: object, options: SendOptions = {}): Promise<T> {
  return (await (await api.send('POST', path, { ...options, body })).json()) as T
}

export function pathOf(id: string, part = ''): string {
  return `/instances/${encodeURIComponent(id)}${part}`
}

export async function workflowsOf(api: Api): Promise<readonly WorkflowLine[]> {
  return (await getJson<{ readonly workflows: readonly WorkflowLine[] }>(api, '/workflows')).workflows
}

export function urlOf(base: string, path: string, query: SendOptions['query'] = {}): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value))
  const search = given.toString()
  return `${base}/api${path}${search === '' ? '' : `?${search}`}`
}
