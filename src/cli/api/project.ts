/** What a project folder says: its workflows, its store, and the service that `polaris dev` runs. */
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Trouble } from '../trouble.ts'

/** What `polaris dev` leaves for the other commands. */
export interface DevFile {
  readonly module: string
  readonly store: string
  readonly url: string
  readonly token: string
  readonly pid: number
}

/** Members of `"polaris"` in a package.json. */
export interface ProjectSettings {
  readonly module?: string
  readonly store?: string
}

const FOLDER = '.polaris'
const DEV_FILE = 'dev.json'

/** What the last `polaris dev` of this folder, or of one above it, has left, running or not. */
export function readDevFile(cwd: string): DevFile | undefined {
  return upward(cwd, (folder) => {
    const given = readJson(join(folder, FOLDER, DEV_FILE)) as Partial<Record<keyof DevFile, unknown>> | undefined
    const texts = [given?.module, given?.store, given?.url, given?.token]
    return texts.every((each) => typeof each === 'string') ? (given as DevFile) : undefined
  })
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
    ...(store !== undefined && { store: isPath(store) ? resolve(folder, store.replace(/^sqlite:/, '')) : store }),
  }
}

function isPath(store: string): boolean {
  return !/^[a-z][a-z+]*:\/\//i.test(store)
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
