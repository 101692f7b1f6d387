import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { MemoryShop } from './memory-shop.js';
import { Shop, until } from './shop.js';

/**
 * A broker forgets the offsets of a group that has had no members for a while, or an operator deletes the group. What
 * the color had handled before is not handled again.
 */
describe('offsets of a color that the broker has forgotten (memory broker)', () => {
  let shop: MemoryShop;
  beforeEach(() => {
    shop = new MemoryShop();
  });
  afterEach(() => shop.close(), 30_000);

  const handledBy = (by: string): string[] => shop.handled.filter((one) => one.by === by).map(({ id }) => id);
  const forget = () => shop.broker.admin().deleteGroups(['GID_red_order']);
  const kept = async (): Promise<Record<string, string> | undefined> => {
    const entry = await shop.uncounted.get(`mq/${shop.group}/${shop.topic}/red`);
    return (JSON.parse(entry?.value ?? '{}') as { progress?: Record<string, string> }).progress;
  };
  /** Both have handled 25 messages; the color's consumer has gone. */
  const begin = async (stop: (red: { consumer: { disconnect(): Promise<void> } }) => Promise<void>) => {
    await shop.start('base');
    const red = await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    const ids = [...(await shop.send(25)), ...(await shop.send(25, 'red'))];
    await until('all are handled', () => shop.handled.length === 50);
    await stop(red);
    await red.coloring.close();
    return ids;
  };
  const inOrder = ({ consumer }: { consumer: { disconnect(): Promise<void> } }) => consumer.disconnect();
  const eachOnce = (ids: readonly string[]): void =>
    expect(shop.handled.map(({ id }) => id).sort()).toEqual([...ids].sort());

  test('its consumer comes back: it goes on where it was', async () => {
    const ids = await begin(inOrder);
    await forget();
    await shop.start('red again', { color: 'red' });
    const more = await shop.send(4, 'red');
    await until('the color goes on', () => more.every((id) => handledBy('red again').includes(id)));
    eachOnce([...ids, ...more]);
  }, 30_000);

  test('it stays away, and its environment is deleted: what is left is drained, and no more', async () => {
    const ids = await begin(inOrder);
    await forget();
    const more = await shop.send(4, 'red');
    await until('the baseline has passed them', async () => (await shop.broker.lag(shop.group)) === 0);
    await shop.coloring().environments.withdraw('stock', 'red');
    await until('the color has left', async () => (await shop.handover('red')) === 'gone');
    eachOnce([...ids, ...more]);
    expect(handledBy('base').sort()).toEqual([...ids.filter((id) => id.startsWith('-')), ...more].sort());
  }, 30_000);

  test('they are forgotten while the color leaves: the drain goes on where it was', async () => {
    const ids = await begin(inOrder);
    const more = await shop.send(4, 'red');
    await until('the baseline has passed them', async () => (await shop.broker.lag(shop.group)) === 0);
    shop.onRequest = (call) => {
      if (call === 'admin.fetchOffsets') throw new Error('not now');
    };
    await shop.coloring().environments.withdraw('stock', 'red', { wait: false });
    await shop.untilHandover('red', 'leaving');
    await forget();
    shop.onRequest = () => {};
    await until('the color has left', async () => (await shop.handover('red')) === 'gone');
    eachOnce([...ids, ...more]);
  }, 30_000);

  test('its consumer died without a word: a process of the service keeps them', async () => {
    const ids = await begin(async (red) => {
      shop.onRequest = (call) => {
        if (call === 'admin.fetchOffsets') throw new Error('it is dead');
      };
      await red.consumer.disconnect();
    });
    shop.onRequest = () => {};
    expect(await kept()).toBeUndefined();
    // A look is made at the start, and every 30 seconds.
    await shop.start('base 2');
    await until('they are kept', async () => (await kept()) !== undefined);
    await forget();
    await shop.start('red again', { color: 'red' });
    const more = await shop.send(4, 'red');
    await until('the color goes on', () => more.every((id) => handledBy('red again').includes(id)));
    eachOnce([...ids, ...more]);
  }, 30_000);

  test('what an administrator has set back is handled again, whatever was kept', async () => {
    await begin(inOrder);
    expect(await kept()).toEqual({ 0: '26', 1: '24' });
    await shop.broker.admin().setOffsets({
      groupId: 'GID_red_order',
      topic: shop.topic,
      partitions: [{ partition: 1, offset: '22' }],
    });
    await shop.start('red again', { color: 'red' });
    await until('it handles again', () => handledBy('red again').length === 2);
    expect(await kept()).toEqual({ 0: '26', 1: '24' });
  }, 30_000);

  test('nothing of it is left when the color has left, and the next time begins without it', async () => {
    await begin(inOrder);
    expect(await kept()).toBeDefined();
    await shop.coloring().environments.withdraw('stock', 'red');
    await until('the color has left', async () => (await shop.handover('red')) === 'gone');
    expect(await kept()).toBeUndefined();
    await shop.start('red again', { color: 'red' });
    await shop.untilHandover('red', 'active');
    expect(await kept()).toBeUndefined();
  }, 30_000);
});

describeWithServers(['kafka'], 'offsets of a color that the broker has forgotten (Kafka)', (servers) => {
  let shop: Shop;
  beforeEach(async () => {
    shop = new Shop(servers.kafka.brokers);
    await shop.createTopic(2);
  });
  afterEach(() => shop.close(), 60_000);

  /** Both have handled 25 messages, the color's consumer has gone, and its group is deleted. */
  const begin = async () => {
    const base = await shop.start('base');
    const red = await shop.start('red', { color: 'red' });
    const state = () => base.coloring.mq.status().handovers.find(({ color }) => color === 'red')?.state;
    await until('red is active', () => state() === 'active');
    const ids = [...(await shop.send(25)), ...(await shop.send(25, 'red'))];
    await until('all are handled', () => shop.handled.length === 50);
    await red.stop();
    await red.coloring.close();
    const group = base.coloring.mq.status().handovers[0]?.brokerGroup ?? '';
    await shop.admin((admin) => admin.deleteGroups([group]));
    return { ids, base, state };
  };

  test('its consumer comes back: it goes on where it was', async () => {
    const { ids } = await begin();
    await shop.start('red again', { color: 'red' });
    const more = await shop.send(6, 'red');
    await until('the color goes on', () => more.every((id) => shop.ids('red again').includes(id)));
    expect(shop.faults([...ids, ...more])).toEqual([]);
  }, 60_000);

  test('it stays away, and its environment is deleted: what is left is drained, and no more', async () => {
    const { ids, state } = await begin();
    const more = await shop.send(6, 'red');
    await shop.coloring().environments.withdraw('stock', 'red');
    await until('the color has left', () => state() === undefined || state() === 'absent');
    expect(shop.faults([...ids, ...more])).toEqual([]);
  }, 60_000);
});
