import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { manifest } from '../../index.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { loadWorkflows } from '../load.ts'
import { moduleNamed } from '../store.ts'

/** Writes the graphs of a module's workflows as JSON, to be committed and checked against. */
export function manifestCommand(parent: Command, cli: Cli): void {
  parent
    .command('manifest')
    .argument('[module]', "the code's workflows; else as for dev")
    .option('--out <file>', 'where to write it; else to the standard output')
    .description('write the graphs of workflows as JSON, to check later code against')
    .action(async (module: string | undefined, { out }: { readonly out?: string }) => {
      const text = asJson(manifest(await loadWorkflows(moduleNamed(cli.io, module, 'manifest'), cli.io.cwd)))
      if (out === undefined) cli.io.out(text)
      else writeFileSync(resolve(cli.io.cwd, out), text)
    })
}
