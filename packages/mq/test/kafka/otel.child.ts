// Colored consumers under OpenTelemetry's kafkajs instrumentation: `otel.child.ts <brokers>`. Prints what was sent and handled, and
// the spans that ended, as one line of JSON.
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { activeColor, withColor } from '@colorway/core';
import { coloredKafka } from '@colorway/mq/kafka';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { propagation, trace } from '@opentelemetry/api';
import { KafkaJsInstrumentation } from '@opentelemetry/instrumentation-kafkajs';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type * as Kafkajs from 'kafkajs';

const [, , brokers = ''] = process.argv;
const exporter = new InMemorySpanExporter();
const instrumentations = [new KafkaJsInstrumentation()];
new NodeSDK({ spanProcessors: [new SimpleSpanProcessor(exporter)], instrumentations }).start();
// After the instrumentation, which patches what is loaded behind it.
const { Kafka, logLevel }: typeof Kafkajs = createRequire(import.meta.url)('kafkajs');

const directory = memoryDirectory();
const topic = `otel-${process.pid}-${Date.now()}`;
const handled: object[] = [];
const sent: Record<string, string> = {};
const client = () => new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
const base = createColoring({ service: 'stock', color: '', directory });
const red = createColoring({ service: 'stock', color: 'red', directory });
await red.environments.ensure('red', { owner: 'test' });

const admin = client().admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
for (const coloring of [base, red]) {
  const by = coloring.color ?? 'base';
  const consumer = coloredKafka(coloring, client()).consumer({ groupId: `GID_${topic}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      await pause(1);
      const traceId = trace.getActiveSpan()?.spanContext().traceId;
      const user = propagation.getActiveBaggage()?.getEntry('user')?.value;
      handled.push({ by, text: String(message.value), color: activeColor(), traceId, user });
    },
  });
}
const isActive = () => base.mq.status().handovers.some(({ state }) => state === 'active');
for (let wait = 0; wait < 1_200 && !isActive(); wait++) await pause(25);

const producer = coloredKafka(base, client()).producer();
await producer.connect();
const tracer = trace.getTracer('test');
for (const [text, color, headers] of [
  ['plain', undefined, {}],
  ['red', 'red', {}],
  ['blue', 'blue', {}],
  ['own', undefined, { baggage: 'user=7' }],
  ['own red', 'red', { baggage: 'user=8' }],
] as const) {
  await withColor(color, () =>
    tracer.startActiveSpan(text, async (span) => {
      sent[text] = span.spanContext().traceId;
      await producer.send({ topic, messages: [{ value: text, headers }] });
      span.end();
    }),
  );
}
for (let wait = 0; wait < 1_200 && handled.length < 5; wait++) await pause(25);
await pause(300);
const spans = exporter
  .getFinishedSpans()
  .filter(({ instrumentationScope }) => instrumentationScope.name === '@colorway/mq')
  .map((span) => ({ name: span.name, attributes: span.attributes, traceId: span.spanContext().traceId }));
process.stdout.write(`${JSON.stringify({ topic, sent, handled, spans })}\n`, () => process.exit(0));
