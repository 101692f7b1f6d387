import { encodeFence, encodeHandover } from '../../src/ownership/handover-codec.js';
import { fenceKey, handoverPrefix, stateKey } from '../../src/ownership/handover-keys.js';
import { MemoryShop } from './memory-shop.js';
import { until } from './shop.js';

/** What a join reads of the directory, all processes together, beside colors that are there: it is about one color. */
describe('a color that joins beside 50 that are there, on 12 partitions', () => {
  const PARTITIONS = 12;
  const COLORS = 50;
  /** A state and its join fences. */
  const OF_A_COLOR = 1 + PARTITIONS;
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
  /** Lists of the topic or its group, by what is listed. */
  const listsOf = (): { readonly prefixes: string[]; readonly by: () => Record<string, number> } => {
    const prefixes: string[] = [];
    shop.onRequest = (call, subject) => {
      if (call === 'list' && subject.startsWith('mq/')) prefixes.push(subject);
    };
    return {
      prefixes,
      by: () =>
        prefixes.reduce<Record<string, number>>(
          (sums, one) => ({ ...sums, [one]: (sums[one] ?? 0) + 1 }),
          {},
        ),
    };
  };
  const settled = async (): Promise<void> => {
    let before = -1;
    await until('nothing more is asked', async () => {
      const now = shop.listed;
      await new Promise((resolve) => setTimeout(resolve, 500));
      const same = now === before && shop.listed === now;
      before = shop.listed;
      return same;
    });
  };

  test('the topic is read once, by the process that is new, and else the color alone', async () => {
    for (let at = 0; at < COLORS; at++) await stand(`c-${at}`);
    await shop.start('base');
    await settled();
    const { listed } = shop;
    const before = { ...shop.requests };
    const lists = listsOf();
    await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    await shop.send(2, 'red');
    await until('red handles', () => shop.handled.filter(({ by }) => by === 'red').length === 2);
    await settled();
    const whole = lists.prefixes.filter((one) => !one.endsWith('/red'));
    console.log(shop.listed - listed, lists.by(), before, shop.requests);
    expect(whole).toEqual([handoverPrefix(shop.group, shop.topic)]);
    expect(shop.listed - listed).toBeLessThanOrEqual(1_000);
    expect((shop.requests.list ?? 0) - (before.list ?? 0)).toBeLessThanOrEqual(OF_A_COLOR * 2);
  }, 60_000);
});
