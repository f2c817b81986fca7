/** Files of JSON lines that are only ever added to, and that outlive whoever writes them. */
import { closeSync, existsSync, fdatasync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const sync = promisify(fdatasync)

export interface Lines {
  /** One write of the system's: there or not there. */
  add(record: object): void
  /** Resolves when it is on the disk. Records that come while others are being written share the next sync. */
  keep(record: object): Promise<void>
  close(): void
}

export function appendTo(file: string): Lines {
  const fd = openSync(file, 'a')
  // A kill within a write may have left half a line, which readers leave out.
  if (existsSync(file) && !readFileSync(file, 'utf8').endsWith('\n')) writeSync(fd, '\n')
  let gathering: Promise<void> | undefined
  let last = Promise.resolve()
  return {
    add: (record) => void writeSync(fd, `${JSON.stringify(record)}\n`),
    keep(record) {
      writeSync(fd, `${JSON.stringify(record)}\n`)
      gathering ??= last.then(() => {
        gathering = undefined
        last = sync(fd)
        return last
      })
      return gathering
    },
    close: () => closeSync(fd),
  }
}

/** What is in all files of a folder whose names begin so, each file in its order. */
export function readLines(folder: string, prefix: string): unknown[] {
  const files = readdirSync(folder).filter((name) => name.startsWith(prefix))
  return files.flatMap((name) => parse(readFileSync(join(folder, name), 'utf8')))
}

function parse(text: string): unknown[] {
  const records: unknown[] = []
  for (const line of text.split('\n')) {
    try {
      if (line !== '') records.push(JSON.parse(line))
    } catch {
      // Half a line: whoever wrote it was killed before it was told that the line is there.
    }
  }
  return records
}
