// What a service's users notice of somebody who sends it the dearest requests that there are: their p99, against the same alone,
// and against as many plain requests in the attacker's place.
import { fileURLToPath } from 'node:url';
import { report } from '../lib/report.mjs';
import { AGAIN, medianOf, ratio, runRounds } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./hostile.worker.mjs', import.meta.url));

export async function run({ rounds }) {
  const measured = await runRounds(script, ['alone', 'harmless', 'hostile'], { rounds });
  report(
    '150 requests a second beside 100 hostile ones',
    [
      {
        what: 'p99, against the same alone',
        measured: ratio(measured, 'p99', 'hostile', 'alone'),
        goal: 1.2,
      },
      {
        what: 'p99, against 100 plain ones in their place',
        measured: ratio(measured, 'p99', 'hostile', 'harmless'),
      },
      { what: '  p50, against the same alone', measured: ratio(measured, 'p50', 'hostile', 'alone') },
      { what: '  p99 alone', measured: medianOf(measured, 'p99', 'alone'), unit: ' ms' },
      { what: '  p99 beside hostile ones', measured: medianOf(measured, 'p99', 'hostile'), unit: ' ms' },
      { what: '  failed, of a thousand', measured: 1_000 * medianOf(measured, 'failed', 'hostile') },
    ],
    { aa: ratio(measured, 'p99', AGAIN, 'alone'), rounds },
  );
}
