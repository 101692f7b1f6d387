import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { pause, Shop, until } from './shop.js';

/** Messages that retention has deleted nobody can handle any more: whoever waits for them must see that. */
describeWithServers(['kafka'], 'a leave whose messages retention has deleted', (servers) => {
  let shop: Shop;
  beforeEach(async () => {
    shop = new Shop(servers.kafka.brokers);
    await shop.createTopic(2);
  });
  afterEach(() => shop.close(), 60_000);

  const deleteAll = (): Promise<unknown> =>
    shop.admin(async (admin) => {
      const ends = await admin.fetchTopicOffsets(shop.topic);
      const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
      await admin.deleteTopicRecords({ topic: shop.topic, partitions });
      await until('they are gone', async () => {
        const offsets = await admin.fetchTopicOffsets(shop.topic);
        return offsets.every(({ low, high }) => low === high);
      });
    });
  const state = () => {
    const all = shop.coloring().mq.status().handovers;
    return all.find(({ color }) => color === 'red')?.state;
  };

  test('the baseline drains for a dead consumer: it ends', async () => {
    const base = await shop.start('base');
    const red = await shop.start('red', { color: 'red' });
    const isActive = () =>
      base.coloring.mq.status().handovers.some((one) => one.color === 'red' && one.state === 'active');
    await until('red is active', isActive);
    await red.stop();
    await red.coloring.close();
    await shop.send(20, 'red');
    await until('the baseline has passed them', () =>
      base.coloring.mq.status().consumers.every(({ skipped }) => skipped === 20),
    );
    const tool = shop.coloring();
    await deleteAll();
    const began = performance.now();
    await tool.environments.withdraw('stock', 'red');
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(shop.ids('base')).toEqual([]);
    expect(state()).toBeUndefined();
  }, 60_000);

  test('they are deleted while a baseline drains: it ends', async () => {
    let open = false;
    const tries: string[] = [];
    const base = await shop.start('base', {
      run: {
        eachMessage: async ({ message }) => {
          tries.push(String(message.value));
          if (!open) throw new Error('not yet');
        },
      },
    });
    const red = await shop.start('red', { color: 'red' });
    await until('red is active', () =>
      base.coloring.mq.status().handovers.some((one) => one.color === 'red' && one.state === 'active'),
    );
    await red.stop();
    await red.coloring.close();
    await shop.send(20, 'red');
    await until('the baseline has passed them', () =>
      base.coloring.mq.status().consumers.every(({ skipped }) => skipped === 20),
    );
    const tool = shop.coloring();
    await tool.environments.withdraw('stock', 'red', { wait: false });
    await until('it drains', () => tries.length > 0);
    await deleteAll();
    open = true;
    const began = performance.now();
    await tool.environments.withdraw('stock', 'red');
    expect(performance.now() - began).toBeLessThan(10_000);
  }, 60_000);

  test('the color’s own consumer waits for them: it ends', async () => {
    const base = await shop.start('base');
    const red = await shop.start('red', { color: 'red' });
    await until('red is active', () =>
      base.coloring.mq.status().handovers.some((one) => one.color === 'red' && one.state === 'active'),
    );
    const first = await shop.send(6, 'red');
    await until('red handles', () => shop.ids('red').length === first.length);
    red.consumer.pause([{ topic: shop.topic }]);
    await pause(700);
    await shop.send(20, 'red');
    await until('the baseline has passed them', () =>
      base.coloring.mq.status().consumers.every(({ skipped }) => skipped === 26),
    );
    await deleteAll();
    red.consumer.resume([{ topic: shop.topic }]);
    const tool = shop.coloring();
    const began = performance.now();
    await tool.environments.withdraw('stock', 'red');
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(shop.ids('red')).toHaveLength(6);
  }, 60_000);
});
