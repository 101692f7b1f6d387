import { MemoryShop } from './memory-shop.js';
import { pause, until } from './shop.js';

/**
 * KafkaJS (2.2.4) forgets a seek when the connection closes while it is carried out. A colored group without offsets
 * would then read from where a new group starts, and commit past messages that nobody has handled.
 */
describe('a colored consumer whose client loses the seek to its start', () => {
  let shop: MemoryShop;
  beforeEach(() => {
    shop = new MemoryShop();
  });
  afterEach(() => shop.close(), 30_000);

  test.each([1, 3])(
    'handles all that is its own all the same (%i seeks of a partition lost)',
    async (lost) => {
      let release = (): void => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      await shop.start('base', {
        run: {
          partitionsConsumedConcurrently: 2,
          eachMessage: async ({ message }) => {
            await held;
            shop.handled.push({ by: 'base', id: String(message.value) });
          },
        },
      });
      const uncolored = await shop.send(2);
      await pause(50);
      // Behind the place where red will join, and before the end of the log, where its group would start.
      const before = await shop.send(6, 'red');
      const dropped: string[] = [];
      shop.intercept = (consumer, groupId) => {
        if (groupId !== 'GID_red_order') return;
        const seek = consumer.seek.bind(consumer);
        consumer.seek = (to) => {
          const place = `${to.partition}`;
          if (dropped.filter((one) => one === place).length >= lost) return seek(to);
          dropped.push(place);
        };
      };
      await shop.start('red', { color: 'red', fromBeginning: false });
      await shop.untilHandover('red', 'joining');
      await pause(200);
      release();
      await shop.untilHandover('red', 'active');
      await until('the starts were sought', () => dropped.length >= 2);
      await pause(100);
      const wanted = [...uncolored, ...before];
      for (let at = 0; at < 5; at++) {
        wanted.push(...(await shop.send(2, 'red')));
        await pause(50);
      }
      await until('all is handled', () => shop.handled.length >= wanted.length, 5_000).catch(() => {});
      expect(shop.handled.map(({ id }) => id).sort()).toEqual([...wanted].sort());
      expect(shop.handled.filter(({ by }) => by === 'red')).toHaveLength(16);
    },
    30_000,
  );
});
