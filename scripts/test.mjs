// Runs the tests, after building what they start as processes of their own.
//
//   node scripts/test.mjs [--skip-build] [arguments of `vitest run`]
//
// The first line names the Node that runs them, the last one is always `N passed, N failed, N skipped`, after a line for
// each server that tests had to do without; the exit code is vitest's.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, runTool, tryTool } from './run.mjs'

console.log(`Node ${process.version}`)
const args = process.argv.slice(2).filter((arg) => arg !== '--skip-build')
if (args.length === process.argv.length - 2) runTool('../scripts/build.mjs', [])

const folder = mkdtempSync(join(tmpdir(), 'polaris-test-'))
const file = join(folder, 'counts.json')
const reporters = ['--reporter=default', `--reporter=${root}scripts/counts-reporter.mjs`]
const status = tryTool('vitest/vitest.mjs', ['run', ...reporters, ...args], { POLARIS_TEST_COUNTS: file })

/** @type {{ passed: number, failed: number, skipped: number, reasons: Record<string, number> }} */
const counts = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8'))
  : { passed: 0, failed: 0, skipped: 0, reasons: {} }
rmSync(folder, { recursive: true, force: true })
// A run that failed for a reason no test knows of (a crash, no tests at all) must not read as a clean one.
if (status !== 0 && counts.failed === 0) counts.failed = 1
for (const [reason, number] of Object.entries(counts.reasons)) console.log(`${number} skipped: ${reason}`)
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = status === 0 && counts.failed > 0 ? 1 : status
