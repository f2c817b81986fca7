import { pathToFileURL } from 'node:url'
import { extname, join, resolve, sep } from 'node:path'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createJiti } from 'jiti'
import * as polaris from '../index.ts'
import type { AnyWorkflow, Schedule } from '../index.ts'
import { Trouble } from './trouble.ts'

/** A user's module. */
export interface UserModule {
  /** Those that it exports, alone or in arrays. */
  readonly workflows: readonly AnyWorkflow[]
  /** The same of schedules. */
  readonly schedules: readonly Schedule[]
  /** What it exports as `services`, or what that function makes. @throws {@link Trouble} */
  services(): Promise<Readonly<Record<string, unknown>>>
  /** The files that it is made of, packages aside. */
  readonly files: readonly string[]
}

/**
 * Loads a user's module, TypeScript or not. What it imports of `polaris-workflow` is this very library, since workflows of
 * another copy would be nobody's.
 *
 * @param onFiles told of the files, also where one of them cannot be loaded
 * @throws {@link Trouble}
 */
export async function loadModule(
  path: string,
  cwd: string,
  onFiles: (files: readonly string[]) => void = () => undefined,
): Promise<UserModule> {
  const file = resolve(cwd, path)
  checkFile(file, path)
  const virtualModules = {
    'polaris-workflow': polaris,
    'polaris-workflow/schedules': await import('../schedules/index.ts'),
  }
  const jiti = createJiti(pathToFileURL(file).href, { virtualModules })
  const filesOf = (): string[] => [...new Set([file, ...Object.keys(jiti.cache).filter(isOwn)])]
  try {
    const exported = await load(jiti, file, path)
    return {
      workflows: workflowsIn(exported, path),
      schedules: [...valuesIn(exported)].filter(isSchedule),
      services: () => servicesIn(exported, path),
      files: filesOf(),
    }
  } finally {
    onFiles(filesOf())
  }
}

const MODULES: readonly string[] = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx']

/** @throws {@link Trouble} */
function checkFile(file: string, path: string): void {
  if (!existsSync(file)) throw new Trouble(`There is no module ${path} (looked at ${file}).`)
  if (statSync(file).isDirectory()) {
    const within = readdirSync(file).filter((name) => MODULES.includes(extname(name)))
    const such = within.length === 0 ? '' : `: one of ${within.map((name) => join(path, name)).join(', ')}`
    throw new Trouble(`${path} is a folder: name the file in it that exports the workflows${such}.`)
  }
  if (!MODULES.includes(extname(file))) {
    throw new Trouble(`${path} is no module: name a file that exports workflows (${MODULES.join(', ')}).`)
  }
}

/** The workflows of a module alone. @throws {@link Trouble} */
export async function loadWorkflows(path: string, cwd: string): Promise<readonly AnyWorkflow[]> {
  return (await loadModule(path, cwd)).workflows
}

function isOwn(file: string): boolean {
  return !file.includes(`${sep}node_modules${sep}`)
}

type Exported = Readonly<Record<string, unknown>>

async function load(jiti: ReturnType<typeof createJiti>, file: string, path: string): Promise<Exported> {
  try {
    return await jiti.import<Exported>(file)
  } catch (error) {
    throw new Trouble(`${path} cannot be loaded:\n${wordsOf(error)}`)
  }
}

/** What went wrong and where in the user's files, without the way there through Node, this library and the loader. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, message, stack = '' } = error as NodeJS.ErrnoException
  const missing = code === 'MODULE_NOT_FOUND' && /^Cannot find module '((?:@[^/']+\/)?[^./'][^/']*)/.exec(message)?.[1]
  if (missing) return `the package ${missing} is not installed. npm install ${missing}`
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
  const way = frames.findIndex((line) => /[/\\](?:jiti[/\\]dist|(?:dist|src)[/\\]cli)[/\\]/.test(line))
  const own = frames.slice(0, way < 0 ? undefined : way).filter((line) => !/node:|[/\\]node_modules[/\\]/.test(line))
  const [first = ''] = frames.length === 0 ? [stack] : stack.split(frames[0] ?? '')
  return [first.trimEnd(), ...own].join('\n')
}

/** What a module exports, alone or in arrays. */
function valuesIn(exported: Exported): Set<unknown> {
  const values = Object.values(exported)
  return new Set(values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value])))
}

function isSchedule(value: unknown): value is Schedule {
  return typeof value === 'object' && value !== null && (value as Partial<Schedule>).kind === 'schedule'
}

function workflowsIn(exported: Exported, path: string): readonly AnyWorkflow[] {
  const found = new Set([...valuesIn(exported)].filter(isWorkflow))
  if (found.size > 0) return [...found]
  const names = Object.keys(exported).join(', ')
  throw new Trouble(
    `${path} exports no workflow made by workflow({ … })${names === '' ? '.' : `; it exports ${names}.`} ` +
      'Export the workflows of the new code from it, all versions that it is to serve.',
  )
}

async function servicesIn({ services }: Exported, path: string): Promise<Readonly<Record<string, unknown>>> {
  if (services === undefined) return {}
  let given: unknown
  try {
    given = typeof services === 'function' ? await (services as () => unknown)() : services
  } catch (error) {
    throw new Trouble(
      `The services of ${path} cannot be made: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  }
  if (typeof given === 'object' && given !== null) return given as Readonly<Record<string, unknown>>
  throw new Trouble(
    `\`services\` of ${path} must be an object of services by their names, or a function that makes it.`,
  )
}

function isWorkflow(value: unknown): value is AnyWorkflow {
  try {
    polaris.manifest([value as AnyWorkflow])
    return true
  } catch {
    return false
  }
}
