/** Where the command line writes, and how it ends: given from outside, so that tests can look. */
export interface Io {
  readonly out: (text: string) => void
  /** For people: progress, errors. */
  readonly err: (text: string) => void
  /** Whether a person looks at what goes to `err`. */
  readonly interactive: boolean
  readonly cwd: string
}

/** One command of `polaris`: one file each, listed in `program.ts`. */
export interface Cli {
  readonly io: Io
  /** Notes the exit code; 0 unless somebody says otherwise. */
  exit(code: number): void
}

/** Plain JSON for programs; bigints and the like as text. */
export function asJson(value: unknown): string {
  return `${JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each), 2)}\n`
}
