import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The oldest and the newest TypeScript that users may have. */
export const COMPILERS = ['typescript-5.9', 'typescript-7'] as const

export interface Diagnostic {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly code: string
  /** All lines of the message; those after the first explain it and are indented. */
  readonly message: string
}

export interface Checked {
  readonly diagnostics: readonly Diagnostic[]
  /** What `--extendedDiagnostics` counts and measures: `Instantiations`, `Check time`, … */
  readonly figures: ReadonlyMap<string, number>
}

/** Type-checks sources by their file names, as a user's project would be that has the package. */
export async function check(compiler: string, sources: Readonly<Record<string, string>>): Promise<Checked> {
  mkdirSync(`${root}.build`, { recursive: true })
  const folder = mkdtempSync(`${root}.build/types-`)
  try {
    for (const [name, source] of Object.entries(sources)) writeFileSync(`${folder}/${name}`, source)
    const compilerOptions = {
      noEmit: true,
      noUnusedLocals: false,
      noUnusedParameters: false,
      noImplicitReturns: false,
      paths: { 'polaris-workflow': ['../../src/index.ts'], '#ride': ['../../test/types/ride.ts'] },
    }
    const config = { extends: '../../tsconfig.base.json', compilerOptions, files: Object.keys(sources) }
    writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config))
    return read(await run(`${root}node_modules/${compiler}/bin/tsc`, folder))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function run(tsc: string, cwd: string): Promise<string> {
  const args = [tsc, '-p', '.', '--extendedDiagnostics', '--pretty', 'false']
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      // A compiler that found errors exits with 1 or 2; anything it says on stderr is its own trouble.
      if (stderr !== '' || typeof error?.code === 'string')
        reject(new Error(stderr || 'tsc did not run', { cause: error }))
      else resolve(stdout)
    })
  })
}

function read(output: string): Checked {
  const diagnostics: { file: string; line: number; column: number; code: string; message: string }[] = []
  const figures = new Map<string, number>()
  for (const line of output.split('\n')) {
    const [, file = '', row, column, code = '', message = ''] =
      /^(.+)\((\d+),(\d+)\): error (TS\d+): (.*)$/.exec(line) ?? []
    const [, name, figure] = /^([A-Z][\w /]+):\s+([\d.]+)[sK]?\s*$/.exec(line) ?? []
    if (row !== undefined) diagnostics.push({ file, line: Number(row), column: Number(column), code, message })
    else if (name !== undefined) figures.set(name, Number(figure))
    else if (line.startsWith('  ') && diagnostics.length > 0)
      (diagnostics.at(-1) as { message: string }).message += `\n${line}`
    else if (/error TS/.test(line)) throw new Error(line)
  }
  return { diagnostics, figures }
}
