// What Colorway adds to a call, against what one nginx hop that routes by header adds.
import { fileURLToPath } from 'node:url';
import { report } from '../lib/report.mjs';
import { AGAIN, median, ratio, runRounds } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./client.worker.mjs', import.meta.url));

export async function run({ rounds }) {
  const measured = await runRounds(script, ['pool', 'nginx', 'colored'], { rounds });
  const added = (figure, variant) =>
    median(measured.get(variant).map((round, index) => round[figure] - measured.get('pool')[index][figure]));
  const hop = { cpu: added('withHop', 'nginx'), p50: added('p50', 'nginx') };
  const ours = { cpu: added('withHop', 'colored'), p50: added('p50', 'colored') };
  report(
    'added to a call: Colorway against one nginx hop',
    [
      { what: 'processor time, of the hop', measured: ours.cpu / hop.cpu, goal: 1 / 4 },
      { what: 'p50, of the hop', measured: ours.p50 / hop.p50, goal: 1 / 3 },
      { what: '  Colorway: processor time added', measured: ours.cpu, unit: ' µs' },
      { what: '  nginx: processor time added', measured: hop.cpu, unit: ' µs' },
      { what: '  Colorway: p50 added', measured: ours.p50, unit: ' µs' },
      { what: '  nginx: p50 added', measured: hop.p50, unit: ' µs' },
    ],
    { aa: ratio(measured, 'cpu', AGAIN, 'pool'), rounds },
  );
}
