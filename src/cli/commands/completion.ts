import { Argument } from 'commander'
import type { Command } from 'commander'
import { getJson } from '../api/api.ts'
import { at } from '../api/place.ts'
import type { Summary } from '../api/views.ts'
import { completionScript, SHELLS } from '../completion.ts'
import type { Completed } from '../completion.ts'
import type { Cli } from '../io.ts'

const IDS_COMMAND = 'ids'
const MOST_IDS = 1_000
/** Shells expand the words that they complete: an id such as `$(…)`, which anybody may have fed, would be run. */
const HARMLESS = /^[\w.@/+][\w.@/+-]*$/

/** A script that completes commands, options and ids in a shell. */
export function completionCommand(parent: Command, cli: Cli): void {
  parent
    .command('completion')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .description('write a script that completes commands, options and ids: bash, zsh or fish')
    .addHelpText(
      'after',
      '\nbash:  source <(polaris completion bash)\nzsh:   source <(polaris completion zsh)\nfish:  polaris completion fish | source',
    )
    .action((shell: (typeof SHELLS)[number]) => cli.io.out(completionScript(shell, commandsOf(parent), IDS_COMMAND)))
  // For the scripts: the ids there are, if that is quickly known.
  parent.command(IDS_COMMAND, { hidden: true }).action(async () => {
    const page = await at(cli, {}, { need: 'looks' }, (api) =>
      getJson<{ readonly instances: readonly Summary[] }>(api, '/instances', { limit: MOST_IDS }),
    )
    const ids = page.instances.map(({ id }) => id).filter((id) => HARMLESS.test(id))
    cli.io.out(ids.map((id) => `${id}\n`).join(''))
  })
}

function commandsOf(program: Command): Completed[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({
      name: command.name(),
      about: command.description(),
      options: command.options.flatMap(({ long, hidden, argChoices, description }) =>
        long == null || hidden ? [] : [{ name: long, about: description, choices: argChoices ?? [] }],
      ),
      takes: command.registeredArguments.map((argument) => ({
        name: argument.name(),
        choices: argument.argChoices ?? [],
      })),
    }))
}
