import { leaveGroup } from '@colorway/mq/kafka';
import { MemoryShop } from './memory-shop.js';
import { until } from './shop.js';

/** What background work asks of the broker's admin and of the directory: nothing at rest, and little while it waits. */
describe('requests to the broker and the directory', () => {
  const MS = 3_000;
  let shop: MemoryShop;
  beforeEach(() => {
    shop = new MemoryShop();
  });
  afterEach(() => shop.close(), 30_000);

  /** A second and process: requests of all kinds. */
  const rate = async (processes = 1): Promise<number> => {
    const { total } = await shop.countRequests(MS);
    return total / processes / (MS / 1_000);
  };
  const settle = () => new Promise((resolve) => setTimeout(resolve, 1_500));
  const leftBehind = async (color: string): Promise<void> => {
    const base = await shop.start('base');
    const red = await shop.start(color, { color });
    await shop.untilHandover(color, 'active');
    await red.coloring.close();
    await shop.send(10, color);
    await until('the baseline has passed them', async () => (await shop.broker.lag(shop.group)) === 0);
    await base.coloring.close();
  };

  test('none at rest, beside colors that are active', async () => {
    await shop.start('base');
    await shop.start('red', { color: 'red' });
    await shop.start('blue', { color: 'blue' });
    await shop.untilHandover('red', 'active');
    await shop.untilHandover('blue', 'active');
    await settle();
    const { by } = await shop.countRequests(MS);
    // A color says that it lives, and upkeep of its environment reads: both are rare.
    expect(Object.keys(by).filter((call) => call.startsWith('admin.') || call === 'list')).toEqual([]);
  }, 30_000);

  test('none at rest, after the offsets of a color whose consumer has gone were kept', async () => {
    await shop.start('base');
    const red = await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    await shop.send(10, 'red');
    await until('they are handled', () => shop.handled.length === 10);
    await red.consumer.disconnect();
    await red.coloring.close();
    const entry = await shop.uncounted.get(`mq/${shop.group}/${shop.topic}/red`);
    expect(JSON.parse(entry?.value ?? '{}')).toMatchObject({ progress: { 0: '5', 1: '5' } });
    await settle();
    const asked: string[] = [];
    shop.onRequest = (call, subject) => {
      if (call.startsWith('admin.') || subject.startsWith('mq/')) asked.push(`${call} ${subject}`);
    };
    await shop.countRequests(MS);
    expect(asked).toEqual([]);
  }, 30_000);

  test('a color that waits for somebody else’s drain asks at most 4 times a second', async () => {
    await shop.start('blue', { color: 'blue' });
    await shop.untilHandover('blue', 'active');
    await leftBehind('red');
    const tool = shop.coloring();
    await tool.environments.withdraw('stock', 'red', { wait: false });
    await shop.untilHandover('red', 'draining');
    await settle();
    expect(await rate()).toBeLessThanOrEqual(4);
    expect(shop.handled.filter(({ by }) => by === 'blue')).toEqual([]);
  }, 40_000);

  test('a color that joins while its baseline holds back asks at most 4 times a second', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const base = await shop.start('base', { run: { eachMessage: () => held } });
    await shop.send(2);
    await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'joining');
    await settle();
    const asked = await rate(2);
    release();
    expect(asked).toBeLessThanOrEqual(4);
    await shop.untilHandover('red', 'active');
    await base.coloring.close();
  }, 40_000);

  test('who asked for a leave that waits for handlers asks at most 4 times a second', async () => {
    await leftBehind('red');
    const tool = shop.coloring();
    const abort = new AbortController();
    const leaving = leaveGroup(tool, shop.client(), {
      ...{ group: shop.group, topics: [shop.topic], color: 'red', onLeave: 'drain' },
      signal: abort.signal,
    }).catch((error: unknown) => error);
    await shop.untilHandover('red', 'draining');
    await settle();
    expect(await rate()).toBeLessThanOrEqual(4);
    abort.abort();
    expect(await leaving).toMatchObject({ code: 'COLORWAY_CLOSED' });
  }, 40_000);

  test('an error that stays is tried with pauses that grow', async () => {
    const base = await shop.start('base');
    const red = await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    await red.coloring.close();
    shop.onRequest = (call) => {
      if (call === 'admin.deleteGroups') throw new Error('GROUP_AUTHORIZATION_FAILED');
    };
    const tool = shop.coloring();
    await tool.environments.withdraw('stock', 'red', { wait: false });
    await until('it was tried', () => (shop.requests['admin.deleteGroups'] ?? 0) > 0);
    await settle();
    expect(await rate()).toBeLessThanOrEqual(6);
    // Others are not held up by it.
    await shop.start('blue', { color: 'blue' });
    await shop.untilHandover('blue', 'active', 3_000);
    expect(base.coloring.mq.status().work).toContainEqual(
      expect.objectContaining({ state: 'failing', lastError: expect.stringContaining('AUTHORIZATION') }),
    );
  }, 40_000);
});
