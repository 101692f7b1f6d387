// @ts-check
import { suitesNotRun } from './test-run.mjs';

/** A jest reporter that closes the run with the suites that did not run, why, and the command that gets their server. */
export default class NotRunReporter {
  onRunComplete() {
    const suites = suitesNotRun();
    if (suites.length === 0) return;
    const lines = suites.flatMap(({ file, title, absences }) => [
      `  ${file}: ${title}`,
      ...absences.map((it) => `    ${it}`),
    ]);
    console.log(`\nNOT RUN, because a server could not be had (in CI this fails):\n${lines.join('\n')}`);
  }
}
