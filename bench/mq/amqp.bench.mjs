// RabbitMQ end to end: 90 % of the messages without a color. Times, so lower is better: a throughput of 0.80 of the
// raw queue's is a time of 1.25. Beside them what a busy machine disturbs less: processor time of the client, and of the broker where
// it is ours and this is Linux.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startService } from '../../test/services/index.mjs';
import { report } from '../lib/report.mjs';
import { AGAIN, ratio, runRounds } from '../lib/rounds.mjs';

const WORKER = fileURLToPath(new URL('./amqp.worker.mjs', import.meta.url));
const BY_HAND = 'filter-single';

export async function run({ rounds }) {
  const broker = await startService('rabbitmq');
  try {
    const pid = erlangOf(broker.pid);
    const env = { AMQP_URL: broker.url, ...(pid !== undefined && { BROKER_PID: `${pid}` }) };
    await routing(rounds, env);
    await topic(rounds, env);
    await filter(rounds, env);
  } finally {
    await broker.stop();
  }
}

async function routing(rounds, env) {
  const measured = await runRounds(WORKER, ['raw', 'routing-10', 'routing-50'], { rounds, env });
  const against = (variant, figure = 'microseconds') => ratio(measured, figure, variant, 'raw');
  const strays = ['routing-10', 'routing-50']
    .flatMap((variant) => measured.get(variant))
    .reduce((sum, { foreign }) => sum + foreign, 0);
  report(
    'RabbitMQ, routing mode against a raw queue',
    [
      { what: '10 colors, time a message', measured: against('routing-10'), goal: 1 / 0.8 },
      ...processorTime('  ', (figure) => against('routing-10', figure), env),
      { what: '50 colors, time a message', measured: against('routing-50'), goal: 1 / 0.45 },
      { what: 'deliveries to the wrong side', measured: strays, goal: 0 },
    ],
    { rounds, aa: against(AGAIN) },
  );
}

/** Both bind the key, so that the broker goes both ways for each message. */
async function topic(rounds, env) {
  const measured = await runRounds(WORKER, ['raw-topic', 'topic-10'], { rounds, env });
  const against = (variant, figure = 'microseconds') => ratio(measured, figure, variant, 'raw-topic');
  report(
    'RabbitMQ, routing mode by way of a topic exchange, against a raw queue that is bound there',
    [
      { what: '10 colors, time a message', measured: against('topic-10') },
      ...processorTime('  ', (figure) => against('topic-10', figure), env),
    ],
    { rounds, aa: against(AGAIN) },
  );
}

async function filter(rounds, env) {
  const variants = [
    BY_HAND,
    'filter-batched',
    'multiple-10',
    'multiple-50',
    'multiple-250',
    'unacknowledged',
  ];
  const measured = await runRounds(WORKER, variants, { rounds, env });
  const toSingle = (variant, figure = 'microseconds') => ratio(measured, figure, variant, BY_HAND);
  const plain = variants
    .slice(2)
    .flatMap((variant) => [
      { what: `plain client, ${variant}`, measured: toSingle(variant) },
      ...processorTime('  ', (figure) => toSingle(variant, figure), env),
    ]);
  report(
    'RabbitMQ, filter mode, 10 colors: foreign messages acknowledged in batches, against one by one',
    [
      { what: 'time a message', measured: toSingle('filter-batched'), goal: 1 / 1.3 },
      ...processorTime('  ', (figure) => toSingle('filter-batched', figure), env),
      ...plain,
    ],
    { rounds, aa: toSingle(AGAIN) },
  );
}

function processorTime(indent, against, { BROKER_PID }) {
  return [
    { what: `${indent}processor time of the client`, measured: against('client') },
    ...(BROKER_PID === undefined
      ? []
      : [{ what: `${indent}processor time of the broker`, measured: against('broker') }]),
  ];
}

/** The broker is started by a shell script, which waits for it. */
function erlangOf(pid) {
  if (pid === undefined || process.platform !== 'linux') return undefined;
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return child === undefined || child === '' ? pid : Number(child);
  } catch {
    return undefined;
  }
}
