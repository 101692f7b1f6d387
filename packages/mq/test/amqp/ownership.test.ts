import { activeColor, withColor } from '@colorway/core';
import { withdrawQueue } from '@colorway/mq/amqp';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { type Channel, cleanUpAll, type Handled, instance, pause, unique, until } from './rabbit.js';

jest.setTimeout(240_000);
afterEach(cleanUpAll);

const COLORS = ['a', 'b', 'c'];

async function start(url: string, exchange: string, queue: string, handled: Handled[], color?: string) {
  const it = await instance(url, color);
  await it.channel.assertExchange(exchange, 'topic');
  await it.channel.assertQueue(queue);
  await it.channel.bindQueue(queue, exchange, 'order.*');
  await it.channel.prefetch(50);
  await it.channel.consume(queue, (message) => {
    if (message === null) return;
    handled.push({ by: color ?? 'base', text: `${message.content}`, color: activeColor() });
    it.channel.ack(message);
  });
  return it;
}

/** Message n has this color; 'd' has no consumer. */
const colorOf = (n: number) => [undefined, ...COLORS, 'd'][n % 5];

function check(handled: Handled[], count: number, repeats: boolean): void {
  const times = new Map<string, number>();
  for (const { by, text, color } of handled) {
    times.set(text, (times.get(text) ?? 0) + 1);
    const expected = colorOf(Number(text));
    expect(color).toBe(expected);
    expect(['base', expected ?? 'base']).toContain(by);
  }
  const lost = Array.from({ length: count }, (_, n) => `${n}`).filter((text) => !times.has(text));
  expect(lost).toEqual([]);
  if (!repeats) expect(handled).toHaveLength(count);
}

describeWithServers(['rabbitmq'], 'amqp, one owner a message', (servers) => {
  test('5,000 messages while colors join and leave: each once, by its color or by the baseline, in order', async () => {
    const { url } = servers.rabbitmq;
    const [queue, exchange, count] = [unique('GID_order'), unique('shop'), 5_000];
    const handled: Handled[] = [];
    await start(url, exchange, queue, handled);
    const { channel: producer } = await instance(url);
    let sent = 0;
    const producing = (async () => {
      for (; sent < count; sent++) {
        const content = Buffer.from(`${sent}`);
        withColor(colorOf(sent), () => {
          if (sent % 2 === 0) producer.publish(exchange, 'order.new', content);
          else producer.sendToQueue(queue, content);
        });
        if (sent % 50 === 0) await pause(10);
      }
      await producer.waitForConfirms();
    })();
    const coming = COLORS.map(async (color) => {
      let turns = 0;
      do {
        const colored = await start(url, exchange, queue, handled, color);
        await pause(30);
        await withdrawQueue(colored.channel, queue, { pollMs: 10 });
        await colored.connection.close();
        turns++;
      } while (sent < count);
      return turns;
    });
    await producing;
    const turns = await Promise.all(coming);
    await until(() => handled.length >= count);
    await pause(200);
    check(handled, count, false);
    expect(Math.min(...turns)).toBeGreaterThan(1);
    for (const color of COLORS) expect(handled.some(({ by }) => by === color)).toBe(true);
    const uncolored = handled.filter(({ color }) => color === undefined).map(({ text }) => Number(text));
    // Even ones came through the exchange and odd ones through the queue's own way: one publisher, one order.
    expect(uncolored).toEqual([...uncolored].sort((a, b) => a - b));
  });
});

describeWithServers(
  ['rabbitmq'],
  'amqp, a broker that dies',
  (servers) => {
    test('kill -9 of the broker: what was confirmed is handled, each color by its own', async () => {
      const { url } = servers.rabbitmq;
      const [queue, exchange, count] = [unique('GID_order'), unique('shop'), 400];
      const handled: Handled[] = [];
      for (const color of [undefined, ...COLORS]) {
        const { connection } = await start(url, exchange, queue, handled, color);
        await connection.close();
      }
      handled.length = 0;
      const { channel } = await instance(url);
      for (let n = 0; n < count; n++) {
        withColor(colorOf(n), () => channel.sendToQueue(queue, Buffer.from(`${n}`), { persistent: true }));
      }
      await channel.waitForConfirms();
      const closed = new Promise((resolve) => channel.once('close', resolve));
      await servers.rabbitmq.kill();
      await closed;
      await expect((channel as Channel).checkQueue(queue)).rejects.toThrow(/closed/i);
      await servers.rabbitmq.restart();
      // Connect again, wrap again, declare again.
      for (const color of [undefined, ...COLORS]) await start(url, exchange, queue, handled, color);
      await until(() => handled.length >= count, 30_000);
      check(handled, count, true);
      for (const color of COLORS) {
        expect(handled.filter(({ by }) => by === color)).toHaveLength(count / 5);
      }
    });
  },
  { own: true },
);
