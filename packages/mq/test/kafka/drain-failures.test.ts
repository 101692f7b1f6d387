import { parseSubscription, subscriptionKey } from '@colorway/core';
import type { MemoryConsumer } from '@colorway/mq/memory';
import { MemoryShop } from './memory-shop.js';
import { pause, until } from './shop.js';

/** A drain ends, or says why it does not, whatever the handlers and the broker do. */
describe('a drain', () => {
  let shop: MemoryShop;
  beforeEach(() => {
    shop = new MemoryShop();
  });
  afterEach(() => shop.close(), 30_000);

  const subscription = async () => {
    const name = { service: 'stock', color: 'red', broker: 'kafka', group: shop.group, topic: shop.topic };
    const entry = await shop.uncounted.get(subscriptionKey(name));
    return entry && parseSubscription(entry);
  };
  /** Messages of red that its dead consumer left behind. */
  const leftBehind = async (count: number): Promise<string[]> => {
    const base = await shop.start('dead base');
    const red = await shop.start('dead red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    await red.coloring.close();
    const ids = await shop.send(count, 'red');
    await until('the baseline has passed them', async () => (await shop.broker.lag(shop.group)) === 0);
    await base.coloring.close();
    return ids;
  };

  test('whose handler throws a TypeError names the message, goes on with the rest, and tries it with pauses that grow', async () => {
    const ids = await leftBehind(12);
    const tries: number[] = [];
    let mended = false;
    await shop.start('base', {
      run: {
        eachMessage: async ({ message }) => {
          const id = String(message.value);
          if (id === ids[4] && !mended) {
            tries.push(performance.now());
            throw new TypeError('cannot read properties of null');
          }
          shop.handled.push({ by: 'base', id });
        },
      },
    });
    const tool = shop.coloring();
    await tool.environments.withdraw('stock', 'red', { wait: false });
    await until('it says so', async () =>
      /cannot read properties of null/.test((await subscription())?.waitingFor ?? ''),
    );
    const told = (await subscription())?.waitingFor ?? '';
    expect(told).toContain('GID_order, which fails: orders/0@2: cannot read properties of null');
    expect((await subscription())?.remedy).toContain('discard');
    // The other partition is drained meanwhile.
    await until('the rest is handled', () => shop.handled.length === 8);
    await pause(3_000);
    expect(tries.length).toBeLessThanOrEqual(5);
    expect(tries.length).toBeGreaterThan(1);
    mended = true;
    await shop.untilHandover('red', 'gone', 20_000);
    expect(shop.handled.map(({ id }) => id).sort()).toEqual([...ids].sort());
  }, 60_000);

  test('that cannot end becomes a discard when it is asked to, and what is left is counted', async () => {
    const ids = await leftBehind(12);
    await shop.start('base', {
      run: {
        eachMessage: async ({ message }) => {
          const id = String(message.value);
          if (id === ids[4]) throw new Error('poisoned');
          shop.handled.push({ by: 'base', id });
        },
      },
    });
    const tool = shop.coloring();
    await tool.environments.withdraw('stock', 'red', { wait: false });
    await until('the rest is handled', () => shop.handled.length === 8);
    const ended = await tool.environments.withdraw('stock', 'red', { onLeave: 'discard' });
    expect(ended.discarded).toBe(4);
    expect(await shop.handover('red')).toBe('gone');
    expect(shop.handled).toHaveLength(8);
  }, 60_000);

  test('whose consumer crashes for good is begun again', async () => {
    const ids = await leftBehind(8);
    const crashed: MemoryConsumer[] = [];
    shop.intercept = (consumer, groupId) => {
      if (groupId !== 'GID_red_order' || crashed.length > 0) return;
      crashed.push(consumer);
      consumer.on(consumer.events.GROUP_JOIN, () => void setTimeout(() => void consumer.kill(), 20));
    };
    await shop.start('base', {
      run: {
        eachMessage: async ({ message }) => {
          await pause(20);
          shop.handled.push({ by: 'base', id: String(message.value) });
        },
      },
    });
    const tool = shop.coloring();
    await tool.environments.withdraw('stock', 'red', { wait: false });
    await shop.untilHandover('red', 'gone', 20_000);
    expect(crashed).toHaveLength(1);
    expect(new Set(shop.handled.map(({ id }) => id))).toEqual(new Set(ids));
  }, 60_000);

  test.each(['connect', 'subscribe'] as const)(
    'ends with its consumer though the broker does not answer its %s, and its connection ends when it does',
    async (call) => {
      await leftBehind(8);
      let calls = 0;
      let answer = (): void => {};
      const answered = new Promise<void>((resolve) => {
        answer = resolve;
      });
      let open = 0;
      shop.intercept = (consumer, groupId) => {
        if (groupId !== 'GID_red_order') return;
        const { connect, disconnect } = consumer;
        const inner = consumer[call].bind(consumer) as (...args: unknown[]) => Promise<void>;
        consumer.connect = async () => {
          await connect.call(consumer);
          open++;
        };
        const passedOn = call === 'connect' ? consumer.connect : inner;
        Object.assign(consumer, {
          [call]: async (...args: unknown[]) => {
            calls++;
            await answered;
            await passedOn(...args);
          },
          disconnect: async () => {
            await disconnect.call(consumer);
            open = 0;
          },
        });
      };
      const base = await shop.start('base');
      await shop.coloring().environments.withdraw('stock', 'red', { wait: false });
      await until('it is asked', () => calls === 1);
      let isClosed = false;
      const closing = base.coloring.close().then(() => {
        isClosed = true;
      });
      await until('it is closed', () => isClosed, 30_000);
      await closing;
      answer();
      await pause(200);
      expect(open).toBe(0);
      expect(shop.handled).toEqual([]);
    },
    120_000,
  );

  test('ends with its consumer: no handler runs after disconnect', async () => {
    await leftBehind(40);
    const { consumer } = await shop.start('base', {
      run: {
        eachMessage: async ({ message }) => {
          await pause(20);
          shop.handled.push({ by: 'base', id: String(message.value) });
        },
      },
    });
    const tool = shop.coloring();
    await tool.environments.withdraw('stock', 'red', { wait: false });
    await until('it drains', () => shop.handled.length > 2);
    await consumer.disconnect();
    const { length } = shop.handled;
    await pause(300);
    expect(shop.handled).toHaveLength(length);
    expect(await shop.members('GID_red_order')).toBe(0);
    expect(shop.openAdmins).toBe(0);
  }, 60_000);

  test('of a topic that only the color read, its consumer dead: a discard is done by any process of the service', async () => {
    await shop.start('other', { topics: ['invoices'], group: 'GID_invoice' });
    const red = await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    await red.coloring.close();
    await shop.send(6, 'red');
    const tool = shop.coloring();
    const ended = await tool.environments.withdraw('stock', 'red', { onLeave: 'discard' });
    // Behind the place where red stopped all is the baseline's, whenever there is one.
    expect(ended).toEqual({ withdrawn: true, discarded: 0 });
    expect(await shop.handover('red')).toBe('gone');
    expect(shop.handled).toEqual([]);
  }, 60_000);
});
