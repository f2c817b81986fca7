import { Command, CommanderError } from 'commander'
import pc from 'picocolors'
import { isPolarisError } from '../index.ts'
import { checkCommand } from './commands/check.ts'
import { manifestCommand } from './commands/manifest.ts'
import { versionsCommand } from './commands/versions.ts'
import type { Io } from './io.ts'
import { Trouble } from './trouble.ts'

/** In the order of the help. */
const COMMANDS = [checkCommand, manifestCommand, versionsCommand]

/** Runs the command line; answers its exit code: 0, 1 if a check found something, 2 if it could not do its work. */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  let code = 0
  const program = new Command('polaris')
    .description('Workflows driven by data: look before you deploy.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
  for (const add of COMMANDS) add(program, { io, exit: (given) => void (code = given) })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    io.err(`${pc.red(messageOf(error))}\n`)
    return 2
  }
}

function messageOf(error: unknown): string {
  if (error instanceof Trouble) return error.message
  if (isPolarisError(error)) return `${error.code}: ${error.message}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
