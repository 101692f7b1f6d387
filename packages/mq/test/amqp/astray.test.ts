import { activeColor, withColor } from '@colorway/core';
import type { ModeName } from '@colorway/mq/amqp';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { type Channel, cleanUp, cleanUpAll, connect, instance, pause, unique, until } from './rabbit.js';

jest.setTimeout(60_000);
afterEach(cleanUpAll, 30_000);

/** Of filter mode. A machine that is busy for longer has a view that is too old, and then the baseline handles a color's messages too. */
const GRACE_MS = 1_500;

interface Seen {
  readonly by: string;
  readonly text: string;
  readonly color: string | undefined;
  readonly deaths: number;
}

describeWithServers(['rabbitmq'], 'amqp, messages that pass by the routing', (servers) => {
  const url = () => servers.rabbitmq.url;

  function world(mode: ModeName) {
    const directory = memoryDirectory();
    cleanUp(() => directory.close());
    const options = mode === 'filter' ? { mode, state: directory.state, graceMs: GRACE_MS } : {};
    return (color?: string, confirm = true) => instance(url(), color, { ...options, directory, confirm });
  }

  const sorted = (seen: Seen[]) => seen.map(({ by, text, color }) => `${by} ${text} ${color}`).sort();

  for (const mode of ['routing', 'filter'] as const) {
    for (const type of ['classic', 'quorum']) {
      test(`${mode}, ${type}: dead letters and retries by queue name keep their color, their owner and their count`, async () => {
        const start = world(mode);
        const [queue, exchange] = [unique('orders'), unique('shop')];
        const retry = `${queue}.retry`;
        const seen: Seen[] = [];
        const open = async (by: string, color?: string) => {
          const { channel } = await start(color);
          await channel.assertExchange(exchange, 'topic');
          await channel.assertQueue(queue, {
            deadLetterExchange: '',
            deadLetterRoutingKey: retry,
            arguments: { 'x-queue-type': type },
          });
          await channel.bindQueue(queue, exchange, '#');
          // Nobody consumes it: what has waited goes back by the name of the queue.
          await channel.assertQueue(retry, {
            messageTtl: 50,
            deadLetterExchange: '',
            deadLetterRoutingKey: queue,
          });
          await channel.consume(queue, (message) => {
            if (message === null) return;
            const deaths = Number(
              (
                message.properties.headers?.['x-death'] as { queue: string; count: number }[] | undefined
              )?.find(({ queue: of }) => of === retry)?.count ?? 0,
            );
            seen.push({ by, text: `${message.content}`, color: activeColor(), deaths });
            if (deaths >= 2) channel.ack(message);
            else channel.nack(message, false, false);
          });
          return channel;
        };
        const base = await open('base');
        await open('a', 'a');
        await pause(mode === 'filter' ? 2 * GRACE_MS : 500);
        for (const color of [undefined, 'a', 'b']) {
          withColor(color, () => base.publish(exchange, 'k', Buffer.from(`of ${color}`)));
        }
        await until(() => seen.length >= 9);
        await pause(200);
        const expected = ['a of a a', 'base of b b', 'base of undefined undefined'];
        expect(sorted(seen)).toEqual(expected.flatMap((one) => [one, one, one]).sort());
        expect(seen.map(({ deaths }) => deaths).sort()).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
      });
    }

    test(`${mode}: what others send straight to the queue finds its color, through channels that confirm and that do not`, async () => {
      jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
      const start = world(mode);
      for (const confirm of [true, false]) {
        const [queue, exchange] = [unique('orders'), unique('shop')];
        const seen: string[] = [];
        const open = async (by: string, color?: string) => {
          const { channel, raw } = await start(color, confirm);
          await channel.assertExchange(exchange, 'topic');
          await channel.assertQueue(queue);
          await channel.bindQueue(queue, exchange, '#');
          await channel.consume(queue, (message) => {
            if (message === null) return;
            const { messageId, headers } = message.properties;
            seen.push(`${by} ${message.content} ${activeColor()} ${messageId} ${headers?.kept}`);
            channel.ack(message);
          });
          return raw;
        };
        await open('base');
        const raw = await open('a', 'a');
        await pause(mode === 'filter' ? 2 * GRACE_MS : 400);
        const { queue: copies } = await raw.assertQueue('', { exclusive: true });
        const send = (color?: string) =>
          raw.sendToQueue(queue, Buffer.from('x'), {
            headers: { kept: 1, ...(color !== undefined && { DMQ_ENV_TAG: color }) },
            messageId: 'id',
            userId: 'guest',
            CC: copies,
          });
        for (const color of ['a', 'b', undefined]) send(color);
        await until(() => seen.length >= 3);
        await pause(100);
        expect(seen.sort()).toEqual(['a x a id 1', 'base x b id 1', 'base x undefined id 1']);
        expect(await raw.checkQueue(copies)).toMatchObject({ messageCount: 3 });
      }
      jest.restoreAllMocks();
    });
  }

  test('filter: a color’s queue that was deleted meanwhile takes nothing, and the baseline handles what it cannot pass on', async () => {
    const start = world('filter');
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const seen: string[] = [];
    const open = async (by: string, color?: string) => {
      const { channel, raw } = await start(color);
      await channel.assertExchange(exchange, 'topic');
      await channel.assertQueue(queue);
      await channel.bindQueue(queue, exchange, '#');
      await channel.consume(queue, (message) => {
        if (message === null) return;
        seen.push(`${by} ${message.content} ${activeColor()}`);
        channel.ack(message);
      });
      return raw;
    };
    const raw = await open('base');
    await open('a', 'a');
    await pause(2 * GRACE_MS);
    const send = (text: string) =>
      raw.sendToQueue(queue, Buffer.from(text), { headers: { DMQ_ENV_TAG: 'a' } });
    send('0');
    await until(() => seen.length === 1);
    await raw.deleteQueue(`GID_a_${queue}`);
    send('1');
    await until(() => seen.length === 2);
    expect(seen).toEqual(['a 0 a', 'base 1 a']);
  });

  test('taken by get, without acknowledgements, and with everything up to a later one acknowledged', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const start = world('routing');
    const queue = unique('orders');
    const base = await start();
    await base.channel.assertQueue(queue);
    const colored = await start('a');
    const seen: string[] = [];
    await colored.channel.assertQueue(queue);
    await colored.channel.consume(queue, (message) => {
      if (message === null) return;
      seen.push(`a ${message.content}`);
      colored.channel.ack(message);
    });
    const raw = await (await connect(url())).createConfirmChannel();
    const send = async (text: string, color?: string) => {
      raw.sendToQueue(
        queue,
        Buffer.from(text),
        color === undefined ? {} : { headers: { DMQ_ENV_TAG: color } },
      );
      await raw.waitForConfirms();
    };
    await send('1', 'a');
    await send('2');
    const got = await base.channel.get(queue);
    expect(got && `${got.content}`).toBe('2');
    await until(() => seen.length === 1);
    base.channel.ackAll();

    const { consumerTag } = await base.channel.consume(
      queue,
      (message) => message && seen.push(`base ${message.content}`),
      { noAck: true },
    );
    await send('3', 'a');
    await until(() => seen.length === 2);
    await base.channel.cancel(consumerTag);

    await base.channel.consume(queue, (message) => {
      if (message === null) return;
      seen.push(`base ${message.content}`);
      base.channel.ack(message, true);
    });
    for (let n = 0; n < 20; n++) await send(`${n}`, n % 2 === 0 ? 'a' : undefined);
    await until(() => seen.length >= 22);
    await pause(100);
    expect(new Set(seen).size).toBe(22);
    expect(seen.filter((one) => one.startsWith('base')).length).toBe(10);
    // The channel is still open: nothing was acknowledged twice.
    await base.channel.checkQueue(queue);
    warned.mockRestore();
  });

  test('wrapped channels never pass by: sendToQueue, and publish to the default exchange, whoever asserted the queue', async () => {
    const start = world('routing');
    const queue = unique('orders');
    const seen: string[] = [];
    const consume = async (by: string, color?: string): Promise<Channel> => {
      const { channel } = await start(color);
      await channel.assertQueue(queue);
      await channel.consume(queue, (message) => {
        if (message === null) return;
        seen.push(`${by} ${message.content} ${message.fields.exchange}`);
        channel.ack(message);
      });
      return channel;
    };
    await consume('base');
    await consume('a', 'a');
    const { channel } = await start();
    for (const color of ['a', undefined]) {
      withColor(color, () => channel.sendToQueue(queue, Buffer.from('sent')));
      withColor(color, () => channel.publish('', queue, Buffer.from('published')));
    }
    await until(() => seen.length >= 4);
    const by = `${queue}.coloring`;
    expect(seen.sort()).toEqual([
      `a published ${by}`,
      `a sent ${by}`,
      `base published ${by}`,
      `base sent ${by}`,
    ]);
  });

  test('a color’s queue has the arguments of the baseline’s', async () => {
    const start = world('routing');
    const queue = unique('orders');
    const options = {
      maxPriority: 5,
      messageTtl: 60_000,
      deadLetterExchange: 'amq.topic',
      deadLetterRoutingKey: 'dead',
      maxLength: 1_000,
      arguments: { 'x-overflow': 'reject-publish' },
    };
    for (const color of [undefined, 'a']) await (await start(color)).channel.assertQueue(queue, options);
    const raw = await (await connect(url())).createChannel();
    raw.on('error', () => {});
    await raw.assertQueue(`GID_a_${queue}`, options);
    await expect(raw.assertQueue(`GID_a_${queue}`, { ...options, maxPriority: 6 })).rejects.toMatchObject({
      code: 406,
    });
  });
});
