// Processor time a request of a Fastify hello, with and without the plugin, with and without a color.
import { fileURLToPath } from 'node:url';
import { interleave } from '../lib/interleave.mjs';
import { report } from '../lib/report.mjs';
import { AGAIN, medianOf, ratio } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./server.worker.mjs', import.meta.url));
const SLICES = 8;
const modern = Number(process.versions.node.split('.')[0]) >= 24;

export async function run({ rounds }) {
  const variants = [
    'bare',
    'plugin',
    'plugin+color',
    'als',
    'sdk',
    'sdk+plugin',
    'sdk+color',
    'sdk+plugin+color',
  ];
  const measured = await interleave(script, variants, { rounds, slices: SLICES });
  report(
    'Fastify hello, processor time a request',
    [
      {
        what: 'plugin, uncolored, against bare',
        measured: ratio(measured, 'cpu', 'plugin', 'bare'),
        goal: 1.02,
      },
      {
        what: 'plugin, colored, against raw AsyncLocalStorage',
        measured: ratio(measured, 'cpu', 'plugin+color', 'als'),
        goal: 1.05,
      },
      {
        what: 'plugin, colored, against bare',
        measured: ratio(measured, 'cpu', 'plugin+color', 'bare'),
        ...(modern ? { goal: 1.08 } : {}),
      },
      {
        what: 'OpenTelemetry SDK, sampler off, against bare',
        measured: ratio(measured, 'cpu', 'sdk', 'bare'),
      },
      {
        what: 'SDK + plugin, uncolored, against SDK',
        measured: ratio(measured, 'cpu', 'sdk+plugin', 'sdk'),
        goal: 1.03,
      },
      {
        what: 'SDK + plugin, colored, against SDK',
        measured: ratio(measured, 'cpu', 'sdk+plugin+color', 'sdk+color'),
        goal: 1.03,
      },
      { what: '  bare', measured: medianOf(measured, 'cpu', 'bare') / SLICES, unit: ' µs' },
    ],
    { aa: ratio(measured, 'cpu', AGAIN, 'bare'), rounds },
  );
}
