import type { Command } from 'commander'
import { readDevFile, readSettings } from '../api/project.ts'
import { examineModule, examineStore } from '../doctor/doctor.ts'
import type { Finding } from '../doctor/doctor.ts'
import { asJson } from '../io.ts'
import type { Cli, Io } from '../io.ts'
import { loadModule } from '../load.ts'
import type { UserModule } from '../load.ts'
import { progressBar } from '../progress.ts'
import { openStore, storeNamed } from '../store.ts'
import { line, padded, painted, span } from '../term/text.ts'
import type { Line } from '../term/text.ts'
import { Trouble } from '../trouble.ts'

interface Options {
  readonly module?: string
  readonly store?: string
  readonly json?: true
}

/** Whether the store and those who work on it are as they should be. */
export function doctorCommand(parent: Command, cli: Cli): void {
  parent
    .command('doctor')
    .option('--module <file>', 'the workflows that should be served; else POLARIS_MODULE, package.json')
    .option('--store <url>', 'postgres://…, redis://… or a SQLite file; else POLARIS_STORE, package.json')
    .option('--json', 'for programs')
    .description('look whether the store answers, and whether anything is stuck; exit code 1 if so')
    .action(async (options: Options) => {
      const { io } = cli
      const findings = await examine(io, options)
      const ok = findings.every(({ is }) => is !== 'wrong')
      io.out(options.json ? asJson({ ok, findings }) : painted(findings.flatMap(linesOf), io.colors))
      if (!ok) cli.exit(1)
    })
}

async function examine(io: Io, options: Options): Promise<Finding[]> {
  const path = options.module ?? io.env['POLARIS_MODULE'] ?? readSettings(io.cwd).module ?? readDevFile(io.cwd)?.module
  const found: Finding[] = []
  let module: UserModule | undefined
  try {
    module = path === undefined ? undefined : await loadModule(path, io.cwd)
    if (module !== undefined) found.push(...(await examineModule(module)))
  } catch (error) {
    if (!(error instanceof Trouble)) throw error
    found.push({ check: 'module', is: 'wrong', says: error.message })
  }
  const store = await openStore(storeNamed(io, options.store), io)
  const bar = progressBar(io)
  try {
    return [...found, ...(await examineStore(store, module, bar))]
  } finally {
    bar.end()
    await store.close()
  }
}

const SIGNS = { well: span('✔', 'green'), note: span('!', 'yellow'), wrong: span('✘', 'red') } as const
const LONGEST_CHECK = 'instances'.length

function linesOf({ check, is, says, todo }: Finding): Line[] {
  const first = line(SIGNS[is], ` ${padded(check, LONGEST_CHECK)}  `, says.split('\n')[0] ?? '')
  const indent = ' '.repeat(LONGEST_CHECK + 4)
  return [first, ...(todo === undefined ? [] : [line(indent, span(todo, 'dim'))])]
}
