import { leaveGroup } from '@colorway/mq/kafka';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { pause, Shop, until } from './shop.js';

describeWithServers(['kafka'], 'hand-over between the baseline and a color', (servers) => {
  let shop: Shop;
  beforeEach(() => {
    shop = new Shop(servers.kafka.brokers);
  });
  afterEach(() => shop.close(), 60_000);

  async function leave(onLeave: 'drain' | 'discard' = 'drain', progress: unknown[] = []) {
    return leaveGroup(shop.coloring(), shop.client(), {
      group: shop.group,
      topics: [shop.topic],
      color: 'red',
      onLeave,
      onProgress: (one) => progress.push(one),
    });
  }

  test('a color joins beside an idle baseline, and takes over from where that stands', async () => {
    await shop.createTopic(3);
    const base = await shop.start('baseline');
    const before = [...(await shop.send(6)), ...(await shop.send(6, 'red'))];
    await until('the baseline has handled all', () => shop.handled.length === 12);
    await shop.start('red', { color: 'red' });
    await until('active', () => base.coloring.mq.status().handovers[0]?.state === 'active');
    const after = [...(await shop.send(6)), ...(await shop.send(6, 'red')), ...(await shop.send(3, 'blue'))];
    await until('all is handled', () => shop.handled.length >= 27);
    await pause(300);
    expect(shop.faults([...before, ...after])).toEqual([]);
    expect(shop.ids('red').every((id) => id.startsWith('red/'))).toBe(true);
    expect(shop.ids('red')).toHaveLength(6);
  }, 60_000);

  test('the fence is where the baseline stands, between two messages of a batch, and not where it last committed', async () => {
    await shop.createTopic(1);
    const ids = await shop.send(20, 'red');
    const base = await shop.start('baseline', { delayMs: 200 });
    await until('some are handled', () => shop.handled.length > 2);
    await shop.start('red', { color: 'red' });
    await until('all is handled', () => shop.handled.length >= 20);
    await pause(500);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('red').length).toBeGreaterThan(5);
    const [fence] = base.coloring.mq.status().handovers[0]?.fences ?? [];
    expect(Number(fence?.join)).toBe(shop.ids('baseline').length);
  }, 60_000);

  test('a color joins while no baseline runs, and the baseline that comes later leaves its messages alone', async () => {
    await shop.createTopic(2);
    const early = [...(await shop.send(4)), ...(await shop.send(4, 'red'))];
    const red = await shop.start('red', { color: 'red' });
    await until('active', () => red.coloring.mq.status().handovers[0]?.state === 'active');
    const late = [...(await shop.send(4)), ...(await shop.send(4, 'red'))];
    await until('red has handled its own', () => shop.handled.length >= 8);
    await shop.start('baseline');
    await until('all is handled', () => shop.handled.length >= 16);
    await pause(300);
    expect(shop.faults([...early, ...late])).toEqual([]);
    expect(shop.ids('red')).toHaveLength(8);
  }, 60_000);

  test('a color leaves: what it owns it handles, and the baseline takes the rest', async () => {
    await shop.createTopic(2);
    const base = await shop.start('baseline');
    const red = await shop.start('red', { color: 'red' });
    await until('active', () => base.coloring.mq.status().handovers[0]?.state === 'active');
    const before = await shop.send(10, 'red');
    await until('red has handled', () => shop.ids('red').length === 10);
    await leave();
    expect(base.coloring.mq.status().handovers[0]?.state ?? 'absent').toBe('absent');
    expect(red.coloring.mq.status().consumers[0]?.phase).toBe('left');
    const after = await shop.send(10, 'red');
    await until('all is handled', () => shop.handled.length >= 20);
    await pause(300);
    expect(shop.faults([...before, ...after])).toEqual([]);
    expect(shop.ids('baseline')).toHaveLength(10);
    const groups = await shop.admin((admin) => admin.listGroups());
    expect(groups.groups.map(({ groupId }) => groupId)).not.toContain(`GID_red_${shop.group.slice(4)}`);
  }, 60_000);

  test('messages of a color that is dead wait for it; when it leaves, the baseline drains them', async () => {
    await shop.createTopic(2);
    const base = await shop.start('baseline');
    const red = await shop.start('red', { color: 'red' });
    await until('active', () => base.coloring.mq.status().handovers[0]?.state === 'active');
    await red.stop();
    const ids = [...(await shop.send(10, 'red')), ...(await shop.send(10)), ...(await shop.send(5, 'blue'))];
    await until('the others are handled', () => shop.handled.length === 15);
    await pause(500);
    expect(shop.handled).toHaveLength(15);
    await leave();
    await until('all is handled', () => shop.handled.length >= 25);
    await pause(300);
    expect(shop.faults(ids)).toEqual([]);
  }, 60_000);

  test('or they are discarded, and counted before that', async () => {
    await shop.createTopic(2);
    const base = await shop.start('baseline');
    const red = await shop.start('red', { color: 'red' });
    await until('active', () => base.coloring.mq.status().handovers[0]?.state === 'active');
    await red.stop();
    await shop.send(10, 'red');
    await shop.send(10);
    await until('the others are handled', () => shop.handled.length === 10);
    await base.stop();
    const progress: { kind?: string; messages?: number }[] = [];
    const result = await leave('discard', progress);
    expect(result.discarded).toBe(10);
    const counted = progress.filter(({ kind }) => kind === 'discard').map(({ messages = 0 }) => messages);
    expect(counted.reduce((sum, one) => sum + one, 0)).toBe(10);
    await shop.start('baseline again');
    const after = await shop.send(4, 'red');
    await until('new ones are handled', () => shop.ids('baseline again').length >= 4);
    await pause(300);
    expect(shop.faults(after)).toEqual([]);
    expect(shop.handled).toHaveLength(14);
  }, 60_000);
});
