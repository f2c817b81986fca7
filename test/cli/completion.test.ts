import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newCliLab } from './lab.ts'
import type { CliLab } from './lab.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

/** Says what a shell offers for a line, one word a line. */
const ASK: Readonly<Record<Shell, (script: string) => string[]>> = {
  bash: (script) => [
    '--norc',
    '-c',
    `source ${script}; read -ra COMP_WORDS <<< "$1"; [[ $1 == *' ' ]] && COMP_WORDS+=('')
     COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _polaris; printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
  ],
  fish: (script) => [
    '--no-config',
    '-c',
    `source ${script}; complete -C "$argv[1]" | string replace -r '\\t.*' ''; or true`,
  ],
  // A shell within the shell, since zsh completes only where somebody types.
  zsh: (script) => [
    '-f',
    '-c',
    `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1= PS2= PROMPT='
zpty -w z 'autoload -U compinit; compinit -D -u'
zpty -w z 'source ${script}'
zpty -w z 'bindkey "^I" complete-word
compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  local -a hits; builtin compadd -A hits "$@"
  for hit in $hits; do print -r -- "H""IT:$hit:"; done
}
at-end() { print -r -- "THE""END" }
comppostfuncs=(at-end); print "REA""DY"'
zpty -r z out '*READY*'
zpty -w -n z "$1"$'\\t'
zpty -r z out '*THEEND*'
print -r -- "$out" | grep -ao 'HIT:[^:]*:' | sed 's/^HIT:\\(.*\\):$/\\1/'
zpty -d z`,
    'zsh',
  ],
}

let lab: CliLab
beforeAll(async () => {
  lab = newCliLab()
  mkdirSync(`${lab.folder}/bin`)
  lab.file('workflows.ts', '')
  const names = `#!/bin/sh
case $1 in
  completion-ids) printf 'ride-1\\nride-2\\nother\\n' ;;
  completion-workflows) printf 'cabRide\\ncheckout\\n' ;;
esac
`
  chmodSync(lab.file('bin/polaris', names), 0o755)
  for (const shell of SHELLS) lab.file(`script.${shell}`, (await lab.run('completion', shell)).out)
})
afterAll(() => lab.remove())

/** What the shell offers; its absence where it is not installed. */
function offered(shell: Shell, line: string): string[] | 'no such shell' {
  const env = { ...process.env, PATH: `${lab.folder}/bin:${process.env['PATH'] ?? ''}`, HOME: lab.folder, TERM: 'dumb' }
  const args = [...ASK[shell](`${lab.folder}/script.${shell}`), line]
  const { error, status, stdout, stderr } = spawnSync(shell, args, {
    encoding: 'utf8',
    env,
    cwd: lab.folder,
    timeout: 30_000,
  })
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return 'no such shell'
  expect({ error, status, stderr }).toEqual({ error: undefined, status: 0, stderr: '' })
  return [...new Set(stdout.split('\n').filter((word) => word !== ''))].sort()
}

const LINES: readonly [string, readonly string[]][] = [
  ['polaris re', ['rerun', 'restart', 'resume']],
  ['polaris get ri', ['ride-1', 'ride-2']],
  ['polaris get --mo', ['--module']],
  ['polaris feed a --ex', ['--expect']],
  ['polaris feed a --expect ', ['existing', 'new']],
  ['polaris get --module work', ['workflows.ts']],
  ['polaris dev work', ['workflows.ts']],
  ['polaris preview ride-1 re', ['rerun', 'restart', 'resume']],
  ['polaris preview --to 3 ri', ['ride-1', 'ride-2']],
  ['polaris compare c', ['cabRide', 'checkout']],
  ['polaris list --workflow ch', ['checkout']],
  ['polaris completion f', ['fish']],
  // Of another command's options nothing is offered, whatever the instance is called.
  ['polaris feed list --lim', []],
  ['polaris rerun ride-1 ', []],
  ['polaris list --token ', []],
]

describe.each(SHELLS)('polaris completion %s', (shell) => {
  it.for(LINES)('after "%s" offers %j', { timeout: 60_000 }, ([line, words], context) => {
    const found = offered(shell, line)
    if (found === 'no such shell' && shell !== 'bash') context.skip(`no ${shell} on this machine`)
    // zsh goes on with options where it has nothing else.
    const own =
      shell === 'zsh' && !line.includes('--') ? [found].flat().filter((word) => !word.startsWith('--')) : found
    expect(own).toEqual(words)
  })
})

describe('polaris completion', () => {
  it('offers no id and no workflow that a shell would run', async () => {
    lab.file(
      'flow.ts',
      `import { builder, data, type, workflow } from 'polaris-workflow'
      const In = data('In', type())
      const out = builder({ name: 'out', consumes: { x: In }, produces: data('Out', type()), process: ({ x }) => x })
      export const flows = ['flow', '$(touch hacked)'].map((name) => workflow({ name, builders: [out], target: out.produces }))`,
    )
    lab.file('flow.db', '')
    const env = { POLARIS_MODULE: 'flow.ts', POLARIS_STORE: 'flow.db' }
    const ids = ['fine', '$(touch hacked)', '`x`', 'two words', '-rf']
    for (const id of ids) await lab.runWith({ env }, 'feed', '--workflow', 'flow', '--', id, 'In="x"')
    expect((await lab.runWith({ env }, 'list')).out).toContain('$(touch hacked)')
    expect((await lab.runWith({ env }, 'completion-ids')).out).toBe('fine\n')
    expect((await lab.runWith({ env }, 'completion-workflows')).out).toBe('flow\n')
  })

  it('is for shells that exist, and for every command but those of its own', async () => {
    expect((await lab.run('completion', 'tcsh')).err).toContain('Allowed choices are bash, zsh, fish')
    for (const shell of SHELLS) {
      const { out } = await lab.run('completion', shell)
      for (const command of ['dev', 'feed', 'watch', 'doctor']) expect(out).toContain(command)
      expect(out).not.toMatch(/dev-service|undefined/)
    }
  })
})
