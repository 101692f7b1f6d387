// Memory of a large view, and the time to apply one change to it and read the next view.
import { fileURLToPath } from 'node:url';
import { report } from '../lib/report.mjs';
import { AGAIN, medianOf, ratio, runRounds } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./view.worker.mjs', import.meta.url));

export async function run({ rounds }) {
  const measured = await runRounds(script, ['view'], { rounds, nodeArguments: ['--expose-gc'] });
  report(
    'a view of 10,000 instances, 1,000 colors, 300 services',
    [
      { what: 'heap', measured: medianOf(measured, 'megabytes', 'view'), unit: ' MB', goal: 10 },
      {
        what: 'one change applied and the next view made',
        measured: medianOf(measured, 'microseconds', 'view'),
        unit: ' µs',
        goal: 100,
      },
      {
        what: 'one change to a service with 1,000 colors',
        measured: medianOf(measured, 'wideMicroseconds', 'view'),
        unit: ' µs',
        goal: 100,
      },
    ],
    { aa: ratio(measured, 'microseconds', AGAIN, 'view'), rounds },
  );
}
