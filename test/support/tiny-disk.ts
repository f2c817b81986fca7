/** A file system of a few megabytes in memory, which can be made larger. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TinyDisk {
  readonly folder: string
  resize(megabytes: number): void
  remove(): void
}

/**
 * @param owner `uid` and `gid` of whoever may use it. Default: this process
 * @returns why not, where this process may not mount anything
 */
export function tinyDisk(megabytes: number, owner?: { readonly uid: number; readonly gid: number }): TinyDisk | string {
  const folder = mkdtempSync(join(tmpdir(), 'polaris-disk-'))
  const { uid, gid } = owner ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const options = (size: number): string => `size=${size}m,uid=${uid},gid=${gid},mode=700`
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options(megabytes), 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    rmdirSync(folder)
    return 'no right to mount a file system'
  }
  return {
    folder,
    resize: (size) => void execFileSync('mount', ['-o', `remount,${options(size)}`, folder], { stdio: 'ignore' }),
    remove() {
      execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' })
      rmdirSync(folder)
    },
  }
}
