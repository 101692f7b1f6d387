import { MemoryShop } from './memory-shop.js';
import { until } from './shop.js';

test('a message that failed in the baseline, and is the color’s when it comes again, does not hold up commits', async () => {
  const shop = new MemoryShop({ group: 'GID_given_up' });
  try {
    let failures = 0;
    const eachMessage = async (): Promise<void> => {
      failures++;
      throw new Error('not now');
    };
    await shop.start('base', { run: { autoCommit: false, eachMessage } });
    const ids = await shop.send(1, 'red');
    await until('it has failed', () => failures > 0);
    await shop.start('red', { color: 'red' });
    await until('red has it', () => shop.handled.length === 1, 60_000);
    expect(shop.handled).toEqual([{ by: 'red', id: ids[0] }]);
    const committed = async (): Promise<string | undefined> => {
      const admin = shop.broker.admin();
      const [found] = await admin.fetchOffsets({ groupId: shop.group, topics: [shop.topic] });
      return found?.partitions[0]?.offset;
    };
    await until('the baseline has committed past it', async () => (await committed()) === '1', 60_000);
  } finally {
    await shop.close();
  }
}, 180_000);
