import { activeColor, membershipKey, pulseKey, subscriptionKey, withColor } from '@colorway/core';
import type { ColoredChannelOptions, ModeName } from '@colorway/mq/amqp';
import { memoryDirectory } from '@colorway/registry/memory';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp, connect, type Handled, instance, pause, unique, until, warningsOfEach } from './rabbit.js';

jest.setTimeout(60_000);
const warned = warningsOfEach();

const GRACE_MS = 300;

/** What a process does that ends: no farewell, and nothing that it has not sent yet. */
function die(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: { destroy(error: Error): void } };
  stream.destroy(new Error('the process dies'));
}

describeWithServers(['rabbitmq'], 'amqp, coloring.close()', (servers) => {
  function world(mode: ModeName = 'routing') {
    const directory = memoryDirectory();
    cleanUp(() => directory.close());
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const handled: Handled[] = [];
    const options: ColoredChannelOptions =
      mode === 'filter' ? { mode, state: directory.state, graceMs: GRACE_MS } : {};
    const start = async (
      by: string,
      color: string | undefined,
      handle: (message: ConsumeMessage) => Promise<void> = async () => {},
      drainMs?: number,
    ) => {
      const it = await instance(servers.rabbitmq.url, color, { ...options, directory, drainMs });
      const { channel } = it;
      await channel.assertExchange(exchange, 'topic');
      await channel.assertQueue(queue);
      await channel.bindQueue(queue, exchange, '#');
      await channel.consume(queue, (message) => {
        if (message === null) return;
        const entry = { by, text: `${message.content}`, color: activeColor() };
        void handle(message).then(() => {
          handled.push(entry);
          channel.ack(message);
        });
      });
      return it;
    };
    const send = async (channel: Awaited<ReturnType<typeof start>>['channel'], n: number, color?: string) => {
      withColor(color, () => channel.publish(exchange, 'k', Buffer.from(`${n}`)));
      await channel.waitForConfirms();
    };
    const look = async (color?: string) => {
      const channel = await (await connect(servers.rabbitmq.url)).createChannel();
      return () => channel.checkQueue(color === undefined ? queue : `GID_${color}_${queue}`);
    };
    const stored = async (key: string) => (await directory.state?.get(key))?.value;
    return { queue, handled, start, send, look, stored };
  }

  /** Holds what it is given until it is let go. */
  function gate() {
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const held: string[] = [];
    const handle = (message: ConsumeMessage): Promise<void> => {
      held.push(`${message.content}`);
      return opened;
    };
    return { held, handle, open: () => open() };
  }

  test.each([
    ['a color, routing', 'routing', 'a'],
    ['a color, filter', 'filter', 'a'],
    ['the baseline', 'routing', undefined],
  ] as const)(
    '%s: what is in hand is acknowledged, what comes meanwhile is its fellow’s',
    async (_, mode, color) => {
      const { handled, start, send, look } = world(mode);
      if (color !== undefined) await start('base', undefined);
      const { held, handle, open } = gate();
      const first = await start('first', color, handle);
      await pause(mode === 'filter' ? 3 * GRACE_MS : 0);
      const { channel: producer } = await instance(servers.rabbitmq.url);
      const queue = await look(color);
      for (const n of [0, 1]) await send(producer, n, color);
      await until(() => held.length === 2);

      let isClosed = false;
      const cancel = jest.spyOn(first.raw, 'cancel');
      const closing = first.coloring.close().then(() => {
        isClosed = true;
      });
      await until(() => cancel.mock.results.length > 0);
      await cancel.mock.results[0]?.value;
      // Of a color, something stays that is counted while messages are in hand: nobody is to delete the queue then.
      expect((await queue()).consumerCount).toBe(color === undefined ? 0 : 1);
      for (let n = 2; n < 22; n++) await send(producer, n, color);
      // Nobody reads it, and it is still the color's alone.
      await until(async () => (await queue()).messageCount === 20);
      expect([isClosed, held, handled]).toEqual([false, ['0', '1'], []]);
      expect(cancel).toHaveBeenCalledTimes(1);

      await start('second', color);
      await until(() => handled.length === 20);
      expect(isClosed).toBe(false);
      open();
      await closing;
      die(first.connection);
      await until(async () => (await queue()).consumerCount === 1);
      expect((await queue()).messageCount).toBe(0);
      const expected = Array.from({ length: 22 }, (_, n) => ({
        by: n < 2 ? 'first' : 'second',
        text: `${n}`,
        color,
      }));
      expect([...handled].sort((a, b) => Number(a.text) - Number(b.text))).toEqual(expected);
      expect(warned()).not.toHaveBeenCalled();
    },
  );

  test('under load: each message once, by one of the two', async () => {
    const { handled, start, send, look } = world();
    const { channel: producer } = await start('base', undefined);
    const slow = async () => void (await pause(2));
    const first = await start('first', 'a', slow);
    await start('second', 'a', slow);
    const queue = await look('a');
    let sent = 0;
    const sending = (async () => {
      for (; sent < 300; sent++) await send(producer, sent, 'a');
    })();
    await until(() => handled.filter(({ by }) => by === 'first').length > 20);
    await first.coloring.close();
    die(first.connection);
    expect(sent).toBeLessThan(300);
    await sending;
    await until(async () => handled.length >= 300 && (await queue()).messageCount === 0);
    const times = new Map<string, number>();
    for (const { text } of handled) times.set(text, (times.get(text) ?? 0) + 1);
    expect([times.size, handled.length]).toEqual([300, 300]);
    expect(new Set(handled.map(({ by, color }) => `${by} ${color}`))).toEqual(
      new Set(['first a', 'second a']),
    );
  });

  test('is not leaving: the queue, the membership and the subscription stand, and the pulse goes', async () => {
    const { queue, handled, start, send, look, stored } = world();
    const { channel: producer } = await start('base', undefined);
    const { coloring, channel } = await start('first', 'a');
    const name = { service: 'order', color: coloring.color as never, broker: 'amqp' as const, group: queue };
    const read = await look('a');
    await until(async () => (await stored(pulseKey(name))) !== undefined);
    await coloring.close();
    expect(coloring.mq.status().consumers).toEqual([]);
    await until(async () => (await stored(pulseKey(name))) === undefined);
    await send(producer, 0, 'a');
    expect(await read()).toMatchObject({ messageCount: 1, consumerCount: 0 });
    expect(await stored(membershipKey('order', name.color))).toBeDefined();
    expect(await stored(subscriptionKey(name))).toContain('"joined"');
    // The channel is not used any more, and says so.
    await expect(channel.consume(queue, () => {})).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
    expect(await channel.get(queue)).toBe(false);
    expect(handled).toEqual([]);
    await channel.close();
  });

  test('what get took counts as in hand', async () => {
    const { queue, start, send } = world();
    const { channel: baseline } = await start('base', undefined);
    const { channel, coloring } = await instance(servers.rabbitmq.url, 'a');
    await channel.assertQueue(queue);
    expect(await channel.get(queue)).toBe(false);
    await send(baseline, 0, 'a');
    const message = await channel.get(queue);
    let isClosed = false;
    const closing = coloring.close().then(() => {
      isClosed = true;
    });
    await pause(200);
    expect(isClosed).toBe(false);
    if (message !== false) channel.ack(message);
    await closing;
    expect([message === false, warned().mock.calls]).toEqual([false, []]);
  });

  test('waits no longer than closing.drainMs; what was not acknowledged comes again', async () => {
    const { handled, start, send } = world();
    const { channel: producer } = await start('base', undefined);
    const { held, handle } = gate();
    const first = await start('first', 'a', handle, 300);
    await send(producer, 0, 'a');
    await until(() => held.length === 1);
    await first.coloring.close();
    expect(String(warned().mock.calls[0]?.[0])).toContain('was not done within 300 ms');
    await start('second', 'a');
    die(first.connection);
    await until(() => handled.length === 1);
    expect(handled).toEqual([{ by: 'second', text: '0', color: 'a' }]);
  });

  test.each(['channel.close()', 'a lost connection'])('has nothing to wait for after %s', async (how) => {
    const { start, send } = world();
    const { channel: producer } = await start('base', undefined);
    for (const isEarly of [true, false]) {
      const { held, handle } = gate();
      const { channel, coloring, connection } = await start('first', 'a', handle);
      const gone = new Promise((resolve) => channel.once('close', resolve));
      const end = async () => {
        if (how === 'channel.close()') await channel.close();
        else die(connection);
        await gone;
      };
      await send(producer, 0, 'a');
      await until(() => held.length > 0);
      if (isEarly) await end();
      const closing = coloring.close();
      if (!isEarly) await end();
      await closing;
    }
    expect(warned()).not.toHaveBeenCalled();
  });
});
