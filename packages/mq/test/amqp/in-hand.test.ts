import { type StateStore, withColor } from '@colorway/core';
import { Environments } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import type { ChannelModel } from 'amqplib';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp, cleanUpAll, instance, pause, unique, until } from './rabbit.js';

jest.setTimeout(240_000);
beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await cleanUpAll();
  jest.restoreAllMocks();
}, 60_000);

const TRIALS = Number(process.env.COLORWAY_TRIALS ?? 12);
const AT_ONCE = 12;
const HELD = 3;

/** What a killed process does: no farewell. */
function die(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: { destroy(error: Error): void } };
  stream.destroy(new Error('the process dies'));
}

type Instance = Awaited<ReturnType<typeof instance>>;
type GiveBack = 'nack' | 'nackAll' | 'channel.close' | 'connection.close' | 'die';
const WAYS: readonly GiveBack[] = ['nack', 'nackAll', 'channel.close', 'connection.close', 'die'];

/*
 * A process ends while its color leaves, as a pipeline does, and gives back what it has in hand. Its cancelled consumer
 * is counted by no broker, and what it holds neither.
 */
describeWithServers(['rabbitmq'], 'amqp, what a process has in hand when its color leaves', (servers) => {
  async function world(type = 'classic') {
    const directory = memoryDirectory();
    cleanUp(() => directory.close());
    const environments = new Environments(directory.state as StateStore);
    const exchange = unique('shop');
    const queues = Array.from({ length: AT_ONCE }, () => unique('orders'));
    const args = { arguments: { 'x-queue-type': type } };
    const handled = new Set<string>();
    const base = await instance(servers.rabbitmq.url, undefined, { directory });
    await base.channel.assertExchange(exchange, 'topic');
    for (const queue of queues) {
      await base.channel.assertQueue(queue, args);
      await base.channel.bindQueue(queue, exchange, queue);
      await base.channel.consume(queue, (message) => {
        if (message === null) return;
        handled.add(`${message.content}`);
        base.channel.ack(message);
      });
    }

    /** A color's process that has three messages in hand, taken in the given way. */
    async function holder(
      queue: string,
      color: string,
      takes: 'consume' | 'get' | 'exclusive',
      drainMs: number,
    ) {
      const it = await instance(servers.rabbitmq.url, color, { directory, drainMs });
      it.channel.on('error', () => {});
      await it.channel.assertQueue(queue, args);
      await it.channel.bindQueue(queue, exchange, queue);
      const held: object[] = [];
      /** What comes after it has given back, it handles. */
      const after = { handles: false };
      const send = async () => {
        withColor(color, () => {
          for (let n = 0; n < HELD; n++) base.channel.publish(exchange, queue, Buffer.from(`${color} ${n}`));
        });
        await base.channel.waitForConfirms();
      };
      let consumerTag = '';
      if (takes === 'get') {
        await it.channel.get(queue);
        await send();
        for (let n = 0; n < HELD; n++) held.push((await it.channel.get(queue)) || {});
      } else {
        const exclusive = takes === 'exclusive';
        const consumer = await it.channel.consume(
          queue,
          (message) => {
            if (message === null) return;
            if (!after.handles) {
              held.push(message);
              return;
            }
            handled.add(`${message.content}`);
            it.channel.ack(message);
          },
          { exclusive },
        );
        consumerTag = consumer.consumerTag;
        await send();
        await until(() => held.length === HELD);
      }
      return { ...it, held, after, consumerTag };
    }

    function giveBack({ channel, connection }: Instance, held: readonly object[], how: GiveBack): void {
      if (how === 'die') die(connection);
      else if (how === 'connection.close') void connection.close().catch(() => {});
      else if (how === 'channel.close') void channel.close().catch(() => {});
      else if (how === 'nackAll') channel.nackAll();
      else for (const message of held) channel.nack(message as never);
    }

    return { base, environments, queues, handled, holder, giveBack };
  }

  test.each([
    ['consume', 'classic'],
    ['consume', 'quorum'],
    ['get', 'classic'],
    ['exclusive', 'classic'],
  ] as const)(
    '%s, %s queue: nothing is lost, whenever it closes and however it gives back',
    async (takes, type) => {
      const { base, environments, queues, handled, holder, giveBack } = await world(type);
      const lost: string[] = [];
      const trial = async (n: number): Promise<void> => {
        const color = `t${n}`;
        const queue = queues[n % AT_ONCE] as string;
        const how = WAYS[n % WAYS.length] as GiveBack;
        const offset = Math.round(Math.random() * 200 - 100);
        const it = await holder(queue, color, takes, 2_000);
        let waitsFor: unknown;
        const leaving = pause(100).then(() =>
          environments.withdraw('order', color, {
            signal: AbortSignal.timeout(30_000),
            onProgress: (progress) => {
              waitsFor = progress;
            },
          }),
        );
        await pause(100 + offset);
        const closing =
          n % 3 === 0 && it.consumerTag !== '' ? it.channel.cancel(it.consumerTag) : it.coloring.close();
        closing.catch(() => {});
        await pause(Math.random() < 0.5 ? Math.random() * 100 : 1_000);
        it.after.handles = true;
        giveBack(it, it.held, how);
        await leaving.catch((error: unknown) => {
          const said = JSON.stringify([waitsFor, it.coloring.mq.status(), base.coloring.mq.status()]);
          lost.push(`${color}: ${how}, ${offset} ms: ${error}, ${said}`);
        });
        const mine = Array.from({ length: HELD }, (_, k) => `${color} ${k}`);
        if (!mine.every((text) => handled.has(text))) lost.push(`${color}: ${how}, ${offset} ms`);
        await it.connection.close().catch(() => {});
      };
      for (let from = 0; from < TRIALS; from += AT_ONCE) {
        const some = Array.from({ length: Math.min(AT_ONCE, TRIALS - from) }, (_, n) => trial(from + n));
        await Promise.all(some);
      }
      expect(lost).toEqual([]);
    },
  );

  test('one that drains a color, and whose consumer is cancelled meanwhile, is called no more, and another one ends the leave', async () => {
    const directory = memoryDirectory();
    cleanUp(() => directory.close());
    const [exchange, queue] = [unique('shop'), unique('orders')];
    const environments = new Environments(directory.state as StateStore);
    const ids = Array.from({ length: 20 }, (_, n) => `${n}`);
    const handled: string[] = [];
    const start = async (by: string, color?: string) => {
      const it = await instance(servers.rabbitmq.url, color, { directory });
      await it.channel.prefetch(1);
      await it.channel.assertExchange(exchange, 'topic');
      await it.channel.assertQueue(queue);
      await it.channel.bindQueue(queue, exchange, queue);
      const { consumerTag } = await it.channel.consume(queue, (message) => {
        if (message === null || color !== undefined) return;
        handled.push(`${by} ${message.content}`);
        void pause(50).then(() => it.channel.ack(message));
      });
      return { ...it, consumerTag };
    };
    const first = await start('first');
    const red = await start('red', 'red');
    withColor('red', () => {
      for (const id of ids) first.channel.publish(exchange, queue, Buffer.from(id));
    });
    await first.channel.waitForConfirms();
    await red.coloring.close();
    await red.connection.close();
    const leaving = environments.withdraw('order', 'red', { signal: AbortSignal.timeout(60_000) });
    await until(() => handled.length > 0, 30_000);
    await first.channel.cancel(first.consumerTag);
    await start('second');
    await leaving;
    const of = (by: string) => handled.filter((one) => one.startsWith(by)).length;
    expect(handled.map((one) => Number(one.split(' ')[1])).sort((a, b) => a - b)).toEqual(ids.map(Number));
    expect(of('second')).toBeGreaterThan(10);
  });
});
