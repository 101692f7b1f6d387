// A decision and a pick, by the size of the chosen set, in a directory of 300 services x 50 colors.
import { fileURLToPath } from 'node:url';
import { report } from '../lib/report.mjs';
import { AGAIN, medianOf, ratio, runRounds } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./route.worker.mjs', import.meta.url));

export async function run({ rounds }) {
  const measured = await runRounds(script, ['3', '30', '1000', 'uncolored', 'undici-30'], {
    rounds,
    nodeArguments: ['--expose-gc'],
  });
  report(
    'route + pick, 300 services x 50 colors',
    [
      ...['3', '30', '1000'].map((size) => ({
        what: `${size} instances`,
        measured: medianOf(measured, 'ns', size),
        unit: ' ns',
        goal: 60,
      })),
      { what: '1000 instances against 3', measured: ratio(measured, 'ns', '1000', '3'), goal: 1.5 },
      { what: 'uncolored', measured: medianOf(measured, 'ns', 'uncolored'), unit: ' ns', goal: 60 },
      {
        what: 'uncolored: allocated',
        measured: medianOf(measured, 'bytes', 'uncolored'),
        unit: ' B/op',
        goal: 0.01,
      },
      {
        what: '30 instances against undici BalancedPool at 30',
        measured: ratio(measured, 'ns', '30', 'undici-30'),
      },
    ],
    { aa: ratio(measured, 'ns', AGAIN, '3'), rounds },
  );
}
