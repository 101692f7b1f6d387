// Processor time a request of undici's `request`: a bare Pool against routed, picked and injected.
import { fileURLToPath } from 'node:url';
import { report } from '../lib/report.mjs';
import { AGAIN, medianOf, ratio, runRounds } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./client.worker.mjs', import.meta.url));

export async function run({ rounds }) {
  const measured = await runRounds(script, ['pool', 'pool+context', 'colored', 'uncolored', 'otel'], {
    rounds,
  });
  const against = (of, reference) => ratio(measured, 'cpu', of, reference);
  report(
    'undici request, 32 concurrent, processor time a request',
    [
      {
        what: 'colored, against a bare Pool in the same context',
        measured: against('colored', 'pool+context'),
        goal: 1.12,
      },
      {
        what: 'colored, against a bare Pool outside any context',
        measured: against('colored', 'pool'),
        goal: 1.12,
      },
      { what: '  of that, the async context alone', measured: against('pool+context', 'pool') },
      { what: 'uncolored, against a bare Pool', measured: against('uncolored', 'pool') },
      { what: "OpenTelemetry's instrumentation, sampler off", measured: against('otel', 'pool') },
      { what: '  bare Pool', measured: medianOf(measured, 'cpu', 'pool'), unit: ' µs' },
    ],
    { aa: against(AGAIN, 'pool'), rounds },
  );
}
