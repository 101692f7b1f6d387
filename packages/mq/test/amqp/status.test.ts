import { withColor } from '@colorway/core';
import { memoryDirectory } from '@colorway/registry/memory';
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp, cleanUpAll, connect, instance, pause, unique, until } from './rabbit.js';

jest.setTimeout(60_000);
afterEach(cleanUpAll, 30_000);

describeWithServers(['rabbitmq'], 'amqp, what is told and what is refused', (servers) => {
  const url = () => servers.rabbitmq.url;

  function sharedDirectory() {
    const directory = memoryDirectory();
    cleanUp(() => directory.close());
    return directory;
  }

  test('coloring.mq.status() and metrics: consumers, colors, counts, reasons, what waits', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const provider = new MeterProvider({
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
    });
    metrics.setGlobalMeterProvider(provider);
    cleanUp(() => metrics.disable());
    const directory = sharedDirectory();
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const open = async (color?: string) => {
      const options = { mode: 'filter' as const, state: directory.state, graceMs: 100 };
      const it = await instance(url(), color, { ...options, directory });
      await it.channel.assertExchange(exchange, 'topic');
      await it.channel.assertQueue(queue);
      await it.channel.bindQueue(queue, exchange, '#');
      await it.channel.prefetch(3);
      await it.channel.consume(queue, (message) => {
        if (message !== null && `${message.content}` !== 'held') it.channel.ack(message);
      });
      return it;
    };
    const base = await open();
    const colored = await open('a');
    await pause(400);
    for (const color of ['a', undefined, undefined]) {
      withColor(color, () => base.channel.publish(exchange, 'k', Buffer.from('x')));
    }
    for (let n = 0; n < 5; n++)
      withColor('a', () => base.channel.publish(exchange, 'k', Buffer.from('held')));
    const consumer = (of: typeof base) => of.coloring.mq.status().consumers[0];
    await until(() => consumer(base)?.skipped === 6 && consumer(colored)?.unread === 2);
    expect(consumer(base)).toEqual({
      ...{ broker: 'amqp', group: queue, brokerGroup: queue, color: undefined, phase: 'running' },
      ...{ handled: 2, skipped: 6, unread: expect.any(Number), partitions: [] },
      reasons: { a: 'within-span' },
    });
    expect(consumer(colored)).toEqual({
      ...{ broker: 'amqp', group: queue, brokerGroup: `GID_a_${queue}`, color: 'a', phase: 'running' },
      ...{ handled: 4, skipped: 2, unread: 2, partitions: [] },
      reasons: { a: 'within-span' },
    });
    expect(base.coloring.mq.status().handovers).toEqual([
      {
        ...{ broker: 'amqp', group: queue, brokerGroup: `GID_a_${queue}`, color: 'a', state: 'joined' },
        ...{ topic: undefined, epoch: undefined, fences: [] },
      },
    ]);
    await provider.forceFlush();
    const points = exporter
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap(({ metrics: all }) => all)
      .flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => [descriptor.name, attributes['coloring.group'], value]),
      );
    expect(points).toEqual(
      expect.arrayContaining([
        ['coloring.mq.handled', queue, 2],
        ['coloring.mq.skipped', queue, 6],
        ['coloring.mq.handled', `GID_a_${queue}`, 4],
        ['coloring.mq.handover', queue, 1],
      ]),
    );
    await base.channel.close();
    expect(base.coloring.mq.status()).toEqual({ consumers: [], handovers: [], work: [] });
  });

  for (const mode of ['routing', 'filter'] as const) {
    test(`${mode}: a color whose environment does not exist consumes nothing, and takes nothing from the baseline`, async () => {
      const directory = sharedDirectory();
      const [queue, exchange] = [unique('orders'), unique('shop')];
      const options = mode === 'filter' ? { mode, state: directory.state, graceMs: 0 } : {};
      const seen: string[] = [];
      const open = async (color?: string) => {
        const it = await instance(url(), color, { ...options, directory, ensure: false });
        await it.channel.assertExchange(exchange, 'topic');
        await it.channel.assertQueue(queue);
        await it.channel.bindQueue(queue, exchange, '#');
        return it.channel;
      };
      const base = await open();
      await base.consume(queue, (message) => {
        if (message === null) return;
        seen.push(`${message.content}`);
        base.ack(message);
      });
      const colored = await open('a');
      for (const consume of [() => colored.consume(queue, () => {}), () => colored.get(queue)]) {
        await expect(consume()).rejects.toMatchObject({ code: 'COLORWAY_ENVIRONMENT_UNKNOWN' });
      }
      expect(await directory.state?.list('sub/')).toEqual([]);
      await pause(100);
      withColor('a', () => base.publish(exchange, 'k', Buffer.from('x')));
      await until(() => seen.length === 1);
    });
  }

  test('names that are too long in bytes, or that two queues share, are refused before anything is declared', async () => {
    const refused = { code: 'COLORWAY_GROUP_NAME' };
    const raw = await (await connect(url())).createChannel();
    raw.on('error', () => {});
    const red = (await instance(url(), 'red')).channel;
    await expect(red.assertQueue('ü'.repeat(120))).rejects.toMatchObject(refused);
    const long = 'q'.repeat(220);
    const color = `c${'0'.repeat(60)}`;
    await expect((await instance(url(), color)).channel.assertQueue(long)).rejects.toMatchObject(refused);
    await expect(raw.checkQueue(long)).rejects.toMatchObject({ code: 404 });

    const name = unique('orders');
    for (const [one, other] of [
      [name, `GID_${name}`],
      [`GID_${name}`, name],
      [name, `GID_a_${name}`],
      [`GID_a_${name}`, name],
    ] as const) {
      const { channel } = await instance(url(), 'a', { queueOptions: () => ({}) });
      await channel.assertQueue(one);
      await expect(channel.assertQueue(other)).rejects.toMatchObject(refused);
      await expect(channel.consume(other, () => {})).rejects.toMatchObject(refused);
    }
  });
});
