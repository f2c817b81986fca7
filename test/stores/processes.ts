import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Inside the repository, so that the driver's package is found from there. One for each test run. */
const output = join(root, '.build', `stores-${process.pid}`)

/** Translates the stores to JavaScript, for programs that Node runs by itself. Gives the folder. */
export function compileStores(): string {
  const sources = readdirSync(join(root, 'src/stores'), { recursive: true, encoding: 'utf8' })
  const stores = sources.filter((name) => name.endsWith('.ts')).map((name) => `stores/${name}`)
  const files = ['graph/errors.ts', 'graph/naming.ts', ...stores]
  for (const file of files) {
    const { outputText } = ts.transpileModule(readFileSync(join(root, 'src', file), 'utf8'), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    })
    const target = join(output, file.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, outputText)
  }
  return output
}

export interface Program {
  /** Resolves when it has printed at least so many lines. */
  readonly printed: (lines: number) => Promise<void>
  readonly output: Promise<string>
  kill(): void
}

/** Runs an ES module text in a process of its own; what it prints, or an error with what it complained about. */
export function runProgram(text: string, args: readonly string[]): Program {
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', text, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: output,
  })
  let lines = 0
  let onLine = (): void => undefined
  const done = new Promise<string>((resolve, reject) => {
    let printed = ''
    let complaint = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk
      lines += chunk.split('\n').length - 1
      onLine()
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaint += chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(printed)
      else reject(new Error(`The program ended with ${code}: ${complaint}`))
    })
  })
  const enough = async (wanted: number): Promise<void> => {
    const reached = new Promise<void>((resolve) => {
      onLine = () => void (lines >= wanted && resolve())
      onLine()
    })
    await Promise.race([reached, done])
  }
  return { printed: enough, output: done, kill: () => child.kill('SIGKILL') }
}
