// What the scripts share: where the repository is, and running its tools.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Runs a script of an installed package with this very node, and ends this process where it fails.
 *
 * @param {string} script path below node_modules
 * @param {string[]} args
 */
export function runTool(script, args) {
  const status = tryTool(script, args)
  if (status !== 0) process.exit(status)
}

/**
 * @param {string} script path below node_modules
 * @param {string[]} args
 * @param {Record<string, string>} [env] added to this process's environment
 * @returns {number} its exit code; a process ended by a signal is a failure too
 */
export function tryTool(script, args, env = {}) {
  const child = spawnSync(process.execPath, [`${root}node_modules/${script}`, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  if (child.error) throw child.error
  return child.status ?? 1
}
