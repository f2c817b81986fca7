import type { Command } from 'commander'
import { Polaris } from '../../index.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { loadWorkflows } from '../load.ts'
import { openStore, storeNamed } from '../store.ts'
import { line, painted, span } from '../term/text.ts'

interface Options {
  readonly store?: string
  readonly json?: true
}

/** Counts open instances by version; with a module, says which of its versions nobody needs any more. */
export function versionsCommand(parent: Command, cli: Cli): void {
  parent
    .command('versions')
    .argument('[module]', "the code's workflows: says which versions of them can be deleted")
    .option('--store <url>', 'postgres://…, redis://… or a SQLite file; else POLARIS_STORE')
    .option('--json', 'for programs')
    .description('count open instances by version, and say which code can be deleted')
    .action(async (module: string | undefined, { store: url, json }: Options) => {
      const workflows = module === undefined ? [] : await loadWorkflows(module, cli.io.cwd)
      const polaris = new Polaris({ store: await openStore(storeNamed(cli.io, url), cli.io) })
      try {
        const counts = await polaris.versions()
        const idle = workflows
          .filter(({ name, version }) => !counts.some((count) => count.workflow === name && count.version === version))
          .filter(({ name, version }) => workflows.some((other) => other.name === name && other.version > version))
          .map(({ name, version }) => ({ workflow: name, version }))
        if (json) {
          cli.io.out(asJson({ versions: counts, deletable: idle }))
          return
        }
        const day = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
        const lines = counts.map(({ workflow, version, open, oldest, lastTouched }) =>
          line(
            span(`${workflow} ${version}`, 'bold'),
            `: ${open} open, the oldest of ${day(oldest)}, last touched ${day(lastTouched)}`,
          ),
        )
        if (counts.length === 0) lines.push(line('No instance is open.'))
        for (const { workflow, version } of idle) {
          const said = `Code of version ${version} of '${workflow}' can be deleted: no instance needs it.`
          lines.push(line(span(said, 'green')))
        }
        cli.io.out(painted(lines, cli.io.colors))
      } finally {
        await polaris.close()
      }
    })
}
