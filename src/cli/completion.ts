/** Scripts that complete the command line in shells. Pure. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export interface Completed {
  readonly name: string
  readonly about: string
  readonly options: readonly { readonly name: string; readonly about: string; readonly choices: readonly string[] }[]
  /** Its arguments. */
  readonly takes: readonly { readonly name: string; readonly choices: readonly string[] }[]
}

/** @param ids the command that lists ids */
export function completionScript(shell: (typeof SHELLS)[number], commands: readonly Completed[], ids: string): string {
  switch (shell) {
    case 'bash':
      return bash(commands, ids)
    case 'zsh':
      return zsh(commands, ids)
    case 'fish':
      return fish(commands, ids)
  }
}

/** What may stand in the place of an argument, as words of a shell; `undefined`: a file. */
function wordsFor({ takes }: Completed, ids: string): string | undefined {
  const [first] = takes
  if (first === undefined) return ''
  if (first.choices.length > 0) return first.choices.join(' ')
  return first.name === 'id' ? `$(polaris ${ids} 2>/dev/null)` : undefined
}

function bash(commands: readonly Completed[], ids: string): string {
  const cases = commands.map((command) => {
    const words = wordsFor(command, ids)
    const options = command.options.map(({ name }) => name).join(' ')
    const choices = command.options.filter((option) => option.choices.length > 0)
    const values = choices.map((option) => `      ${option.name}) words='${option.choices.join(' ')}' ;;`)
    const rest = words === undefined ? 'files=1' : `words="${words}"`
    return [
      `    ${command.name})`,
      `      if [[ $cur == -* ]]; then words='${options}'; else ${rest}; fi`,
      ...(values.length === 0 ? [] : ['      case $prev in', ...values.map((value) => `  ${value}`), '      esac']),
      '      ;;',
    ].join('\n')
  })
  return `# bash completion of polaris: source <(polaris completion bash)
_polaris() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} words='' files=''
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  if [[ -n $files ]]; then COMPREPLY=($(compgen -f -- "$cur")); else COMPREPLY=($(compgen -W "$words" -- "$cur")); fi
}
complete -o filenames -o bashdefault -F _polaris polaris
`
}

/** Within single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function zsh(commands: readonly Completed[], ids: string): string {
  const listed = commands.map(({ name, about }) => `    ${quoted(`${name}:${about.replaceAll(':', '\\:')}`)}`)
  const cases = commands.map((command) => {
    const words = wordsFor(command, ids)
    const specs = command.options.map(({ name, about, choices }) => {
      const value = choices.length > 0 ? `:value:(${choices.join(' ')})` : ''
      return quoted(`${name}[${about.replace(/[[\]]/g, '').replaceAll(':', '\\:')}]${value}`)
    })
    const first = command.takes[0]?.name ?? ''
    const argument = words === undefined ? `'*:${first}:_files'` : words === '' ? '' : `"1:${first}:(${words})"`
    return `      ${command.name}) _arguments ${[...specs, argument].join(' ')} ;;`
  })
  return `#compdef polaris
# zsh completion of polaris: source <(polaris completion zsh)
_polaris() {
  local -a commands=(
${listed.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}
compdef _polaris polaris
`
}

function fish(commands: readonly Completed[], ids: string): string {
  const lines = commands.flatMap((command) => {
    const { name, about, options } = command
    const within = `-n '__fish_seen_subcommand_from ${name}'`
    const words = wordsFor(command, ids)
    return [
      `complete -c polaris -n __fish_use_subcommand -f -a ${name} -d ${fishText(about)}`,
      ...options.map((option) => {
        const values = option.choices.length === 0 ? '' : ` -x -a '${option.choices.join(' ')}'`
        return `complete -c polaris ${within} -l ${option.name.replace(/^--/, '')} -d ${fishText(option.about)}${values}`
      }),
      ...(words === undefined || words === ''
        ? []
        : [`complete -c polaris ${within} -f -a "${words.replace(/^\$\((.*) 2>.*$/, '($1 2>/dev/null)')}"`]),
    ]
  })
  return `# fish completion of polaris: polaris completion fish | source\n${lines.join('\n')}\n`
}

function fishText(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
