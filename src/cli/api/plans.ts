import type { PlanJson } from '../../index.ts'
import { getJson } from './api.ts'
import type { Api } from './api.ts'

export async function planOf(api: Api, workflow: string, version: number | undefined): Promise<PlanJson> {
  return getJson<PlanJson>(api, `/workflows/${encodeURIComponent(workflow)}`, { version })
}
