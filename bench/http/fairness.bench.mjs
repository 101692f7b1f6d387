// What uncolored calls notice of a broken environment that shares their instances, and of one more instance that hangs:
// how evenly they are spread over the others, and their p99, against the same calls without either.
import { fileURLToPath } from 'node:url';
import { report } from '../lib/report.mjs';
import { AGAIN, median, medianOf, ratio, runRounds } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./fairness.worker.mjs', import.meta.url));

export async function run({ rounds }) {
  const measured = await runRounds(script, ['quiet', 'troubled'], { rounds, atOnce: true });
  const added = (of) =>
    median(measured.get(of).map(({ spread }, round) => spread - measured.get('quiet')[round].spread));
  report(
    'uncolored calls beside a broken environment and an instance that hangs',
    [
      {
        what: 'p99, against the same without them',
        measured: ratio(measured, 'p99', 'troubled', 'quiet'),
        goal: 1.2,
      },
      { what: 'distance from an even spread: what is added', measured: added('troubled'), goal: 0.1 },
      { what: '  A/A of that', measured: added(AGAIN) },
      {
        what: '  distance from an even spread, with them',
        measured: medianOf(measured, 'spread', 'troubled'),
      },
      { what: '  without them', measured: medianOf(measured, 'spread', 'quiet') },
      { what: '  p99 with them', measured: medianOf(measured, 'p99', 'troubled'), unit: ' ms' },
      { what: '  failed, of a thousand', measured: 1_000 * medianOf(measured, 'failed', 'troubled') },
    ],
    { aa: ratio(measured, 'p99', AGAIN, 'quiet'), rounds },
  );
}
