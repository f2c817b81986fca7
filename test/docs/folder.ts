import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { root } from './snippets.ts'

/** Puts modules into files of a folder that goes away with the tests of the file. Each gets an SQLite file of its own. */
export function moduleWriter(): (module: string) => string {
  mkdirSync(`${root}.build`, { recursive: true })
  const folder = mkdtempSync(`${root}.build/docs-`)
  afterAll(() => rmSync(folder, { recursive: true }))
  let count = 0
  return (module) => {
    const file = join(folder, `module-${count++}.ts`)
    writeFileSync(file, module.replaceAll("'rides.db'", JSON.stringify(join(folder, `rides-${count}.db`))))
    return file
  }
}

export const run = <T>(file: string): Promise<T> => import(/* @vite-ignore */ file) as Promise<T>
