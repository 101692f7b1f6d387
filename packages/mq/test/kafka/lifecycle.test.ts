import { runningTasks } from '@colorway/core/background';
import fc from 'fast-check';
import { MemoryShop } from './memory-shop.js';
import { pause, until } from './shop.js';

/** How an application ends a consumer. */
const ENDS = ['stop', 'disconnect', 'close'] as const;
type End = (typeof ENDS)[number];

describe('a consumer that is ended while it starts', () => {
  let shop: MemoryShop;
  beforeEach(() => {
    shop = new MemoryShop();
  });
  afterEach(() => shop.close(), 30_000);

  test.each(ENDS)('by %s: it takes no message, and nothing of it is left', async (end) => {
    const before = runningTasks();
    const { coloring, consumer, run } = await shop.start('zombie', { idle: true });
    let held = (): void => {};
    const reached = new Promise<void>((resolve) => {
      // In the middle of its start: what it asks first of the broker is answered late.
      shop.onRequest = (call) => {
        if (call !== 'admin.fetchTopicOffsets') return;
        resolve();
        return new Promise<void>((go) => {
          held = go;
        });
      };
    });
    const running = run();
    await reached;
    const ended = ends(end, consumer, coloring);
    await pause(20);
    held();
    await ended;
    await running;
    shop.onRequest = () => {};
    await shop.send(4);
    await pause(100);
    expect(shop.handled).toEqual([]);
    expect(await shop.members()).toBe(0);
    expect(shop.openAdmins).toBe(0);
    expect(runningTasks()).toEqual(before);
    expect(coloring.mq.status().consumers).toEqual([]);
  });

  test('stopped, it can run again, also before the stop is over', async () => {
    const { consumer, run } = await shop.start('base', { idle: true });
    const first = run();
    const stopped = consumer.stop();
    const second = run();
    await Promise.all([first, stopped, second]);
    await shop.send(4);
    await until('all is handled', () => shop.handled.length === 4);
    expect(await shop.members()).toBe(1);
  });
});

describe('at any moment of any story', () => {
  /** What goes on when it is ended. */
  const STORIES = ['baseline alone', 'color joins', 'color leaves', 'drain', 'discard'] as const;

  test('after stop, disconnect or close no handler runs, and nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...STORIES),
        fc.constantFrom<End>(...ENDS),
        fc.integer({ min: 1, max: 40 }),
        async (story, end, moment) => {
          const shop = new MemoryShop();
          const before = runningTasks();
          try {
            await play(shop, story, end, moment);
            expect(shop.openAdmins).toBe(0);
            expect(runningTasks()).toEqual(before);
          } finally {
            await shop.close();
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);

  async function play(
    shop: MemoryShop,
    story: (typeof STORIES)[number],
    end: End,
    moment: number,
  ): Promise<void> {
    const others: (() => Promise<unknown>)[] = [];
    if (story === 'drain' || story === 'discard') {
      const base = await shop.start('dead base');
      const red = await shop.start('dead red', { color: 'red' });
      await shop.untilHandover('red', 'active');
      await red.coloring.close();
      await shop.send(12, 'red');
      await until('the baseline has passed them', async () => (await shop.broker.lag(shop.group)) === 0);
      await base.coloring.close();
    }
    const { coloring, consumer, run } = await shop.start('one', { idle: true });
    // At the so-manieth question to directory or broker from here on.
    let left = moment;
    const reached = new Promise<void>((resolve) => {
      shop.onRequest = () => {
        if (--left === 0) resolve();
      };
    });
    const running = run();
    if (story === 'color joins' || story === 'color leaves') {
      const red = await shop.start('red', { color: 'red', idle: true });
      const joined = red.run();
      others.push(async () => {
        await joined;
        await red.coloring.close();
      });
    }
    const tool = shop.coloring();
    if (story !== 'baseline alone' && story !== 'color joins') {
      const onLeave = story === 'discard' ? 'discard' : 'drain';
      await tool.environments.withdraw('stock', 'red', { wait: false, onLeave });
    }
    await Promise.race([reached, pause(400)]);
    await ends(end, consumer, coloring);
    const handled = shop.handled.filter(({ by }) => by === 'one').length;
    await running;
    await shop.send(2);
    await pause(60);
    expect(shop.handled.filter(({ by }) => by === 'one')).toHaveLength(handled);
    await coloring.close();
    for (const other of others) await other();
    await tool.close();
  }
});

function ends(
  end: End,
  consumer: { stop(): Promise<void>; disconnect(): Promise<void> },
  coloring: { close(): Promise<void> },
): Promise<void> {
  return end === 'close' ? coloring.close() : consumer[end]();
}
