// A vitest reporter that writes how many tests passed, failed and were skipped, as JSON, to the file named by
// POLARIS_TEST_COUNTS. A test file that could not even be loaded, and an error outside of any test, count as failed.
import { writeFileSync } from 'node:fs'

/** @import { Reporter } from 'vitest/reporters' */

/** @implements {Reporter} */
export default class CountsReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      let failedTests = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'failed') failedTests++
        else if (state === 'passed') counts.passed++
        else counts.skipped++
      }
      counts.failed += failedTests > 0 || module.state() !== 'failed' ? failedTests : 1
    }
    if (process.env.POLARIS_TEST_COUNTS) writeFileSync(process.env.POLARIS_TEST_COUNTS, JSON.stringify(counts))
  }
}
