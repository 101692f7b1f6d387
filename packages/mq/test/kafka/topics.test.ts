import { leaveGroup } from '@colorway/mq/kafka';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { EpochCount, pause, Shop, until } from './shop.js';

describeWithServers(['kafka'], 'hand-over of several topics of one group', (servers) => {
  let shop: Shop;
  let more: string;
  beforeEach(async () => {
    shop = new Shop(servers.kafka.brokers);
    more = `${shop.topic}-more`;
    await shop.createTopic(2);
    await shop.createTopic(2, more);
  }, 30_000);
  afterEach(() => shop.close(), 60_000);

  test('one topic is drained, and the color’s messages of the other go on waiting for it', async () => {
    const topics = [shop.topic, more];
    const base = await shop.start('baseline', { topics });
    const red = await shop.start('red', { color: 'red', topics });
    const epochs = new EpochCount();
    const states = (): string => {
      const { handovers } = base.coloring.mq.status();
      return topics.map((topic) => epochs.of(handovers.find((found) => found.topic === topic))).join();
    };
    await until('active', () => states() === 'active 1,active 1');
    await red.stop();
    const drained = await shop.send(10, 'red');
    const waiting = await shop.send(10, 'red', { topic: more });
    await pause(500);
    expect(shop.handled).toHaveLength(0);
    await leaveGroup(shop.coloring(), shop.client(), {
      group: shop.group,
      topics: [shop.topic],
      color: 'red',
      onLeave: 'drain',
    });
    await until('drained', () => shop.handled.length >= 10);
    await pause(500);
    expect(shop.ids('baseline').sort()).toEqual([...drained].sort());
    expect(states()).toBe('absent,active 1');
    await shop.start('red again', { color: 'red', topics });
    await until('active again', () => states() === 'active 2,active 1');
    drained.push(...(await shop.send(5, 'red')));
    await until('all is handled', () => shop.handled.length >= 25);
    await pause(300);
    expect(shop.faults([...drained, ...waiting])).toEqual([]);
    expect(shop.ids('red again')).toHaveLength(15);
  }, 60_000);

  test('a color may read a topic that no member of the baseline reads', async () => {
    await shop.start('baseline', { topics: [shop.topic] });
    const ids = await shop.send(3, 'red', { topic: more });
    const red = await shop.start('red', { color: 'red', topics: [shop.topic, more] });
    await until('active', () => red.coloring.mq.status().handovers.every(({ state }) => state === 'active'));
    ids.push(...(await shop.send(3, 'red', { topic: more })), ...(await shop.send(3, 'red')));
    await until('all is handled', () => shop.handled.length >= 9);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('red')).toHaveLength(9);
  }, 60_000);

  test('a color that comes back while it still leaves waits until all is drained', async () => {
    const base = await shop.start('baseline', { delayMs: 30 });
    const red = await shop.start('red', { color: 'red' });
    const epochs = new EpochCount();
    const state = (): string => epochs.of(base.coloring.mq.status().handovers[0]);
    await until('active', () => state() === 'active 1');
    await red.stop();
    const ids = await shop.send(40, 'red');
    const passed = (): number =>
      (base.coloring.mq.status().consumers[0]?.partitions ?? []).reduce(
        (sum, { position = 0 }) => sum + Number(position),
        0,
      );
    await until('the baseline has passed them over', () => passed() === 40);
    const leaving = leaveGroup(shop.coloring(), shop.client(), {
      group: shop.group,
      topics: [shop.topic],
      color: 'red',
      onLeave: 'drain',
    });
    await until('it leaves', () => /leaving|draining/.test(state()));
    const again = await shop.start('red again', { color: 'red' });
    expect(again.coloring.mq.status().consumers[0]?.phase).toBe('waiting-for-drain');
    await leaving;
    await until('active again', () => state() === 'active 2');
    ids.push(...(await shop.send(10, 'red')));
    await until('all is handled', () => shop.handled.length >= 50);
    await pause(300);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('red again')).toHaveLength(10);
  }, 60_000);

  test('a color joins at the end of the log where the group starts there, and keeps its start over a restart', async () => {
    await shop.send(5, 'red');
    const red = await shop.start('red', { color: 'red', fromBeginning: false });
    await until('active', () => red.coloring.mq.status().handovers[0]?.state === 'active');
    await red.stop();
    const ids = await shop.send(5, 'red');
    await shop.start('red again', { color: 'red', fromBeginning: false });
    await until('all is handled', () => shop.handled.length >= 5);
    await pause(300);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.handled).toHaveLength(5);
  }, 60_000);
});
