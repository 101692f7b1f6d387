// Colored channels under OpenTelemetry's amqplib instrumentation: `otel.child.ts <url> <mode> <kind of channel>`. Prints what was
// sent and handled, and the consumer spans that ended, as one line of JSON.
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { activeColor, type Coloring, withColor } from '@colorway/core';
import { coloredChannel } from '@colorway/mq/amqp';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { AmqplibInstrumentation } from '@opentelemetry/instrumentation-amqplib';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type * as Amqplib from 'amqplib';

const [, , url = '', mode = 'routing', kind = 'confirm'] = process.argv;
const exporter = new InMemorySpanExporter();
const instrumentations = [new AmqplibInstrumentation()];
new NodeSDK({ spanProcessors: [new SimpleSpanProcessor(exporter)], instrumentations }).start();
// After the instrumentation, which patches what is loaded behind it.
const amqplib: typeof Amqplib = createRequire(import.meta.url)('amqplib');

const tracer = trace.getTracer('test');
const { state } = memoryDirectory();
const queue = `otel-${process.pid}-${Date.now()}`;
const exchange = `${queue}.shop`;
const sent: Record<string, string> = {};
const handled: object[] = [];

async function open(color?: string): Promise<{ channel: Amqplib.Channel; coloring: Coloring }> {
  const coloring = createColoring({ service: 'order', color: color ?? '', directory: memoryDirectory() });
  if (color !== undefined) await coloring.environments.ensure(color, { owner: 'test' });
  const connection = await amqplib.connect(url);
  const raw = kind === 'confirm' ? await connection.createConfirmChannel() : await connection.createChannel();
  const options = mode === 'filter' ? { mode: 'filter' as const, state, graceMs: 100 } : {};
  return { channel: coloredChannel(coloring, raw, options), coloring };
}

async function consume(color?: string): Promise<Amqplib.Channel> {
  const { channel } = await open(color);
  await channel.assertExchange(exchange, 'topic');
  await channel.assertQueue(queue);
  await channel.bindQueue(queue, exchange, '#');
  await channel.consume(queue, (message) => {
    if (message === null) return;
    const { DMQ_ENV_TAG: tag, baggage } = message.properties.headers ?? {};
    handled.push({
      by: color ?? 'base',
      text: `${message.content}`,
      color: activeColor(),
      tag,
      baggage,
      user: propagation.getActiveBaggage()?.getEntry('user')?.value,
      traceId: trace.getActiveSpan()?.spanContext().traceId,
    });
    channel.ack(message);
  });
  return channel;
}

function send(text: string, color: string | undefined, to: (content: Buffer) => void): void {
  withColor(color, () =>
    tracer.startActiveSpan(text, (span) => {
      sent[text] = span.spanContext().traceId;
      to(Buffer.from(text));
      span.end();
    }),
  );
}

const base = await consume();
await consume('a');
await pause(300); // filter mode's grace
// A new channel does not know the queue: the first three are held, and go when another context is active.
const { channel: fresh } = await open();
for (const color of ['a', 'b', undefined]) {
  send(`held ${color}`, color, (content) => fresh.sendToQueue(queue, content));
}
for (const color of ['a', 'b', undefined]) {
  send(`published ${color}`, color, (content) => base.publish(exchange, 'k', content));
  const kept = { headers: { baggage: 'user=7' } };
  send(`own baggage ${color}`, color, (content) => base.publish(exchange, 'k', content, kept));
}
const { channel: assumed } = await open('a');
const withUser = propagation.setBaggage(
  context.active(),
  propagation.createBaggage({ user: { value: '7' } }),
);
context.with(withUser, () =>
  send('assumed', undefined, (content) => assumed.publish(exchange, 'k', content)),
);
for (let wait = 0; wait < 400 && handled.length < 10; wait++) await pause(25);
await pause(200);
const spans = exporter.getFinishedSpans().filter((span) => span.kind === SpanKind.CONSUMER);
const ended = spans.map(({ attributes, status }) => ({ attributes, status: status.code }));
process.stdout.write(`${JSON.stringify({ sent, handled, ended })}\n`, () => process.exit(0));
