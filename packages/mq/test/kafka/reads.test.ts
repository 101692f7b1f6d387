import { encodeFence, encodeHandover } from '../../src/ownership/handover-codec.js';
import { fenceKey, handoverPrefix, stateKey } from '../../src/ownership/handover-keys.js';
import { MemoryShop } from './memory-shop.js';
import { until } from './shop.js';

/** What a join reads of the directory, all processes together, beside colors that are there: it is about one color. */
describe('a color that joins beside 50 that are there, on 12 partitions', () => {
  const PARTITIONS = 12;
  const COLORS = 50;
  let shop: MemoryShop;
  beforeEach(() => {
    shop = new MemoryShop({ partitions: PARTITIONS });
  });
  afterEach(() => shop.close(), 30_000);

  const stand = async (color: string): Promise<void> => {
    const { group, topic, uncounted } = shop;
    const prefix = handoverPrefix(group, topic);
    for (let partition = 0; partition < PARTITIONS; partition++)
      await uncounted.create(fenceKey(prefix, color, 1, 'join', partition), encodeFence(0n, 'before'));
    await uncounted.create(
      stateKey(prefix, color),
      encodeHandover({ kind: 'active', epoch: 1, since: 1 }, { group, topic }),
    );
  };
  /** What is listed from now on of the group, and in how many requests of all kinds to the directory. */
  const follow = () => {
    const lists: string[] = [];
    const followed = { lists, requests: 0, from: shop.listed };
    shop.onRequest = (call, subject) => {
      if (!call.startsWith('admin.')) followed.requests++;
      if (call === 'list' && subject.startsWith('mq/')) lists.push(subject);
    };
    return followed;
  };
  const settled = async (): Promise<void> => {
    let before = -1;
    await until('nothing more is listed', async () => {
      const { listed } = shop;
      await new Promise((resolve) => setTimeout(resolve, 500));
      const same = listed === before && shop.listed === listed;
      before = shop.listed;
      return same;
    });
  };
  const whole = (): string => handoverPrefix(shop.group, shop.topic);

  test('the process that is new reads the topic once, and all of them else the color alone', async () => {
    for (let at = 0; at < COLORS; at++) await stand(`c-${at}`);
    await shop.start('base');
    await settled();
    const followed = follow();
    await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    await shop.send(2, 'red');
    await until('red handles', () => shop.handled.filter(({ by }) => by === 'red').length === 2);
    await settled();
    expect(followed.lists.filter((one) => one !== `${whole()}red`)).toEqual([whole()]);
    // Each of two processes looks at red at most once for each of its fences, and when it begins and ends to join.
    expect(followed.lists.length).toBeLessThanOrEqual(1 + 2 * (PARTITIONS + 3));
    expect(shop.listed - followed.from).toBeLessThanOrEqual(1_000);
    expect(followed.requests).toBeLessThanOrEqual(100);
  }, 60_000);

  test('a member of the baseline reads the whole topic after it was assigned partitions: once, or twice', async () => {
    for (let at = 0; at < COLORS; at++) await stand(`c-${at}`);
    // Of which topic they are is unknown until somebody has looked.
    const before = await shop.start('before');
    await settled();
    await before.consumer.disconnect();
    await before.coloring.close();
    let assigned = 0;
    let after = 0;
    shop.intercept = (consumer) =>
      void consumer.on(consumer.events.GROUP_JOIN, () => {
        assigned++;
        after = 0;
      });
    shop.onRequest = (call, subject) => {
      if (call === 'list' && subject.startsWith(whole())) after++;
    };
    await shop.start('base');
    await shop.send(1, 'c-0');
    await shop.send(1);
    await until('it handles', () => shop.handled.length === 1);
    await settled();
    expect(assigned).toBeGreaterThan(0);
    expect(after).toBeGreaterThanOrEqual(1);
    expect(after).toBeLessThanOrEqual(2);
  }, 60_000);
});
