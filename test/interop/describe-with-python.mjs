// @ts-check
import { spawnSync } from 'node:child_process';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { oncePerRun, recordNotRun } from '../services/jest/test-run.mjs';

/**
 * A suite that needs the Python library, which is fetched where it is not there. Where it cannot be had, the suite fails in CI
 * (`CI=true`); elsewhere its tests are skipped, and the end of the run says why and what gets it.
 *
 * @param {string} title
 * @param {() => void} define called at once.
 */
export function describeWithPython(title, define) {
  const absence = oncePerRun('python', absenceNow);
  if (absence === '') describe(title, define);
  else if (process.env.CI === 'true')
    describe(title, () => {
      test('the library can be had', () => {
        throw new Error(absence);
      });
    });
  else {
    recordNotRun({
      file: relative(process.cwd(), expect.getState().testPath ?? ''),
      title,
      absences: [absence],
    });
    // biome-ignore lint/suspicious/noSkippedTests: counted as skipped, named at the end of the run, refused in CI
    describe.skip(title, define);
  }
}

/** Synchronous, because jest must know which tests there are before any of them runs. */
function absenceNow() {
  const program = fileURLToPath(new URL('./python/get.mjs', import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  return status === 0 ? '' : stdout.toString().trim() || `The Python library: ended with status ${status}.`;
}
