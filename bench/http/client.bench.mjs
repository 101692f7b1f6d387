// Processor time a request of undici's `request`: a bare Pool against routed, picked and injected.
import { fileURLToPath } from 'node:url';
import { report } from '../lib/report.mjs';
import { AGAIN, medianOf, ratio, runRounds } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./client.worker.mjs', import.meta.url));

export async function run({ rounds }) {
  const measured = await runRounds(script, ['pool', 'colored', 'uncolored', 'otel'], { rounds });
  report(
    'undici request, 32 concurrent, processor time a request',
    [
      {
        what: 'colored, against a bare Pool',
        measured: ratio(measured, 'cpu', 'colored', 'pool'),
        goal: 1.12,
      },
      { what: 'uncolored, against a bare Pool', measured: ratio(measured, 'cpu', 'uncolored', 'pool') },
      {
        what: "OpenTelemetry's instrumentation, sampler off",
        measured: ratio(measured, 'cpu', 'otel', 'pool'),
      },
      { what: '  bare Pool', measured: medianOf(measured, 'cpu', 'pool'), unit: ' µs' },
    ],
    { aa: ratio(measured, 'cpu', AGAIN, 'pool'), rounds },
  );
}
