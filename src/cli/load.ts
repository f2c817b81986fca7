import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import { existsSync } from 'node:fs'
import { createJiti } from 'jiti'
import * as polaris from '../index.ts'
import type { AnyWorkflow } from '../index.ts'
import { Trouble } from './trouble.ts'

/**
 * Loads a user's module, TypeScript or not, and gives the workflows that it exports, alone or in arrays. What it imports
 * of `polaris-workflow` is this very library, since workflows of another copy would be nobody's.
 *
 * @throws {@link Trouble}
 */
export async function loadWorkflows(path: string, cwd: string): Promise<AnyWorkflow[]> {
  const file = resolve(cwd, path)
  if (!existsSync(file)) throw new Trouble(`There is no module ${path} (looked at ${file}).`)
  const exported = await load(file, path)
  const found = new Set<AnyWorkflow>()
  for (const value of Object.values(exported)) {
    for (const each of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      if (isWorkflow(each)) found.add(each)
    }
  }
  if (found.size > 0) return [...found]
  const names = Object.keys(exported).join(', ')
  throw new Trouble(
    `${path} exports no workflow made by workflow({ … })${names === '' ? '.' : `; it exports ${names}.`} ` +
      'Export the workflows of the new code from it, all versions that it is to serve.',
  )
}

async function load(file: string, path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const jiti = createJiti(pathToFileURL(file).href, { virtualModules: { 'polaris-workflow': polaris } })
    return await jiti.import<Readonly<Record<string, unknown>>>(file)
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    throw new Trouble(`${path} cannot be loaded:\n${message}`)
  }
}

function isWorkflow(value: unknown): value is AnyWorkflow {
  try {
    polaris.manifest([value as AnyWorkflow])
    return true
  } catch {
    return false
  }
}
