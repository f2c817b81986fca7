import type { Command } from 'commander'
import { getJson } from '../api/api.ts'
import type { Api } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Summary } from '../api/views.ts'
import { STATUS_STYLE } from '../draw/states.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { painted, span, table } from '../term/text.ts'
import { dayText } from '../term/time.ts'
import { wholeNumber } from '../words.ts'

interface Options extends PlaceOptions {
  readonly workflow?: string
  readonly version?: number
  readonly status?: string
  readonly createdFrom?: string
  readonly createdBefore?: string
  readonly idPrefix?: string
  readonly waitingFor?: string
  readonly waiting?: true
  readonly newest?: true
  readonly limit: number
}

interface Page {
  readonly instances: readonly (Summary & { readonly waitingFor?: readonly string[] })[]
  readonly next?: string
}

const LONGEST_PAGE = 1_000

/** Instances, oldest first unless asked otherwise. */
export function listCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('list'))
    .option('--workflow <name>', 'of this workflow alone')
    .option('--version <number>', 'of this version of it', wholeNumber)
    .option('--status <names>', 'running, waiting, completed, failed, cancelled, retrying; several with commas')
    .option('--created-from <time>', 'created then or later: 2026-01-31 or 2026-01-31T09:30:00Z')
    .option('--created-before <time>', 'created before')
    .option('--id-prefix <text>', 'with ids that begin so')
    .option('--waiting-for <data>', 'that wait for this data')
    .option('--waiting', 'say of each what it waits for')
    .option('--newest', 'the newest first')
    .option('--limit <number>', 'at most so many', wholeNumber, 100)
    .description('list instances, the oldest first')
    .action(async (options: Options) => {
      const page = await at(cli, options, { need: 'looks' }, (api) => pagesOf(api, options))
      cli.io.out(options.json ? asJson(page) : shown(page, cli))
    })
}

async function pagesOf(
  api: Api,
  { limit, waiting, newest, workflow, version, status, createdFrom, createdBefore, idPrefix, waitingFor }: Options,
): Promise<Page> {
  const instances: Page['instances'][number][] = []
  for (let cursor: string | undefined; ;) {
    const size = Math.min(LONGEST_PAGE, limit - instances.length)
    const page: Page = await getJson(api, '/instances', {
      ...{ workflow, version, status, createdFrom, createdBefore, idPrefix, waitingFor, cursor },
      ...(waiting && { waiting: 'true' }),
      ...(newest && { order: 'newest' }),
      limit: size,
    })
    instances.push(...page.instances)
    cursor = page.next
    if (cursor === undefined) return { instances }
    if (instances.length >= limit) return { instances, next: cursor }
  }
}

function shown({ instances, next }: Page, { io }: Cli): string {
  if (instances.length === 0) return 'There is no such instance.\n'
  const waits = instances.some(({ waitingFor }) => waitingFor !== undefined)
  const columns = ['id', 'workflow', 'status', 'scopes', 'created', 'updated', ...(waits ? ['waits for'] : [])]
  const rows = instances.map(({ id, workflow, version, status, scopes, createdAt, updatedAt, waitingFor = [] }) => [
    ...[id, `${workflow} ${version}`, span(status, STATUS_STYLE[status]), String(scopes)],
    ...[dayText(createdAt), dayText(updatedAt), ...(waits ? [waitingFor.join(', ')] : [])],
  ])
  const lines = table(
    columns.map((title) => (title === 'scopes' ? { title, right: true } : { title })),
    rows,
  )
  const more = next === undefined ? '' : 'There are more: raise --limit, or narrow it down.\n'
  return painted(lines, io.colors) + more
}
