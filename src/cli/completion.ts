/** Scripts that complete the command line in shells. Pure. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const

/** What a word may be: one of some, a file, an id or a workflow that there is; `undefined`: nobody can say. */
export type Words = readonly string[] | 'files' | 'ids' | 'workflows' | undefined

export interface Completed {
  readonly name: string
  readonly about: string
  /** `value`: what the option takes; absent where it takes none. */
  readonly options: readonly {
    readonly name: string
    readonly about: string
    readonly value?: { readonly of: Words }
  }[]
  /** Its arguments, by their place. */
  readonly takes: readonly { readonly name: string; readonly of: Words }[]
}

/** Commands that write the ids and the workflows there are, a line each. */
export const NAMES_COMMANDS = { ids: 'completion-ids', workflows: 'completion-workflows' } as const

export function completionScript(shell: (typeof SHELLS)[number], commands: readonly Completed[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands)
    case 'zsh':
      return zsh(commands)
    case 'fish':
      return fish(commands)
  }
}

function valued({ options }: Completed): string[] {
  return options.flatMap(({ name, value }) => (value === undefined ? [] : [name]))
}

/** In bash, what sets `words` or `files`. */
function bashWords(of: Words): string {
  if (of === undefined) return ':'
  if (of === 'files') return 'files=1'
  if (of === 'ids' || of === 'workflows') return `words=$(polaris ${NAMES_COMMANDS[of]} 2>/dev/null)`
  return `words='${of.join(' ')}'`
}

function bash(commands: readonly Completed[]): string {
  const cases = commands.map((command) => {
    const values = command.options.flatMap(({ name, value }) =>
      value === undefined ? [] : [`        ${name}) ${bashWords(value.of)}; taken=1 ;;`],
    )
    const places = command.takes.map(({ of }, place) => `        ${place}) ${bashWords(of)} ;;`)
    return [
      `    ${command.name})`,
      `      options='${command.options.map(({ name }) => name).join(' ')}'`,
      `      _polaris_place ' ${valued(command).join(' ')} '`,
      ...(values.length === 0 ? [] : ['      case $prev in', ...values, '      esac']),
      ...(places.length === 0
        ? []
        : ['      [[ -n $taken || $cur == -* ]] || case $place in', ...places, '      esac']),
      '      ;;',
    ].join('\n')
  })
  return `# bash completion of polaris: source <(polaris completion bash)
# How many arguments stand before the word, those of options left out.
_polaris_place() {
  local i
  place=0
  for ((i = 2; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} == -?* ]]; then
      if [[ $1 == *" \${COMP_WORDS[i]} "* ]]; then ((i++)); fi
    else
      ((place++))
    fi
  done
}
_polaris() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} words='' files='' options='' taken='' place=0
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  if [[ -z $taken && $cur == -* ]]; then words=$options; fi
  if [[ -n $files ]]; then COMPREPLY=($(compgen -f -- "$cur")); else COMPREPLY=($(compgen -W "$words" -- "$cur")); fi
}
complete -o filenames -F _polaris polaris
`
}

/** Within single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** In zsh, what an option or an argument takes, as `_arguments` has it. */
function zshWords(of: Words): string {
  if (of === undefined) return ' '
  if (of === 'files') return '_files'
  return typeof of === 'string' ? `_polaris_${of}` : `(${of.join(' ')})`
}

function zshText(text: string): string {
  return text.replace(/[[\]]/g, '').replaceAll(':', '\\:')
}

function zsh(commands: readonly Completed[]): string {
  const listed = commands.map(({ name, about }) => `    ${quoted(`${name}:${zshText(about)}`)}`)
  const cases = commands.map(({ name, options, takes }) => {
    const specs = [
      ...options.map(({ name, about, value }) => {
        return `${name}[${zshText(about)}]${value === undefined ? '' : `:value:${zshWords(value.of)}`}`
      }),
      ...takes.map((each, place) => `${place + 1}:${each.name}:${zshWords(each.of)}`),
    ]
    return `    ${name}) _arguments ${specs.map(quoted).join(' ')} ;;`
  })
  const lists = Object.entries(NAMES_COMMANDS).map(
    ([kind, command]) => `_polaris_${kind}() {
  local -a names=(\${(f)"$(polaris ${command} 2>/dev/null)"})
  compadd "$@" -a names
}`,
  )
  return `#compdef polaris
# zsh completion of polaris: source <(polaris completion zsh)
${lists.join('\n')}
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

/** In fish, what an option or an argument takes, as `complete` has it. */
function fishWords(of: Words): string {
  if (of === undefined) return '-f'
  if (of === 'files') return '-F'
  const words = typeof of === 'string' ? `(polaris ${NAMES_COMMANDS[of]} 2>/dev/null)` : of.join(' ')
  return `-f -a '${words}'`
}

function fish(commands: readonly Completed[]): string {
  const lines = commands.flatMap((command) => {
    const { name, about, options, takes } = command
    const skipped = valued(command).join(' ')
    return [
      `complete -c polaris -n __polaris_first -f -a ${name} -d ${fishText(about)}`,
      ...options.map((option) => {
        const value = option.value === undefined ? '' : ` -r ${fishWords(option.value.of)}`
        const long = option.name.replace(/^--/, '')
        return `complete -c polaris -n '__polaris_at ${name}' -l ${long} -d ${fishText(option.about)}${value}`
      }),
      ...takes.flatMap(({ of }, place) =>
        of === undefined ? [] : [`complete -c polaris -n '__polaris_at ${name} ${place} ${skipped}' ${fishWords(of)}`],
      ),
    ]
  })
  return `# fish completion of polaris: polaris completion fish | source
function __polaris_first
  test (count (commandline -opc)) -eq 1
end
# Whether the word is of this command, and, where a place is given, its argument there; then options that take a value.
function __polaris_at
  set -l words (commandline -opc)
  test (count $words) -ge 2; and test "$words[2]" = $argv[1]; or return 1
  test (count $argv) -ge 2; or return 0
  set -l place 0
  set -l skip 0
  for word in $words[3..-1]
    if test $skip -eq 1
      set skip 0
    else if string match -q -- '-*' $word
      contains -- $word $argv[3..-1]; and set skip 1
    else
      set place (math $place + 1)
    end
  end
  test $skip -eq 0; and test $place -eq $argv[2]
end
complete -c polaris -f
${lines.join('\n')}
`
}

function fishText(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
