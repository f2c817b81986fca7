import { spawn } from 'node:child_process'
import { writeProjectFile } from '../api/project.ts'

const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
}

/**
 * Opens a page in the person's browser, by a file that leads to it: arguments of programs can be read by every user of the
 * machine, and the address has the token.
 *
 * @param opener the program that opens a file; default: that of the platform
 * @param onTrouble told if there is none
 */
export function openPage(
  { cwd, url, opener = OPENERS[process.platform] ?? ['xdg-open'] }: PageFacts,
  onTrouble: (why: string) => void,
): void {
  const page = `<!doctype html><meta http-equiv="refresh" content="0; url=${url.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}">\n`
  const file = writeProjectFile(cwd, 'open.html', page)
  const [program = '', ...args] = opener
  const child = spawn(program, [...args, file], { stdio: 'ignore', detached: true })
  child.once('error', (error) => onTrouble(`No browser could be opened (${error.message}): open the link yourself.`))
  child.unref()
}

interface PageFacts {
  readonly cwd: string
  readonly url: string
  readonly opener: readonly string[] | undefined
}
