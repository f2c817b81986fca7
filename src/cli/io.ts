/** Where the command line reads and writes, and how it ends: given from outside, so that tests can look. */
export interface Io {
  readonly out: (text: string) => void
  /** For people: progress, questions, errors. */
  readonly err: (text: string) => void
  /** Whether a person looks at what goes to `err`. */
  readonly interactive: boolean
  /** The terminal that `out` is; absent where it is a file, a pipe or a program. */
  readonly terminal?: Terminal
  /** Whether colours may be used. */
  readonly colors: boolean
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** All of the standard input. */
  readonly input: () => Promise<string>
  /** Asks a person; absent where nobody could answer. */
  readonly ask?: (question: string) => Promise<string>
  /** Aborted when the person has had enough (Ctrl-C), or the process is to end. */
  readonly signal: AbortSignal
  /** What opens a file as the person would; default: the program of the platform. */
  readonly opener?: readonly string[]
}

export interface Terminal {
  readonly columns: () => number
  readonly rows: () => number
}

/** One command of `polaris`: one file each, listed in `program.ts`. */
export interface Cli {
  readonly io: Io
  /** Notes the exit code; 0 unless somebody says otherwise. */
  exit(code: number): void
}

/** Plain JSON for programs; bigints and the like as text. What a terminal would obey is escaped. */
export function asJson(value: unknown): string {
  return `${escaped(JSON.stringify(value, plain, 2))}\n`
}

/** The same in one line. */
export function asJsonLine(value: unknown): string {
  return `${escaped(JSON.stringify(value, plain))}\n`
}

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

/** JSON leaves the control characters beyond ASCII as they are, and some terminals obey them. */
function escaped(json: string): string {
  return json.replace(/[\u007f-\u009f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
