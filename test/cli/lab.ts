/** The command line within the test's process, in a folder of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Io } from '../../src/cli/io.ts'
import { runCli } from '../../src/cli/program.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface CliLab {
  readonly folder: string
  /** Puts a file into the folder; answers its path. */
  file(name: string, text: string): string
  run(...args: string[]): Promise<Ran>
  /** The same with other surroundings. */
  runWith(io: Partial<Io>, ...args: string[]): Promise<Ran>
  remove(): void
}

export function newCliLab(): CliLab {
  const folder = mkdtempSync(join(tmpdir(), 'polaris-cli-'))
  const runWith = async (io: Partial<Io>, ...args: string[]): Promise<Ran> => {
    const said = { out: '', err: '' }
    const code = await runCli(args, {
      out: (text) => void (said.out += text),
      err: (text) => void (said.err += text),
      interactive: false,
      colors: false,
      cwd: folder,
      env: {},
      input: () => Promise.resolve(''),
      signal: new AbortController().signal,
      ...io,
    })
    return { code, ...said }
  }
  return {
    folder,
    file(name, text) {
      const path = join(folder, name)
      writeFileSync(path, text)
      return path
    },
    run: (...args) => runWith({}, ...args),
    runWith,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
