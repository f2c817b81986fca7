/** What a project folder says: its workflows, its store, and the service that `polaris dev` runs. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Trouble } from '../trouble.ts'

/** What `polaris dev` leaves for the other commands. */
export interface DevFile {
  readonly module: string
  readonly store: string
  /** Absent once it has ended. */
  readonly service?: { readonly url: string; readonly token: string; readonly pid: number }
}

/** Members of `"polaris"` in a package.json. */
export interface ProjectSettings {
  readonly module?: string
  readonly store?: string
}

const FOLDER = '.polaris'
const DEV_FILE = 'dev.json'

function devFolder(cwd: string): string {
  return join(cwd, FOLDER)
}

/** The folder of a project's own, which no version control is to see: it holds a token. */
export function makeDevFolder(cwd: string): string {
  const folder = devFolder(cwd)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, '.gitignore'), '*\n')
  return folder
}

export function writeDevFile(cwd: string, file: DevFile): void {
  writeProjectFile(cwd, DEV_FILE, `${JSON.stringify(file, null, 2)}\n`)
}

/** A file that nobody else may read; answers its path. */
export function writeProjectFile(cwd: string, name: string, text: string): string {
  const path = join(makeDevFolder(cwd), name)
  // An older one may be open to more eyes.
  rmSync(path, { force: true })
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** Notes that the service has ended, unless another `polaris dev` runs one since. */
export function endDevFile(cwd: string, token: string): void {
  const file = readDevFile(cwd)
  if (file?.service?.token === token) writeDevFile(cwd, { module: file.module, store: file.store })
}

/** What the last `polaris dev` of this folder, or of one above it, has left, running or not. */
export function readDevFile(cwd: string): DevFile | undefined {
  return upward(cwd, (folder) => {
    const given = readJson(join(folder, FOLDER, DEV_FILE)) as { readonly [K in keyof DevFile]?: unknown } | undefined
    const { module, store, service } = given ?? {}
    if (typeof module !== 'string' || typeof store !== 'string') return undefined
    return { module, store, ...(isService(service) && { service }) }
  })
}

function isService(given: unknown): given is NonNullable<DevFile['service']> {
  const { url, token } = (given ?? {}) as { readonly url?: unknown; readonly token?: unknown }
  return typeof url === 'string' && typeof token === 'string'
}

/** @throws {@link Trouble} */
export function readSettings(cwd: string): ProjectSettings {
  const found = upward(cwd, (folder) => {
    const given = (readJson(join(folder, 'package.json')) as { readonly polaris?: unknown } | undefined)?.polaris
    return typeof given === 'object' && given !== null ? { folder, given: given as Record<string, unknown> } : undefined
  })
  if (found === undefined) return {}
  const { folder, given } = found
  for (const [key, value] of Object.entries(given)) {
    if ((key === 'module' || key === 'store') && typeof value === 'string') continue
    throw new Trouble(
      `"polaris" in ${join(folder, 'package.json')} takes "module" and "store", both texts; not "${key}".`,
    )
  }
  const { module, store } = given as ProjectSettings
  return {
    ...(module !== undefined && { module: resolve(folder, module) }),
    ...(store !== undefined && { store: absoluteStore(store, folder) }),
  }
}

/** A SQLite file by its whole path, so that it is the same one for commands in other folders. */
export function absoluteStore(store: string, folder: string): string {
  return /^[a-z][a-z+]*:\/\//i.test(store) ? store : resolve(folder, store.replace(/^sqlite:/, ''))
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

function upward<T>(from: string, look: (folder: string) => T | undefined): T | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = look(folder)
    if (found !== undefined || folder === dirname(folder)) return found
  }
}
