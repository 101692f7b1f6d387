import { parseSubscription, subscriptionKey } from '@colorway/core';
import { leaveGroup } from '@colorway/mq/kafka';
import { MemoryShop } from './memory-shop.js';
import { pause, until } from './shop.js';

/** The client gives up at a programming error, and does not come back by itself. */
describe('a consumer whose client gave up', () => {
  let shop: MemoryShop;
  let broken = true;
  beforeEach(() => {
    shop = new MemoryShop();
    broken = true;
  });
  afterEach(() => shop.close(), 30_000);

  const start = (by: string) =>
    shop.start(by, {
      run: {
        eachMessage: async ({ message }) => {
          const id = String(message.value);
          if (broken && id === '-/2') throw new TypeError('cannot read properties of null');
          shop.handled.push({ by, id });
        },
      },
    });

  test('is failed, says why and at which message; it takes nothing more, and runs again when it is told to', async () => {
    const { coloring, run } = await start('base');
    const ids = await shop.send(6);
    const status = () => coloring.mq.status().consumers[0];
    await until('it has failed', () => status()?.phase === 'failed');
    expect(status()?.failure).toContain('cannot read properties of null');
    expect(status()?.failure).toContain('orders/0@1');
    expect(await shop.members()).toBe(0);
    const { length } = shop.handled;
    await pause(200);
    expect(shop.handled).toHaveLength(length);
    broken = false;
    await run();
    await until('all is handled', () => new Set(shop.handled.map(({ id }) => id)).size === ids.length);
    expect(status()?.phase).toBe('running');
    expect(status()?.failure).toBeUndefined();
  });

  test('a leave that waits for what it did says so, with what to do', async () => {
    const base = await start('base');
    const red = await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    await red.coloring.close();
    await shop.send(6, 'red');
    await until('the baseline has passed them', async () => (await shop.broker.lag(shop.group)) === 0);
    await shop.send(1);
    broken = true;
    const kill = shop.broker.producer();
    await kill.connect();
    await kill.send({ topic: shop.topic, messages: [{ value: '-/2', partition: 0 }] });
    await until('it has failed', () => base.coloring.mq.status().consumers[0]?.phase === 'failed');
    const tool = shop.coloring();
    await tool.environments.withdraw('stock', 'red', { wait: false });
    const key = subscriptionKey({
      ...{ service: 'stock', color: 'red', broker: 'kafka', group: shop.group, topic: shop.topic },
    });
    const told = async () => {
      const entry = await shop.uncounted.get(key);
      return entry && parseSubscription(entry);
    };
    await until('it says so', async () => /cannot read/.test((await told())?.waitingFor ?? ''), 10_000);
    expect((await told())?.remedy).toContain('again');
    broken = false;
    await base.run();
    await shop.untilHandover('red', 'gone', 20_000);
  }, 40_000);
});

describe('what fails beside the messages', () => {
  let shop: MemoryShop;
  beforeEach(() => {
    shop = new MemoryShop();
  });
  afterEach(() => shop.close(), 30_000);

  test('an onProgress that throws changes nothing: the leave ends', async () => {
    await shop.start('base');
    await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    const tool = shop.coloring();
    let told = 0;
    const ended = await leaveGroup(tool, shop.client(), {
      ...{ group: shop.group, topics: [shop.topic], color: 'red', onLeave: 'drain' },
      onProgress: () => {
        told++;
        throw new Error('of the application');
      },
    });
    expect(ended).toEqual({ discarded: 0 });
    expect(told).toBeGreaterThan(0);
    expect(await shop.handover('red')).toBe('gone');
  }, 30_000);

  test('an error of the broker at the start of the baseline is tried again, and then told: the topic counts as there', async () => {
    await shop.send(4);
    let refused = 2;
    shop.onRequest = (call) => {
      if (call === 'admin.fetchTopicOffsets' && refused-- > 0) throw new Error('BROKER_NOT_AVAILABLE');
    };
    const fine = await shop.start('base');
    await until('all is handled', () => shop.handled.length === 4);
    await fine.consumer.disconnect();
    shop.onRequest = (call) => {
      if (call === 'admin.fetchTopicOffsets') throw new Error('BROKER_NOT_AVAILABLE');
    };
    const away = await shop.start('away', { idle: true });
    await expect(away.run()).rejects.toThrow('BROKER_NOT_AVAILABLE');
    shop.onRequest = () => {};
    expect(await shop.members()).toBe(0);
    await away.run();
    expect(await shop.members()).toBe(1);
  }, 30_000);
});
