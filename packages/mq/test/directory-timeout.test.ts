import type { StateStore } from '@colorway/core';
import { type ColoredChannelOptions, coloredChannel, type ModeName } from '@colorway/mq/amqp';
import { coloredKafka } from '@colorway/mq/kafka';
import { memoryBroker } from '@colorway/mq/memory';
import { type ColoringService, createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp, connect, unique, warningsOfEach } from './amqp/rabbit.js';

jest.setTimeout(60_000);
warningsOfEach();
const TIMEOUT_MS = 200;
const LATE = new RegExp(`has not answered .* within ${TIMEOUT_MS} ms`);

/** A coloring, and its directory's state half, whose calls hang from the time that is told. */
async function setUp(color = '') {
  const inner = memoryDirectory();
  const { state } = inner;
  if (state === undefined) throw new Error('no state');
  let hangs: (call: string) => boolean = () => false;
  const unlessItHangs =
    <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      hangs(`${name} ${args[0]}`) ? new Promise<never>(() => {}) : call.apply(state, args);
  const hanging: StateStore = {
    get: unlessItHangs('get', state.get),
    list: unlessItHangs('list', state.list),
    create: unlessItHangs('create', state.create),
    compareAndSet: unlessItHangs('compareAndSet', state.compareAndSet),
    compareAndDelete: unlessItHangs('compareAndDelete', state.compareAndDelete),
    watch: (prefix, observer) => state.watch(prefix, observer),
  };
  const coloring: ColoringService = createColoring({
    ...{ service: 'stock', color, directoryTimeoutMs: TIMEOUT_MS, closing: { noticeMs: 0 } },
    directory: { instances: inner.instances, state: hanging, close: () => inner.close() },
  });
  cleanUp(() => coloring.close());
  if (color !== '') await coloring.environments.ensure(color, { owner: 'test' });
  const hang = (which: (call: string) => boolean = () => true): void => {
    hangs = which;
  };
  return { coloring, state: hanging, hang };
}

/** What is asked of the directory for messages waits no longer than the coloring says. */
describe('Kafka, while calls of the directory hang', () => {
  test.each([
    ['the group’s name', 'mq-names/'],
    ['the record of who consumes', 'sub/'],
    ['the hand-over', 'mq/'],
  ])('%s: a color that starts is told of it after directoryTimeoutMs', async (_, prefix) => {
    const { coloring, hang } = await setUp('red');
    const broker = memoryBroker();
    cleanUp(() => broker.close());
    const consumer = coloredKafka(coloring, broker).consumer({ groupId: 'GID_order' });
    cleanUp(() => consumer.disconnect());
    await consumer.connect();
    await consumer.subscribe({ topics: ['orders'] });
    hang((call) => call.includes(` ${prefix}`));
    await expect(consumer.run({ eachMessage: async () => {} })).rejects.toThrow(LATE);
    hang(() => false);
  });
});

describeWithServers(['rabbitmq'], 'RabbitMQ, while calls of the directory hang', (servers) => {
  const channelOf = async (mode: ModeName, color?: string) => {
    const it = await setUp(color);
    const options: ColoredChannelOptions = mode === 'filter' ? { mode, state: it.state } : {};
    const raw = await (await connect(servers.rabbitmq.url)).createChannel();
    raw.on('error', () => {});
    const channel = coloredChannel(it.coloring, raw, options);
    const queue = unique('orders');
    await channel.assertQueue(queue);
    return { ...it, channel, queue };
  };

  test.each(['routing', 'filter'] as const)(
    '%s: a color that consumes is told of it after directoryTimeoutMs',
    async (mode) => {
      const { channel, queue, hang } = await channelOf(mode, 'red');
      hang((call) => call.includes(' sub/'));
      await expect(channel.consume(queue, () => {})).rejects.toThrow(LATE);
      hang(() => false);
    },
  );

  test('filter: so is a consumer of the baseline, whose view of the colors is not answered', async () => {
    const { channel, queue, hang } = await channelOf('filter');
    hang();
    await expect(channel.consume(queue, () => {})).rejects.toThrow(LATE);
    hang(() => false);
  });

  test('routing: a color that declares a queue goes on after directoryTimeoutMs', async () => {
    const { channel, hang } = await channelOf('routing', 'red');
    hang();
    const began = performance.now();
    await channel.assertQueue(unique('more'));
    // Two questions, each 10 s long when they do not follow it.
    expect(performance.now() - began).toBeLessThan(8_000);
    hang(() => false);
  });
});
