import { membershipKey, parseSubscription, subscriptionKey } from '@colorway/core';
import { coloredKafka, leaveGroup } from '@colorway/mq/kafka';
import { Environments, type LeaveProgress } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { EpochCount, pause, type Running, Shop, until } from './shop.js';

/** The end of a membership makes messages leave: nothing is lost, nothing is handled twice (law 5). */
describeWithServers(['kafka'], 'a service that is taken out of its environment', (servers) => {
  let shop: Shop;
  let epochs: EpochCount;
  beforeEach(() => {
    shop = new Shop(servers.kafka.brokers);
    epochs = new EpochCount();
  });
  afterEach(() => shop.close(), 60_000);

  const state = () => {
    const { state: found } = shop.directory;
    if (found === undefined) throw new Error('no state');
    return found;
  };
  const subscription = async (topic = shop.topic) => {
    const name = { service: 'stock', color: 'red', broker: 'kafka', group: shop.group, topic };
    const entry = await state().get(subscriptionKey(name));
    return entry && parseSubscription(entry);
  };
  const handover = ({ coloring }: Running, topic = shop.topic): string => {
    const found = coloring.mq.status().handovers.find((one) => one.topic === topic && one.color === 'red');
    return epochs.of(found);
  };
  const phase = ({ coloring }: Running) => coloring.mq.status().consumers[0]?.phase;
  const groups = async (): Promise<string[]> =>
    (await shop.admin((admin) => admin.listGroups())).groups.map(({ groupId }) => groupId);
  const redGroup = () => `GID_red_${shop.group.slice(4)}`;
  const passed = async ({ coloring }: Running, messages: number): Promise<void> =>
    until('it has passed them', () => {
      const { partitions = [] } = coloring.mq.status().consumers[0] ?? {};
      return partitions.reduce((sum, { position = 0 }) => sum + Number(position), 0) === messages;
    });

  test('is drained by its own consumer while that lives; the baseline takes what comes after', async () => {
    await shop.createTopic(2);
    const base = await shop.start('baseline');
    const red = await shop.start('red', { color: 'red', delayMs: 20 });
    await until('active', () => handover(base) === 'active 1');
    expect(await subscription()).toMatchObject({ state: 'joined' });
    expect(await state().get(membershipKey('stock', 'red'))).toBeDefined();
    const ids = await shop.send(40, 'red');
    await until('red handles', () => shop.ids('red').length > 0);
    const told: LeaveProgress[] = [];
    const ending = shop
      .coloring()
      .environments.withdraw('stock', 'red', { onProgress: (one) => told.push(one) });
    await until('it leaves', () => told.length > 0);
    expect(await state().get(membershipKey('stock', 'red'))).toBeUndefined();
    expect(await ending).toEqual({ withdrawn: true, discarded: 0 });
    expect(told[0]).toMatchObject({
      service: 'stock',
      group: shop.group,
      topic: shop.topic,
      state: 'leaving',
    });
    expect(told.at(-1)).toMatchObject({ state: 'left' });
    expect(await subscription()).toBeUndefined();
    expect(handover(base)).toBe('absent');
    expect(phase(red)).toBe('left');
    expect(await groups()).not.toContain(redGroup());
    ids.push(...(await shop.send(10, 'red')));
    await until('all is handled', () => shop.handled.length >= 50);
    await pause(300);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('baseline').length).toBeGreaterThanOrEqual(10);
  }, 60_000);

  test('is drained by the baseline where its own consumer is dead, and it is told what is left', async () => {
    await shop.createTopic(2);
    const base = await shop.start('baseline', { delayMs: 60 });
    const red = await shop.start('red', { color: 'red' });
    await until('active', () => handover(base) === 'active 1');
    await red.stop();
    const ids = await shop.send(40, 'red');
    await passed(base, 40);
    const told: LeaveProgress[] = [];
    const { environments } = shop.coloring();
    const ended = await environments.delete('red', { onProgress: (one) => told.push(one) });
    expect(ended).toEqual({ deleted: true, discarded: 0 });
    expect(Math.max(...told.map(({ remaining = 0 }) => remaining))).toBeGreaterThan(0);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('baseline')).toHaveLength(40);
  }, 60_000);

  test('that alone read a topic, and is dead, waits for a consumer, and is discarded by any process of the service', async () => {
    // Its process ends, and the directory stays.
    shop = new Shop(servers.kafka.brokers, { ...memoryDirectory(), close: async () => {} });
    await shop.createTopic(2);
    const red = await shop.start('red', { color: 'red' });
    await until('it has joined', async () => (await subscription())?.state === 'joined');
    await shop.send(2, 'red');
    await until('it reads', () => shop.handled.length === 2);
    await red.stop();
    await red.coloring.close();
    await shop.send(10, 'red');
    const { environments } = shop.coloring();
    const told: LeaveProgress[] = [];
    const stop = new AbortController();
    const draining = environments.delete('red', { onProgress: (one) => told.push(one), signal: stop.signal });
    draining.catch(() => {});
    await until('it is told', () => told.length > 0);
    expect(told[0]).toMatchObject({
      waitingFor: expect.stringContaining(`a consumer of ${shop.group}`),
      remedy: expect.stringMatching(
        /^Start a consumer of .* \(service stock\), or end with --on-leave discard/,
      ),
    });
    stop.abort(new Error('enough'));
    // A process that has a client of the broker, and consumes nothing of it.
    const other = shop.coloring();
    coloredKafka(other, shop.client());
    // What the color had not read is the baseline's from here on, which has not passed it: nothing is given up.
    expect(await other.environments.delete('red', { onLeave: 'discard' })).toEqual({
      deleted: false,
      discarded: 0,
    });
    expect(await groups()).not.toContain(redGroup());
    expect(shop.handled).toHaveLength(2);
  }, 60_000);

  test.each([false, true])(
    'gives its messages up, counted, if it is asked to (its consumer lives: %s)',
    async (lives) => {
      await shop.createTopic(2);
      const base = await shop.start('baseline');
      let release = (): void => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const red = await shop.start('red', {
        color: 'red',
        run: {
          eachMessage: async ({ partition, message }) => {
            shop.note('red', partition, message);
            await held;
          },
        },
      });
      await until('active', () => handover(base) === 'active 1');
      if (!lives) await red.stop();
      await shop.send(20, 'red', { partition: 0 });
      if (lives) await until('red has one in hand', () => shop.handled.length === 1);
      await passed(base, 20);
      const ending = shop.coloring().environments.withdraw('stock', 'red', { onLeave: 'discard' });
      await until('it leaves', async () => (await subscription())?.state === 'leaving');
      await until('red knows', () => handover(red).startsWith('leaving') || !lives);
      release();
      expect(await ending).toEqual({ withdrawn: true, discarded: lives ? 19 : 20 });
      await pause(300);
      expect(shop.handled).toHaveLength(lives ? 1 : 0);
      const after = await shop.send(4, 'red');
      await until('new ones are handled', () => shop.ids('baseline').length >= 4);
      expect(shop.faults(after)).toEqual([]);
    },
    60_000,
  );

  test('leaves when its environment expires, by itself', async () => {
    await shop.createTopic(1);
    const base = await shop.start('baseline');
    const red = await shop.start('red', { color: 'red' });
    await until('active', () => handover(base) === 'active 1');
    await red.stop();
    const ids = await shop.send(10, 'red');
    expect(await base.coloring.environments.endExpired(Date.now() + 1e12)).toEqual(['red']);
    await until('left', async () => (await subscription())?.state === 'left');
    // What the baseline had not reached when the color left is its own.
    await until('all is handled', () => shop.handled.length >= 10);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('baseline')).toHaveLength(10);
    expect(handover(base)).toBe('absent');
  }, 60_000);

  test('whose environment is made anew while the old one drains, waits for that, and joins in the next epoch', async () => {
    await shop.createTopic(1);
    const base = await shop.start('baseline', { delayMs: 50 });
    const red = await shop.start('red', { color: 'red' });
    await until('active', () => handover(base) === 'active 1');
    await red.stop();
    const ids = await shop.send(40, 'red');
    await passed(base, 40);
    await shop.coloring().environments.delete('red', { wait: false });
    const again = await shop.start('red again', { color: 'red' });
    expect(phase(again)).toBe('waiting-for-drain');
    ids.push(...(await shop.send(5, 'red')));
    await until('active again', () => handover(base) === 'active 2', 30_000);
    ids.push(...(await shop.send(5, 'red')));
    await until('all is handled', () => shop.handled.length >= 50);
    await pause(300);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('red again').length).toBeGreaterThanOrEqual(5);
    expect(await subscription()).toMatchObject({ state: 'joined' });
  }, 60_000);

  test('and is declared again, gets its messages again from the consumer that went on living', async () => {
    await shop.createTopic(2);
    const base = await shop.start('baseline');
    const red = await shop.start('red', { color: 'red' });
    await until('active', () => handover(base) === 'active 1');
    const { environments } = shop.coloring();
    await environments.delete('red');
    const ids = await shop.send(6, 'red');
    await until('the baseline has them', () => shop.ids('baseline').length === 6);
    expect(phase(red)).toBe('left');
    await environments.create('red', { owner: 'test', services: ['stock'] });
    await until('active again', () => handover(base) === 'active 2', 30_000);
    ids.push(...(await shop.send(6, 'red')));
    await until('all is handled', () => shop.handled.length >= 12);
    await pause(300);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('red')).toHaveLength(6);
    expect(phase(red)).toBe('running');
  }, 60_000);

  test('with nobody alive: the consumer of the color that comes back drains what it left, and joins anew', async () => {
    await shop.createTopic(2);
    const base = await shop.start('baseline');
    const red = await shop.start('red', { color: 'red' });
    await until('active', () => handover(base) === 'active 1');
    await Promise.all([red.stop(), base.stop()]);
    const ids = await shop.send(12, 'red');
    const { environments } = shop.coloring();
    await environments.withdraw('stock', 'red', { wait: false });
    expect(await subscription()).toMatchObject({
      state: 'leaving',
      waitingFor: expect.stringContaining(`a consumer of ${shop.group}`),
    });
    const again = await shop.start('red again', { color: 'red' });
    await until('active again', () => handover(again) === 'active 2', 30_000);
    ids.push(...(await shop.send(6, 'red')));
    await until('all is handled', () => shop.handled.length >= 18);
    await pause(300);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('red again')).toHaveLength(18);
  }, 60_000);

  test('while it joins: it notices, leaves what it had just joined, and joins anew', async () => {
    const directory = memoryDirectory();
    const { state: inner } = directory;
    const environments = new Environments(inner);
    let pending = true;
    /** The membership is declared, the broker's side is not begun, and nothing is there yet that could leave. */
    const intervene = async (key: string): Promise<void> => {
      if (!pending || !key.startsWith('mq/') || !key.endsWith('/red')) return;
      pending = false;
      expect(await environments.withdraw('stock', 'red')).toEqual({ withdrawn: true, discarded: 0 });
    };
    shop = new Shop(servers.kafka.brokers, {
      instances: directory.instances,
      close: () => directory.close(),
      state: {
        get: (key) => inner.get(key),
        list: (prefix) => inner.list(prefix),
        create: (key, value) => intervene(key).then(() => inner.create(key, value)),
        compareAndSet: (key, value, version) => inner.compareAndSet(key, value, version),
        compareAndDelete: (key, version) => inner.compareAndDelete(key, version),
        watch: (prefix, observer) => inner.watch(prefix, observer),
      },
    });
    await shop.createTopic(1);
    const base = await shop.start('baseline');
    const red = await shop.start('red', { color: 'red' });
    expect(pending).toBe(false);
    await until('active in the next epoch', () => handover(base) === 'active 2', 30_000);
    expect(await subscription()).toMatchObject({ state: 'joined' });
    expect(await state().get(membershipKey('stock', 'red'))).toBeDefined();
    expect(phase(red)).toBe('running');
  }, 60_000);

  test('by a tool that only removes the membership: its consumers notice', async () => {
    await shop.createTopic(1);
    const base = await shop.start('baseline');
    const red = await shop.start('red', { color: 'red' });
    await until('active', () => handover(base) === 'active 1');
    await red.stop();
    const ids = await shop.send(5, 'red');
    const member = await state().get(membershipKey('stock', 'red'));
    expect(await state().compareAndDelete(member?.key ?? '', member?.version ?? '')).toBe(true);
    await until('left', async () => (await subscription())?.state === 'left', 40_000);
    await until('all is handled', () => shop.handled.length >= 5);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('baseline')).toHaveLength(5);
  }, 60_000);

  test('one topic of two leaves while the consumer of both lives and goes on with the other', async () => {
    const more = `${shop.topic}-more`;
    await shop.createTopic(2);
    await shop.createTopic(2, more);
    const topics = [shop.topic, more];
    const base = await shop.start('baseline', { topics });
    const red = await shop.start('red', { color: 'red', topics });
    await until('active', () => topics.every((topic) => handover(base, topic) === 'active 1'));
    const ids = await shop.send(10, 'red');
    await until('red handles', () => shop.ids('red').length === 10);
    const leave = (topic: string) =>
      leaveGroup(shop.coloring(), shop.client(), {
        group: shop.group,
        topics: [topic],
        color: 'red',
        onLeave: 'drain',
      });
    await leave(shop.topic);
    expect([handover(base), handover(base, more)]).toEqual(['absent', 'active 1']);
    expect(await subscription()).toMatchObject({ state: 'left', detached: true });
    expect(phase(red)).toBe('running');
    ids.push(...(await shop.send(5, 'red')), ...(await shop.send(7, 'red', { topic: more })));
    await until('all is handled', () => shop.handled.length >= 22);
    expect(shop.ids('baseline')).toHaveLength(5);
    await leave(more);
    expect(handover(base, more)).toBe('absent');
    expect(await groups()).not.toContain(redGroup());
    await pause(1_000);
    expect(phase(red)).toBe('left');
    ids.push(...(await shop.send(3, 'red', { topic: more })));
    await until('all is handled', () => shop.handled.length >= 25);
    expect(shop.faults(ids)).toEqual([]);
  }, 60_000);
});
