import { activeColor } from '@colorway/core';
import { inMessageContext, withdrawQueue } from '@colorway/mq/amqp';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import type { AmqpMessage } from '../../src/amqp/index.js';
import { connect, instance, unique, until, warningsOfEach } from './rabbit.js';

const TEST_MS = 60_000;

interface Seen {
  readonly text: string;
  readonly color: string | undefined;
  readonly headers: unknown;
}

const seenIn = ({ content, properties }: AmqpMessage): Seen => ({
  text: String(content),
  color: activeColor(),
  headers: properties.headers,
});

describeWithServers(['rabbitmq'], 'accept of RabbitMQ consumers', (servers) => {
  warningsOfEach();
  const EVIL = { DMQ_ENV_TAG: 'evil', baggage: 'x-infr-flowtype=CE_evil,tenant=7', kept: 'yes' };
  const CLEAN = { baggage: 'tenant=7', kept: 'yes' };

  /** A queue with these messages in it, sent by somebody who knows nothing of colors. */
  async function filled(messages: readonly [text: string, headers: object][]): Promise<string> {
    const queue = unique('accept');
    const sender = await (await connect(servers.rabbitmq.url)).createConfirmChannel();
    await sender.assertQueue(queue, { autoDelete: false });
    for (const [text, headers] of messages) sender.sendToQueue(queue, Buffer.from(text), { headers });
    await sender.waitForConfirms();
    return queue;
  }

  test.each([
    ['a queue with routing', {}],
    ['a plain queue', { plain: () => true }],
    ['filter mode', { mode: 'filter' as const, graceMs: 100 }],
  ])(
    '%s: consume and get give what says no color, and settle it',
    async (_, options) => {
      const queue = await filled([
        ['a', EVIL],
        ['b', {}],
        ['c', { baggage: 'x%2Dinfr-flowtype=CE_evil' }],
        ['d', EVIL],
      ]);
      const { channel, raw } = await instance(servers.rabbitmq.url, undefined, {
        ...options,
        accept: 'none',
      });
      await channel.assertQueue(queue);
      if ('mode' in options) {
        await channel.assertExchange(`${queue}.x`, 'topic');
        await channel.bindQueue(queue, `${queue}.x`, '#');
      }
      await channel.prefetch(1);
      const got = await channel.get(queue);
      if (got === false) throw new Error('nothing there');
      expect(got.properties.headers).toEqual(CLEAN);
      const stored = jest.spyOn(raw, 'ack');
      inMessageContext(got, () => expect(activeColor()).toBeUndefined());
      channel.ack(got);
      // The message of the client, which its instrumentations know.
      expect(stored.mock.calls[0]?.[0]).not.toBe(got);
      const seen: Seen[] = [];
      let isRefusedOnce = false;
      await channel.consume(queue, (message) => {
        if (message === null) return;
        if (String(message.content) === 'd' && !isRefusedOnce) {
          isRefusedOnce = true;
          return channel.nack(message);
        }
        seen.push(seenIn(message));
        channel.ack(message);
      });
      await until(() => seen.length === 3);
      expect(seen).toEqual([
        { text: 'b', color: undefined, headers: {} },
        { text: 'c', color: undefined, headers: {} },
        { text: 'd', color: undefined, headers: CLEAN },
      ]);
      await until(async () => (await raw.checkQueue(queue)).messageCount === 0);
      await raw.deleteQueue(queue);
    },
    TEST_MS,
  );

  test(
    'a function decides, and is told queue and source; what it accepts comes as it is',
    async () => {
      const queue = await filled([
        ['a', { DMQ_ENV_TAG: 'good' }],
        ['b', { baggage: 'x-infr-flowtype=CE_good' }],
        ['c', EVIL],
      ]);
      const asked: unknown[] = [];
      const { channel, raw } = await instance(servers.rabbitmq.url, undefined, {
        accept: ({ content }, { color, source, destination }) => {
          asked.push([String(content), color, source, destination]);
          return color === 'good' && source === 'header';
        },
      });
      await channel.assertQueue(queue);
      const seen: Seen[] = [];
      await channel.consume(queue, (message) => {
        if (message === null) return;
        seen.push(seenIn(message));
        channel.ack(message);
      });
      await until(() => seen.length === 3);
      expect(asked).toEqual([
        ['a', 'good', 'header', queue],
        ['b', 'good', 'baggage', queue],
        ['c', 'evil', 'header', queue],
      ]);
      expect(seen).toEqual([
        { text: 'a', color: 'good', headers: { DMQ_ENV_TAG: 'good' } },
        { text: 'b', color: undefined, headers: {} },
        { text: 'c', color: undefined, headers: CLEAN },
      ]);
      await raw.deleteQueue(queue);
    },
    TEST_MS,
  );

  test(
    'a color keeps its own, and what it left is drained in none by a baseline that accepts none',
    async () => {
      const queue = unique('accept');
      const directory = memoryDirectory();
      const base = await instance(servers.rabbitmq.url, undefined, { directory, accept: 'none' });
      const red = await instance(servers.rabbitmq.url, 'red', { directory, accept: 'none' });
      const seen: (Seen & { by: string })[] = [];
      let drains = false;
      for (const [by, { channel }] of Object.entries({ base, red })) {
        await channel.assertQueue(queue);
        await channel.consume(queue, (message) => {
          if (message === null) return;
          if (by === 'red' && drains) return; // in hand when it goes
          seen.push({ by, ...seenIn(message) });
          channel.ack(message);
        });
      }
      const send = (text: string) =>
        base.channel.sendToQueue(queue, Buffer.from(text), { headers: { DMQ_ENV_TAG: 'red' } });
      send('own');
      await until(() => seen.length === 1);
      drains = true;
      send('left');
      await base.channel.waitForConfirms();
      await red.connection.close();
      expect(await withdrawQueue(base.channel, queue, { color: 'red', onLeave: 'drain' })).toEqual({
        discarded: 0,
      });
      await until(() => seen.length === 2);
      expect(seen.map(({ by, text, color }) => [by, text, color])).toEqual([
        ['red', 'own', 'red'],
        ['base', 'left', undefined],
      ]);
      expect(seen[1]?.headers).not.toHaveProperty('DMQ_ENV_TAG');
      await base.raw.deleteQueue(queue);
      await directory.close();
    },
    TEST_MS,
  );

  test('a policy that is none is refused when the channel is wrapped', async () => {
    await expect(
      instance(servers.rabbitmq.url, undefined, { accept: 'some' as never }),
    ).rejects.toMatchObject({
      code: 'COLORWAY_INVALID_OPTION',
    });
  });
});
