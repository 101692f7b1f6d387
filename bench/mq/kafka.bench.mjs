// A wrapped consumer against the bare one, on a real broker. KAFKA_BROKERS names it, or one is started.
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { startService } from '../../test/services/index.mjs';
import { report } from '../lib/report.mjs';
import { AGAIN, medianOf, ratio, runRounds } from '../lib/rounds.mjs';

const script = fileURLToPath(new URL('./kafka.worker.mjs', import.meta.url));
const MESSAGES = 300_000;

export async function run({ rounds }) {
  const server = await startService('kafka');
  try {
    const topic = `bench-${process.pid}-${Date.now()}`;
    await fill(server.brokers ?? server.url.split(','), topic);
    const env = { KAFKA_BROKERS: server.url, BENCH_TOPIC: topic, BENCH_MESSAGES: String(MESSAGES) };
    const each = await runRounds(script, ['bare', 'wrapped', 'otel'], { rounds, env });
    report(
      'Kafka consumer, uncolored messages of 200 bytes with key and two headers, empty eachMessage',
      [
        {
          what: 'time a message, wrapped against bare',
          measured: ratio(each, 'wall', 'wrapped', 'bare'),
          goal: 1 / 0.97,
        },
        { what: 'processor time, wrapped against bare', measured: ratio(each, 'cpu', 'wrapped', 'bare') },
        {
          what: "time a message, OpenTelemetry's instrumentation",
          measured: ratio(each, 'wall', 'otel', 'bare'),
        },
        { what: '  bare: time a message', measured: medianOf(each, 'wall', 'bare'), unit: ' µs' },
        { what: '  bare: processor time', measured: medianOf(each, 'cpu', 'bare'), unit: ' µs' },
      ],
      { aa: ratio(each, 'wall', AGAIN, 'bare'), rounds },
    );
    const foreign = await runRounds(script, ['count', 'skip'], { rounds, env });
    report(
      'Kafka consumer, all messages belong to a color: passed over, against a bare eachBatch that counts',
      [
        { what: 'time a message', measured: ratio(foreign, 'wall', 'skip', 'count'), goal: 1 / 0.95 },
        { what: 'processor time', measured: ratio(foreign, 'cpu', 'skip', 'count') },
        { what: '  bare: time a message', measured: medianOf(foreign, 'wall', 'count'), unit: ' µs' },
      ],
      { aa: ratio(foreign, 'wall', AGAIN, 'count'), rounds },
    );
  } finally {
    await server.stop();
  }
}

async function fill(brokers, topic) {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  const value = Buffer.alloc(200, 'v');
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const kinds = {
    plain: { traceparent, 'content-type': 'application/json' },
    red: { DMQ_ENV_TAG: 'red', baggage: 'x-infr-flowtype=CE_red' },
  };
  for (const [kind, headers] of Object.entries(kinds)) {
    for (let at = 0; at < MESSAGES; at += 2_000) {
      const messages = Array.from({ length: 2_000 }, (_, index) => ({
        key: `key-${at + index}`,
        value,
        headers,
      }));
      await producer.send({ topic: `${topic}-${kind}`, messages });
    }
  }
  await producer.disconnect();
}
