/** What to do about a refusal: said after it, one line each. */
import { didYouMean } from '../near.ts'
import { getJson, workflowsOf } from './api.ts'
import type { Api, Refusal } from './api.ts'
import type { Summary } from './views.ts'

/** What a command was asked for, as far as it helps to put a mistake right. */
export interface Asked {
  readonly id?: string
  readonly workflow?: string
  readonly builder?: string
}

/** Never throws: who wants to help must not make it worse. */
export async function hintsFor(api: Api, { code, problem }: Refusal, asked: Asked): Promise<string[]> {
  try {
    switch (code) {
      case 'WORKFLOW_NOT_FOUND':
        return [await workflowHint(api, asked.workflow ?? '')]
      case 'INSTANCE_NOT_FOUND':
        return [await instanceHint(api, asked.id ?? '')]
      case 'DATA_UNKNOWN':
        return [dataHint(problem)]
      case 'DATA_INVALID':
        return issuesOf(problem)
      case 'BUILDER_FAILED':
      case 'BUILDER_TIMEOUT':
        return [resumeHint(problem, asked)]
      case 'BUILDER_UNKNOWN':
        return [builderHint(problem, asked)]
      case 'VERSION_NOT_SERVED':
        return ['Name the code that has this version by --module.']
      case 'INSTANCE_EXISTS':
        return ['polaris feed hands data to an instance that exists.']
      default:
        return []
    }
  } catch {
    return []
  }
}

async function workflowHint(api: Api, given: string): Promise<string> {
  const names = (await workflowsOf(api)).map(({ name }) => name)
  if (names.length === 0) return 'No workflow is known: name the module that exports them by --module.'
  return `Those that exist: ${names.join(', ')}.${didYouMean(given, names)}`
}

async function instanceHint(api: Api, given: string): Promise<string> {
  const { instances } = await getJson<{ readonly instances: readonly Summary[] }>(api, '/instances', { limit: 1_000 })
  if (instances.length === 0) return `There is none at all in ${api.where}.`
  return `polaris list shows those that exist.${didYouMean(
    given,
    instances.map(({ id }) => id),
  )}`
}

function resumeHint({ instance }: Refusal['problem'], asked: Asked): string {
  const { id = asked.id ?? '<id>' } = (instance ?? {}) as { readonly id?: string }
  return `polaris resume ${shellText(id)} goes on from there.`
}

function builderHint({ detail }: Refusal['problem'], { builder = '' }: Asked): string {
  const [, list = ''] = /It has (.*)\.$/.exec(String(detail)) ?? []
  return didYouMean(
    builder,
    Array.from(list.matchAll(/'([^']+)'/g), ([, name]) => name ?? ''),
  ).trim()
}

function dataHint({ feedable, detail }: Refusal['problem']): string {
  const given = /no data '([^']*)'/.exec(String(detail))?.[1] ?? ''
  return didYouMean(given, Array.isArray(feedable) ? feedable.map(String) : []).trim()
}

/** Every issue that the schemas found, and where. */
function issuesOf({ errors }: Refusal['problem']): string[] {
  if (!Array.isArray(errors)) return []
  return (errors as readonly { readonly detail?: unknown; readonly pointer?: unknown }[]).map(({ detail, pointer }) => {
    const path = decodeURIComponent(String(pointer)).replace(/^#\//, '').replaceAll('/', '.').replaceAll('~1', '/')
    return `  ${path.replaceAll('~0', '~')}: ${String(detail)}`
  })
}

/** As a shell takes it for one word. */
function shellText(text: string): string {
  return /^[\w.:@/+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
