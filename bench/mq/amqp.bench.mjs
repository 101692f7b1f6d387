// RabbitMQ end to end: 90 % of the messages without a color. Times, so lower is better: a throughput of 0.80 of the
// raw queue's is a time of 1.25.
import { fileURLToPath } from 'node:url';
import { startService } from '../../test/services/index.mjs';
import { report } from '../lib/report.mjs';
import { AGAIN, ratio, runRounds } from '../lib/rounds.mjs';

const WORKER = fileURLToPath(new URL('./amqp.worker.mjs', import.meta.url));

export async function run({ rounds }) {
  const broker = await startService('rabbitmq');
  try {
    const options = { rounds, env: { AMQP_URL: broker.url } };
    const routed = await runRounds(WORKER, ['raw', 'routing-10', 'routing-50'], options);
    const against = (variant) => ratio(routed, 'microseconds', variant, 'raw');
    const strays = ['routing-10', 'routing-50']
      .flatMap((variant) => routed.get(variant))
      .reduce((sum, { foreign }) => sum + foreign, 0);
    report(
      'RabbitMQ, routing mode against a raw queue',
      [
        { what: '10 colors, time a message', measured: against('routing-10'), goal: 1 / 0.8 },
        { what: '50 colors, time a message', measured: against('routing-50'), goal: 1 / 0.45 },
        { what: 'deliveries to the wrong side', measured: strays, goal: 0 },
      ],
      { rounds, aa: against(AGAIN) },
    );
    const filtered = await runRounds(WORKER, ['filter-single', 'filter-batched'], options);
    const toSingle = (variant) => ratio(filtered, 'microseconds', variant, 'filter-single');
    report(
      'RabbitMQ, filter mode, 10 colors: foreign messages acknowledged in batches, against one by one',
      [{ what: 'time a message', measured: toSingle('filter-batched'), goal: 1 / 1.3 }],
      { rounds, aa: toSingle(AGAIN) },
    );
  } finally {
    await broker.stop();
  }
}
