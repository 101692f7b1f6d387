import { writeFileSync } from 'node:fs';

/** A jest reporter that leaves the counts of the run where scripts/jest.mjs reads them. */
export default class CountsReporter {
  onRunComplete(_contexts, results) {
    const file = process.env.COLORWAY_COUNTS_FILE;
    if (!file) return;
    const counts = {
      passed: results.numPassedTests,
      // A file that cannot be loaded has no tests to count; it is a failure all the same.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    writeFileSync(file, JSON.stringify(counts));
  }
}
