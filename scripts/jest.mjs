// `npm run test:unit`: jest alone, arguments passed on. The last line is `N passed, N failed, N skipped`.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bin, node } from './lib/run.mjs';

/** Runs jest (with another Node when `options.executable` says so); resolves with the exit status and the counts. */
export async function jest(args, options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'colorway-jest-'));
  const file = join(folder, 'counts.json');
  const ci = process.env.CI === 'true';
  let status = await node([bin('jest'), ...(ci ? ['--ci'] : []), ...args], {
    ...options,
    env: { ...options.env, COLORWAY_COUNTS_FILE: file },
  });
  const counts = readCounts(file) ?? { passed: 0, failed: 1, skipped: 0 };
  rmSync(folder, { recursive: true, force: true });

  const refuse = (why) => {
    console.error(`\n${why}`);
    status ||= 1;
  };
  if (counts.passed + counts.failed === 0) refuse('No test ran: a run that proves nothing has failed.');
  if (ci && counts.skipped > 0) refuse(`${counts.skipped} skipped or todo tests: in CI nothing is skipped.`);
  return { status, counts };
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // jest died before it could report
  }
}

/** The closing line of every test run. A failure that no test counts (a lint error, say) shows as one failed. */
export function printCounts({ status, counts }) {
  const failed = counts.failed || (status === 0 ? 0 : 1);
  console.log(`${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const result = await jest(process.argv.slice(2));
  printCounts(result);
  process.exitCode = result.status;
}
