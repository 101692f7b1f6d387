import { MemoryShop } from './memory-shop.js';
import { pause, until } from './shop.js';

/** A call of the directory that hangs holds up the color that it is for, and no other. */
describe('calls of the directory that hang for one color', () => {
  let shop: MemoryShop;
  beforeEach(() => {
    shop = new MemoryShop();
  });
  afterEach(() => shop.close(), 60_000);

  test.each(['hang', 'fail'])(
    'when they %s: another color joins and leaves within 5 s',
    async (how) => {
      let release = (): void => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const base = await shop.start('base', {
        run: {
          partitionsConsumedConcurrently: 2,
          eachMessage: async ({ message }) => {
            await held;
            shop.handled.push({ by: 'base', id: String(message.value) });
          },
        },
      });
      const ids = await shop.send(2);
      await pause(50);
      await shop.start('blue', { color: 'blue' });
      await shop.untilHandover('blue', 'joining');
      let asked = 0;
      const ends: (() => void)[] = [];
      shop.onRequest = async (call, subject) => {
        if (call.startsWith('admin.') || !subject.includes('blue')) return;
        asked++;
        if (how === 'fail') throw new Error('the shard of blue is away');
        await new Promise<void>((resolve) => ends.push(resolve));
      };
      release();
      await until('the baseline has asked for blue', () => asked > 0);
      await pause(300);
      await shop.start('red', { color: 'red' });
      await shop.untilHandover('red', 'active', 5_000);
      ids.push(...(await shop.send(6, 'red')));
      await until('red handles', () => shop.handled.filter(({ by }) => by === 'red').length === 6);
      const began = performance.now();
      await shop.coloring().environments.withdraw('stock', 'red');
      expect(performance.now() - began).toBeLessThan(5_000);
      expect(shop.handled.map(({ id }) => id).sort()).toEqual([...ids].sort());
      shop.onRequest = () => {};
      for (const end of ends.splice(0)) end();
      await shop.untilHandover('blue', 'active', 20_000);
      expect(base.coloring.mq.status().consumers[0]?.phase).toBe('running');
    },
    60_000,
  );
});

describe('two colors that join at once, with a message in hand', () => {
  test('both are fenced in the same gap', async () => {
    const shop = new MemoryShop();
    try {
      let release = (): void => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      await shop.start('base', { run: { eachMessage: () => held } });
      await shop.send(2);
      await pause(50);
      await Promise.all([shop.start('red', { color: 'red' }), shop.start('blue', { color: 'blue' })]);
      await shop.untilHandover('red', 'joining');
      await shop.untilHandover('blue', 'joining');
      await pause(100);
      release();
      await shop.untilHandover('red', 'active', 5_000);
      await shop.untilHandover('blue', 'active', 5_000);
    } finally {
      await shop.close();
    }
  }, 30_000);
});
