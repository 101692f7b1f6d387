import { activeColor, withColor } from '@colorway/core';
import { withdrawQueue } from '@colorway/mq/amqp';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { type Channel, cleanUp, cleanUpAll, type Handled, instance, pause, unique, until } from './rabbit.js';

jest.setTimeout(60_000);
afterEach(cleanUpAll);

/** Above what a busy machine may hold a process up: a consumer that lags by more may handle a message twice. */
const GRACE_MS = 1_500;

describeWithServers(['rabbitmq'], 'amqp, filter mode', (servers) => {
  async function world() {
    const directory = memoryDirectory();
    cleanUp(() => directory.close());
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const handled: Handled[] = [];
    const start = async (color?: string, prefetch = 0) => {
      const it = await instance(servers.rabbitmq.url, color, {
        mode: 'filter',
        state: directory.state,
        graceMs: GRACE_MS,
      });
      await it.channel.assertExchange(exchange, 'topic');
      await it.channel.assertQueue(queue);
      await it.channel.bindQueue(queue, exchange, '#');
      if (prefetch > 0) await it.channel.prefetch(prefetch);
      await it.channel.consume(queue, (message) => {
        if (message === null) return;
        handled.push({ by: color ?? 'base', text: `${message.content}`, color: activeColor() });
        it.channel.ack(message);
      });
      return it;
    };
    let sent = 0;
    const send = (channel: Channel, ...colors: (string | undefined)[]) => {
      for (const color of colors)
        withColor(color, () => channel.publish(exchange, 'k', Buffer.from(`${sent++}`)));
    };
    return { queue, exchange, handled, start, send, sent: () => sent, directory };
  }

  const once = (handled: Handled[]) => new Set(handled.map(({ text }) => text)).size === handled.length;

  test('each message by one side, through joins and leaves, while all colors are sent', async () => {
    const { queue, handled, start, send, sent } = await world();
    const baseline = await start();
    let going = true;
    const producing = (async () => {
      while (going) {
        send(baseline.channel, 'a', 'b', undefined);
        await pause(5);
      }
    })();
    for (let turn = 0; turn < 2; turn++) {
      const colored = await start('a', turn);
      await pause(3 * GRACE_MS);
      await withdrawQueue(colored.channel, queue, { pollMs: 20 });
      await colored.connection.close();
    }
    going = false;
    await producing;
    await until(() => handled.length >= sent());
    await pause(100);
    expect(handled).toHaveLength(sent());
    expect(once(handled)).toBe(true);
    const byA = handled.filter(({ by }) => by === 'a');
    expect(byA.length).toBeGreaterThan(20);
    expect(byA.every(({ color }) => color === 'a')).toBe(true);
  });

  test("foreign acknowledgements leave a handler's own alone, and none is left over", async () => {
    const { queue, exchange, start, send, handled } = await world();
    const baseline = await start();
    const slow = await instance(servers.rabbitmq.url, 'a', {
      mode: 'filter',
      state: memoryState(),
      graceMs: 0,
    });
    await slow.channel.assertQueue(queue);
    await slow.channel.bindQueue(queue, exchange, '#');
    await slow.channel.prefetch(200);
    const held: Parameters<Parameters<Channel['consume']>[1]>[0][] = [];
    await slow.channel.consume(queue, (message) => held.push(message));
    await pause(20);
    for (let n = 0; n < 100; n++) send(baseline.channel, n % 10 === 0 ? 'a' : undefined);
    await until(() => held.length === 10 && handled.length >= 90);
    await pause(100);
    // The ten in hand come again when the channel goes; the ninety foreign ones do not.
    await slow.channel.close();
    const raw = await slow.connection.createChannel();
    await until(async () => (await raw.checkQueue(`GID_a_${queue}`)).messageCount === 10);
  });

  test('a consumer with a stale view, a message without a time, never lost; one sent straight to the queue finds its color', async () => {
    const { queue, exchange, start, handled } = await world();
    const baseline = await start();
    const colored = await start('a');
    await pause(2 * GRACE_MS);
    const raw = await colored.connection.createChannel();
    raw.publish(exchange, 'k', Buffer.from('no time'), { headers: { DMQ_ENV_TAG: 'a' } });
    withColor('a', () => baseline.channel.sendToQueue(queue, Buffer.from('straight')));
    withColor('a', () => baseline.channel.publish(exchange, 'k', Buffer.from('timed')));
    await until(() => handled.length >= 3);
    await pause(50);
    expect(handled.map(({ by, text }) => `${by} ${text}`).sort()).toEqual([
      'a straight',
      'a timed',
      'base no time',
    ]);
  });

  test('a message taken by get, and one of another queue, stay in hand while foreign ones are acknowledged', async () => {
    const { queue, exchange, start, send, handled } = await world();
    const baseline = await start();
    const colored = await instance(servers.rabbitmq.url, 'a', {
      mode: 'filter',
      state: memoryState(),
      graceMs: 0,
    });
    const { channel } = colored;
    await channel.assertQueue(queue);
    await channel.bindQueue(queue, exchange, '#');
    const other = unique('other');
    await channel.assertQueue(other, { exclusive: true });
    channel.sendToQueue(other, Buffer.from('1'));
    channel.sendToQueue(other, Buffer.from('2'));
    await channel.waitForConfirms();
    expect(await channel.get(other)).not.toBe(false);
    let inHand = 0;
    await channel.consume(other, () => {
      inHand += 1;
    });
    await channel.consume(queue, () => {});
    for (let n = 0; n < 60; n++) send(baseline.channel, undefined);
    await until(() => handled.length === 60 && inHand === 1);
    await pause(100);
    await channel.close();
    const again = await colored.connection.createChannel();
    await until(async () => (await again.checkQueue(other)).messageCount === 2);
    expect(await again.checkQueue(`GID_a_${queue}`)).toMatchObject({ messageCount: 0 });
  });

  test('filter mode needs the state half', async () => {
    const { state: _, ...directory } = memoryDirectory();
    await expect(
      instance(servers.rabbitmq.url, undefined, { mode: 'filter', directory }),
    ).rejects.toMatchObject({
      code: 'COLORWAY_STATE_MISSING',
    });
  });
});

function memoryState() {
  const directory = memoryDirectory();
  cleanUp(() => directory.close());
  return directory.state;
}
