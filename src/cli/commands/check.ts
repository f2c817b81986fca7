import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { checkManifest, Polaris } from '../../index.ts'
import type { AnyWorkflow, CheckReport, ManifestReport } from '../../index.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { loadWorkflows } from '../load.ts'
import { progressBar } from '../progress.ts'
import { showCheck, showManifestCheck } from '../show-check.ts'
import { moduleNamed, openStore, storeNamed } from '../store.ts'
import { Trouble } from '../trouble.ts'
import { wholeNumber } from '../words.ts'

interface Options {
  readonly store?: string
  readonly manifest?: string
  readonly sample?: number
  readonly json?: true
}

/** Says, before a deploy, what new code means for every open instance. Ends with 1 if any would be stranded. */
export function checkCommand(parent: Command, cli: Cli): void {
  parent
    .command('check')
    .argument('[module]', 'exports the workflows of the new code, all versions that it is to serve; else as for dev')
    .option('--store <url>', 'postgres://…, redis://… or a SQLite file; else POLARIS_STORE')
    .option('--manifest <file>', 'check against a manifest instead of a store')
    .option('--sample <number>', 'look at so many instances, drawn by chance, instead of at all', wholeNumber)
    .option('--json', 'for programs')
    .description('say what new code means for open instances; exit code 1 if any would be stranded')
    .action(async (module: string | undefined, options: Options) => {
      const workflows = await loadWorkflows(moduleNamed(cli.io, module, 'check'), cli.io.cwd)
      const report =
        options.manifest === undefined
          ? await againstStore(cli, workflows, options)
          : checkManifest(readJson(resolve(cli.io.cwd, options.manifest)), workflows)
      cli.io.out(options.json ? asJson(report) : shown(report, cli.io.colors))
      if (!report.ok) cli.exit(1)
    })
}

async function againstStore(cli: Cli, workflows: readonly AnyWorkflow[], options: Options): Promise<CheckReport> {
  const polaris = new Polaris({ store: await openStore(storeNamed(cli.io, options.store), cli.io) })
  const bar = progressBar(cli.io)
  const { sample } = options
  try {
    return await polaris.check(workflows, {
      ...(sample !== undefined && { sample }),
      onProgress: ({ counted, checked, total }) =>
        bar.at(total === undefined ? 0 : checked, total, `${counted} counted`),
    })
  } finally {
    bar.end()
    await polaris.close()
  }
}

function shown(report: CheckReport | ManifestReport, colors: boolean): string {
  return 'checked' in report ? showCheck(report, colors) : showManifestCheck(report, colors)
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Trouble(`The manifest ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`)
  }
}
