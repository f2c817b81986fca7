import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import pc from 'picocolors'
import { isPolarisError } from '../index.ts'
import { Refusal } from './api/api.ts'
import { buildersCommand } from './commands/builders.ts'
import { cancelCommand } from './commands/cancel.ts'
import { checkCommand } from './commands/check.ts'
import { compareCommand } from './commands/compare.ts'
import { completionCommand } from './commands/completion.ts'
import { deleteCommand } from './commands/delete.ts'
import { devCommand } from './commands/dev.ts'
import { diffCommand } from './commands/diff.ts'
import { doctorCommand } from './commands/doctor.ts'
import { explainCommand } from './commands/explain.ts'
import { feedCommand } from './commands/feed.ts'
import { forkCommand } from './commands/fork.ts'
import { getCommand } from './commands/get.ts'
import { graphCommand } from './commands/graph.ts'
import { historyCommand } from './commands/history.ts'
import { lineageCommand } from './commands/lineage.ts'
import { listCommand } from './commands/list.ts'
import { manifestCommand } from './commands/manifest.ts'
import { overviewCommand } from './commands/overview.ts'
import { previewCommand } from './commands/preview.ts'
import { pruneCommand } from './commands/prune.ts'
import { rerunCommand } from './commands/rerun.ts'
import { restartCommand } from './commands/restart.ts'
import { resumeCommand } from './commands/resume.ts'
import { runCommand } from './commands/run.ts'
import { upgradeCommand } from './commands/upgrade.ts'
import { versionsCommand } from './commands/versions.ts'
import { watchCommand } from './commands/watch.ts'
import { asJsonLine } from './io.ts'
import type { Io } from './io.ts'
import { printable } from './term/text.ts'
import { Trouble } from './trouble.ts'

/** In the order of the help. */
const COMMANDS = [
  ...[devCommand, runCommand, feedCommand],
  ...[watchCommand, listCommand, overviewCommand, getCommand, explainCommand, historyCommand, graphCommand],
  ...[diffCommand, lineageCommand, buildersCommand, previewCommand],
  ...[resumeCommand, rerunCommand, restartCommand, cancelCommand, forkCommand, deleteCommand, pruneCommand],
  ...[checkCommand, compareCommand, upgradeCommand, versionsCommand, manifestCommand, doctorCommand, completionCommand],
]

/**
 * Runs the command line; answers its exit code: 0; 1 if it did its work and what it found is not well, such as instances
 * that would be stranded or a builder that failed; 2 if it could not do its work.
 */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  let code = 0
  const program = new Command('polaris')
    .description('Workflows driven by data: run them, look at them, operate them.')
    .version(packageVersion(), '-V, --version', 'say which version this is')
    // Commands have a --version of their own, which is that of a workflow.
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(--help says what it takes.)')
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      getOutHasColors: () => io.colors,
      getErrHasColors: () => io.colors,
    })
  for (const add of COMMANDS) add(program, { io, exit: (given) => void (code = given) })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) {
      const ahead = error.code === 'commander.unknownOption' && args[0]?.startsWith('-')
      if (ahead) io.err('(Options come after the command: polaris list --json)\n')
      return error.exitCode === 0 ? 0 : 2
    }
    io.err(args.includes('--json') ? asJsonLine(problemOf(error)) : troubleText(error, io))
    return error instanceof Refusal && BUILDERS.has(error.code) ? 1 : 2
  }
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}

/** The call was understood and kept: it is the instance that is not well. */
const BUILDERS: ReadonlySet<string> = new Set(['BUILDER_FAILED', 'BUILDER_TIMEOUT', 'PRODUCT_INVALID', 'CRASH_LOOP'])

function troubleText(error: unknown, { colors }: Io): string {
  const { red, dim } = pc.createColors(colors)
  const [first = '', ...rest] = messageOf(error).split('\n')
  const hints = error instanceof Refusal ? error.hints.filter((hint) => hint !== '') : []
  const lines = [red(printable(first)), ...rest.map(printable), ...hints.map((hint) => dim(printable(hint)))]
  return `${lines.join('\n')}\n`
}

/** For programs: `code`, `message`, and what the problem document has besides. */
function problemOf(error: unknown): object {
  if (error instanceof Refusal) {
    const { detail: _, ...rest } = error.problem
    return { error: { ...rest, code: error.code, message: error.message } }
  }
  return { error: { code: isPolarisError(error) ? error.code : 'TROUBLE', message: messageOf(error) } }
}

function messageOf(error: unknown): string {
  if (error instanceof Trouble) return error.message
  // What the schemas found follows, a line each.
  const listed = error instanceof Refusal && error.code === 'DATA_INVALID' && error.hints.length > 0
  if (listed) return `DATA_INVALID: Data '${String(error.problem['data'])}' was refused. Nothing was stored.`
  if (error instanceof Refusal || isPolarisError(error)) return `${error.code}: ${error.message}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
