// One consumer over one topic that is full already: processor time and wall time a message, by variant.

import { createRequire } from 'node:module';
import { coloredKafka } from '@colorway/mq/kafka';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';

const [, , variant] = process.argv;
const { KAFKA_BROKERS = '', BENCH_TOPIC = '', BENCH_MESSAGES = '0' } = process.env;
const total = Number(BENCH_MESSAGES);

if (variant === 'otel') {
  const { NodeSDK, tracing } = await import('@opentelemetry/sdk-node');
  const { KafkaJsInstrumentation } = await import('@opentelemetry/instrumentation-kafkajs');
  const sdk = new NodeSDK({
    sampler: new tracing.AlwaysOffSampler(),
    spanProcessors: [],
    instrumentations: [new KafkaJsInstrumentation()],
  });
  sdk.start();
}
// After the instrumentation, which patches what is loaded behind it.
const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs');

const topic = `${BENCH_TOPIC}-${variant === 'skip' || variant === 'count' ? 'red' : 'plain'}`;
const groupId = `GID_bench-${variant}-${process.pid}-${Date.now()}`;
const client = new Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING });
const kafka = variant === 'wrapped' || variant === 'skip' ? coloredKafka(await coloring(), client) : client;

/** Of the baseline; all of the topic's messages belong to red. */
async function coloring() {
  const directory = memoryDirectory();
  const prefix = `mq/${groupId}/${topic}/red`;
  await directory.state.create(prefix, JSON.stringify({ state: 'active', epoch: 1, group: groupId, topic }));
  await directory.state.create(`${prefix}/1/join/0`, JSON.stringify({ offset: '0', by: 'bench' }));
  return createColoring({ service: 'bench', color: '', directory });
}

const consumer = kafka.consumer({ groupId });
let handled = 0;
const count = variant === 'count' || variant === 'skip';
const run = count
  ? {
      eachBatch: async ({ batch }) => {
        handled += batch.messages.length;
      },
    }
  : {
      eachMessage: async () => {
        handled++;
      },
    };

let from;
let cpu;
const done = new Promise((resolve) => {
  consumer.on(consumer.events.START_BATCH_PROCESS, () => {
    // The first batch warms up.
    if (from !== undefined || ++batches < 2) return;
    from = process.hrtime.bigint();
    cpu = process.cpuUsage();
  });
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    if (from === undefined) first = Number(payload.lastOffset) + 1;
    if (Number(payload.lastOffset) === total - 1) resolve();
  });
});
let batches = 0;
let first = 0;

await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
await consumer.run(run);
await done;
const wall = Number(process.hrtime.bigint() - from) / 1_000;
const { user, system } = process.cpuUsage(cpu);
const expected = variant === 'skip' ? 0 : total;
if (handled !== expected) throw new Error(`${variant}: ${handled} messages were handled, not ${expected}`);
console.log(JSON.stringify({ wall: wall / (total - first), cpu: (user + system) / (total - first) }));
process.exit(0);
