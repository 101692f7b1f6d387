// The flow type out of a baggage header, against OpenTelemetry's whole parse of it.
import { fileURLToPath } from 'node:url';
import { report } from '../lib/report.mjs';
import { AGAIN, medianOf, ratio, runRounds } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./baggage.worker.mjs', import.meta.url));

export async function run({ rounds }) {
  const measured = await runRounds(script, ['w3c-1', 'scan-1', 'w3c-8', 'scan-8'], { rounds });
  report(
    'flow type from a baggage header, against W3CBaggagePropagator.extract',
    [
      { what: '1 member', measured: ratio(measured, 'ns', 'scan-1', 'w3c-1'), goal: 1 / 15 },
      { what: '8 members', measured: ratio(measured, 'ns', 'scan-8', 'w3c-8'), goal: 1 / 60 },
      ...[...measured.keys()]
        .filter((key) => key !== AGAIN)
        .map((variant) => ({
          what: `  ${variant}`,
          measured: medianOf(measured, 'ns', variant),
          unit: ' ns',
        })),
    ],
    { aa: ratio(measured, 'ns', AGAIN, 'w3c-1'), rounds },
  );
}
