// A color that joins and leaves: how long until it handles, and what the baseline and another color notice.
import { fileURLToPath } from 'node:url';
import { startService } from '../../test/services/index.mjs';
import { report } from '../lib/report.mjs';
import { median, medianOf, runRounds } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./kafka-join.worker.mjs', import.meta.url));

export async function run({ rounds }) {
  const server = await startService('kafka');
  try {
    const measured = await runRounds(script, ['idle', 'load'], {
      rounds,
      env: { KAFKA_BROKERS: server.url },
    });
    const added = (figure) =>
      Math.max(0, median(measured.get('load').map((round) => round[figure] - round.steady)));
    report(
      'Kafka, a color joins and leaves beside a baseline and another color, three partitions',
      [
        {
          what: 'join, idle: first message beyond the rebalance',
          measured: medianOf(measured, 'beyondRebalance', 'idle'),
          unit: ' ms',
          goal: 1_000,
        },
        {
          what: 'join, 5,000 messages/s: the same',
          measured: medianOf(measured, 'beyondRebalance', 'load'),
          unit: ' ms',
          goal: 1_000,
        },
        { what: 'others, p99 added while it joins', measured: added('joining'), unit: ' ms', goal: 50 },
        { what: 'others, p99 added while it leaves', measured: added('leaving'), unit: ' ms', goal: 50 },
        {
          what: '  steady p99, sending to handling',
          measured: medianOf(measured, 'steady', 'load'),
          unit: ' ms',
        },
        {
          what: '  leaving, until the group is deleted',
          measured: medianOf(measured, 'leave', 'load'),
          unit: ' ms',
        },
      ],
      { rounds },
    );
  } finally {
    await server.stop();
  }
}
