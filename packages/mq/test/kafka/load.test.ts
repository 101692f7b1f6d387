import { leaveGroup } from '@colorway/mq/kafka';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { EpochCount, pause, Shop, until } from './shop.js';

/** Each message is handled by exactly one side, whatever joins, leaves and is dealt anew under load (law 5). */
describeWithServers(['kafka'], 'hand-over under load', (servers) => {
  let shop: Shop;
  beforeEach(() => {
    shop = new Shop(servers.kafka.brokers);
  });
  afterEach(() => shop.close(), 60_000);

  /** Sends about 2,000 messages a second until told to stop; a fifth in each of two colors. */
  function load(): { stop(): Promise<string[]> } {
    let running = true;
    const ids: string[] = [];
    const sending = (async () => {
      while (running) {
        const next = performance.now() + 20;
        const sent = await Promise.all([shop.send(24), shop.send(8, 'red'), shop.send(8, 'blue')]);
        ids.push(...sent.flat());
        await pause(Math.max(0, next - performance.now()));
      }
    })();
    return {
      stop: async () => {
        running = false;
        await sending;
        return ids;
      },
    };
  }

  const leave = (color: string): Promise<unknown> =>
    leaveGroup(shop.coloring(), shop.client(), {
      group: shop.group,
      topics: [shop.topic],
      color,
      onLeave: 'drain',
    });

  test('two epochs of a color, beside two baseline members of three partitions', async () => {
    await shop.createTopic(3);
    const base = await shop.start('base 1');
    await shop.start('base 2');
    await until(
      'both hold partitions',
      () => (base.coloring.mq.status().consumers[0]?.partitions.length ?? 9) < 3,
    );
    const state = (): string => {
      const found = base.coloring.mq.status().handovers.find(({ color }) => color === 'red');
      return epochs.of(found);
    };
    const epochs = new EpochCount();
    const sending = load();
    await pause(500);
    for (const epoch of [1, 2]) {
      const red = await shop.start(`red ${epoch}`, { color: 'red' });
      await until(`active in epoch ${epoch}`, () => state() === `active ${epoch}`);
      await until('red handles', () => shop.ids(`red ${epoch}`).length > 100);
      await leave('red');
      expect(state()).toBe('absent');
      await red.stop();
      await pause(300);
    }
    const ids = await sending.stop();
    await until('all is handled', () => new Set(shop.ids()).size >= ids.length, 20_000);
    await pause(500);
    expect(shop.faults(ids).slice(0, 5)).toEqual([]);
  }, 90_000);

  test('a baseline member comes and goes while a color joins and leaves', async () => {
    await shop.createTopic(4);
    const base = await shop.start('base 1', { config: { rebalanceTimeout: 5_000 } });
    const state = (): string | undefined =>
      base.coloring.mq.status().handovers.find(({ color }) => color === 'red')?.state;
    const sending = load();
    await pause(500);
    const joining = shop.start('red', { color: 'red' });
    const second = await shop.start('base 2', { config: { rebalanceTimeout: 5_000 } });
    await joining;
    await until('active', () => state() === 'active');
    await until('red handles', () => shop.ids('red').length > 100);
    const leaving = leave('red');
    await second.stop();
    await leaving;
    await pause(300);
    const ids = await sending.stop();
    await until('all is handled', () => new Set(shop.ids()).size >= ids.length, 20_000);
    await pause(500);
    // What a rebalance redelivers is the broker's own, inside one side.
    const twice = shop
      .faults(ids)
      .filter((fault) => !/by base \d(, base \d)+$/.test(fault) || fault.startsWith('lost'));
    expect(twice.slice(0, 5)).toEqual([]);
  }, 90_000);
});
