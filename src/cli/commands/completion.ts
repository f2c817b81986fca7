import { Argument } from 'commander'
import type { Command } from 'commander'
import { getJson, workflowsOf } from '../api/api.ts'
import { at } from '../api/place.ts'
import type { Summary } from '../api/views.ts'
import { completionScript, NAMES_COMMANDS, SHELLS } from '../completion.ts'
import type { Completed, Words } from '../completion.ts'
import type { Cli } from '../io.ts'

const MOST_IDS = 1_000
/** Shells expand the words that they complete: an id such as `$(…)`, which anybody may have fed, would be run. */
const HARMLESS = /^[\w.@/+][\w.@/+-]*$/

/** A script that completes commands, options, ids and workflows in a shell. */
export function completionCommand(parent: Command, cli: Cli): void {
  parent
    .command('completion')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .description('write a script that completes commands, options, ids and workflows: bash, zsh or fish')
    .addHelpText(
      'after',
      '\nbash:  source <(polaris completion bash)\nzsh:   source <(polaris completion zsh)\nfish:  polaris completion fish | source',
    )
    .action((shell: (typeof SHELLS)[number]) => cli.io.out(completionScript(shell, commandsOf(parent))))
  // For the scripts: what there is, if that is quickly known.
  parent.command(NAMES_COMMANDS.ids, { hidden: true }).action(async () => {
    const page = await at(cli, {}, { need: 'looks' }, (api) =>
      getJson<{ readonly instances: readonly Summary[] }>(api, '/instances', { limit: MOST_IDS }),
    )
    sayNames(
      cli,
      page.instances.map(({ id }) => id),
    )
  })
  parent.command(NAMES_COMMANDS.workflows, { hidden: true }).action(async () => {
    const workflows = await at(cli, {}, { need: 'reads' }, workflowsOf)
    sayNames(
      cli,
      workflows.map(({ name }) => name),
    )
  })
}

function sayNames({ io }: Cli, names: readonly string[]): void {
  const lines = names.filter((name) => HARMLESS.test(name)).map((name) => `${name}\n`)
  io.out(lines.join(''))
}

function commandsOf(program: Command): Completed[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({
      name: command.name(),
      about: command.description(),
      options: command.options.flatMap(({ long, hidden, argChoices, description, flags }) => {
        if (long == null || hidden) return []
        const [, value] = /[<[](.+)[>\]]/.exec(flags) ?? []
        const option = { name: long, about: description }
        return [value === undefined ? option : { ...option, value: { of: argChoices ?? OPTION_WORDS[long] } }]
      }),
      takes: command.registeredArguments.map((argument) => ({
        name: argument.name(),
        of: argument.argChoices ?? ARGUMENT_WORDS[argument.name()],
      })),
    }))
}

const ARGUMENT_WORDS: Readonly<Record<string, Words>> = { id: 'ids', workflow: 'workflows', module: 'files' }
const OPTION_WORDS: Readonly<Record<string, Words>> = {
  ...{ '--module': 'files', '--store': 'files', '--file': 'files', '--manifest': 'files', '--out': 'files' },
  ...{ '--id': 'ids', '--workflow': 'workflows' },
}
