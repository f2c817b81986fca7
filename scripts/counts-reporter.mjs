// A vitest reporter that writes how many tests passed, failed and were skipped, as JSON, to the file named by
// POLARIS_TEST_COUNTS, with the reasons of those that were skipped for one. A test file that could not even be loaded,
// and an error outside of any test, count as failed.
import { writeFileSync } from 'node:fs'

/** @import { Reporter } from 'vitest/reporters' */

/** @implements {Reporter} */
export default class CountsReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    /** @type {Record<string, number>} */
    const reasons = {}
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, reasons }
    for (const module of modules) {
      let failedTests = 0
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'failed') failedTests++
        else if (result.state === 'passed') counts.passed++
        else {
          counts.skipped++
          const note = 'note' in result ? result.note : undefined
          if (note !== undefined) reasons[note] = (reasons[note] ?? 0) + 1
        }
      }
      counts.failed += failedTests > 0 || module.state() !== 'failed' ? failedTests : 1
    }
    if (process.env.POLARIS_TEST_COUNTS) writeFileSync(process.env.POLARIS_TEST_COUNTS, JSON.stringify(counts))
  }
}
