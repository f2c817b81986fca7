import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import { durationMs } from '../../index.ts'
import { withYes } from '../act.ts'
import type { YesOptions } from '../act.ts'
import { getJson, pathOf, Refusal } from '../api/api.ts'
import type { Api } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { Summary } from '../api/views.ts'
import { confirm } from '../confirm.ts'
import { asJson } from '../io.ts'
import type { Cli, Io } from '../io.ts'
import { progressBar } from '../progress.ts'
import { counted } from '../term/text.ts'
import { Trouble } from '../trouble.ts'

interface Options extends YesOptions {
  readonly olderThan: number
  readonly status: string
  readonly workflow?: string
  readonly dryRun?: true
}

const AT_ONCE = 8
const PAGE = 1_000

/** Deletes what is over and has not moved for a while. */
export function pruneCommand(parent: Command, cli: Cli): void {
  withYes(withPlace(parent.command('prune')))
    .requiredOption('--older-than <time>', 'that has not moved for so long: 90m, 12h, 30d', duration)
    .option('--status <names>', 'of these, with commas', 'completed,cancelled')
    .option('--workflow <name>', 'of this workflow alone')
    .option('--dry-run', 'only say which')
    .description('delete instances that are over, with their histories')
    .action(async (options: Options) => {
      const { io } = cli
      const { yes, dryRun } = options
      const deleted = await at(cli, options, { need: 'looks' }, async (api) => {
        const found = await overdue(api, io, options)
        if (dryRun || found.length === 0) return found
        const some = `${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}`
        await confirm(io, `Delete ${counted(found.length, 'instance')} (${some}) with all history for good?`, yes)
        return remove(api, io, found, options)
      })
      if (options.json) io.out(asJson({ deleted: dryRun ? [] : deleted, ...(dryRun && { found: deleted }) }))
      else if (dryRun)
        io.out(`${counted(deleted.length, 'instance')} would be deleted.\n${deleted.map((id) => `${id}\n`).join('')}`)
      else
        io.out(
          deleted.length === 0 ? 'There is nothing to delete.\n' : `Deleted ${counted(deleted.length, 'instance')}.\n`,
        )
    })
}

function cutoffOf({ olderThan }: Options): string {
  return new Date(Date.now() - olderThan).toISOString()
}

async function overdue(api: Api, io: Io, options: Options): Promise<string[]> {
  const { status, workflow } = options
  if (/running|waiting|retrying/.test(status)) {
    throw new Trouble(
      'Only what is over can be pruned: completed, cancelled, failed. polaris delete takes any instance.',
    )
  }
  const cutoff = cutoffOf(options)
  const found: string[] = []
  const bar = progressBar(io)
  try {
    // What was created later cannot have moved before.
    for (let cursor: string | undefined; ;) {
      const page: { readonly instances: readonly Summary[]; readonly next?: string } = await getJson(
        api,
        '/instances',
        {
          ...{ status, workflow, createdBefore: cutoff, cursor },
          limit: PAGE,
        },
      )
      found.push(...page.instances.filter(({ updatedAt }) => updatedAt < cutoff).map(({ id }) => id))
      bar.at(0, undefined, `${found.length} found`)
      cursor = page.next
      if (cursor === undefined) return found
    }
  } finally {
    bar.end()
  }
}

/** Leaves alone what moved since it was found, or went away by itself. */
async function remove(api: Api, io: Io, ids: readonly string[], options: Options): Promise<string[]> {
  const cutoff = cutoffOf(options)
  const deleted: string[] = []
  const bar = progressBar(io)
  const queue = [...ids]
  const work = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined && !io.signal.aborted; id = queue.shift()) {
      if (await removeOne(api, id, cutoff, options.status.split(','))) deleted.push(id)
      bar.at(ids.length - queue.length, ids.length, '')
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return deleted
  } finally {
    bar.end()
  }
}

async function removeOne(api: Api, id: string, cutoff: string, statuses: readonly string[]): Promise<boolean> {
  try {
    const { updatedAt, status } = await getJson<Summary>(api, pathOf(id))
    if (updatedAt >= cutoff || !statuses.includes(status)) return false
    await api.send('DELETE', pathOf(id))
    return true
  } catch (error) {
    if (error instanceof Refusal && ['INSTANCE_NOT_FOUND', 'INSTANCE_DELETED'].includes(error.code)) return false
    throw error
  }
}

/** @throws `InvalidArgumentError` */
function duration(text: string): number {
  const ms = durationMs(text)
  if (ms !== undefined && ms >= 0) return ms
  throw new InvalidArgumentError('It must be a time such as 90m, 12h or 30d.')
}
