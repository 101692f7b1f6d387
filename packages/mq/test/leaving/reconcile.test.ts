import {
  formatSubscription,
  leavingSubscription,
  membershipKey,
  parseSubscription,
  type StateStore,
  type Subscription,
  type SubscriptionTarget,
  subscriptionKey,
} from '@colorway/core';
import { runningTasks } from '@colorway/core/background';
import { createColoring, Environments } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { ELSEWHERE } from '../../src/leaving/leave-elsewhere.js';
import type { LeaveWork } from '../../src/leaving/leave-server.js';
import { leavingOf } from '../../src/leaving/leaving-of.js';

const ORDERS = { broker: 'kafka', group: 'GID_order', topic: 'orders' };
const ITEMS = { broker: 'kafka', group: 'GID_order', topic: 'items' };

describe('background work of what leaves', () => {
  const closes: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closes.splice(0).reverse()) await close();
    expect(runningTasks()).toEqual([]);
  });

  function setUp({ service = 'order', color = '', state = memoryDirectory().state } = {}) {
    const lines: string[] = [];
    const line = (message: string): void => void lines.push(message);
    const coloring = createColoring({
      ...{ service, color, closing: { noticeMs: 0 } },
      logger: { debug: line, info: line, warn: line, error: line },
      directory: { ...memoryDirectory(), state },
    });
    closes.push(() => coloring.close());
    const leaving = leavingOf(coloring, state);
    const serve = (
      leave: (work: LeaveWork) => Promise<void>,
      target: SubscriptionTarget = ORDERS,
    ): (() => Promise<void>) => leaving.serve({ ...target, leave });
    return { state, coloring, leaving, lines, serve, environments: new Environments(state) };
  }

  async function leave(
    state: StateStore,
    { onLeave = 'drain', service = 'order', ...target }: Partial<Subscription> = {},
  ): Promise<string> {
    const name = { service, color: 'red', ...ORDERS, ...target };
    const value = formatSubscription(
      leavingSubscription({ ...name, state: 'joined', at: 1 }, onLeave, Date.now()),
    );
    await state.create(subscriptionKey(name), value);
    return subscriptionKey(name);
  }

  const read = async (state: StateStore, key: string): Promise<Subscription | undefined> => {
    const entry = await state.get(key);
    return entry && parseSubscription(entry);
  };
  const hasLeft = (state: StateStore, key: string) =>
    until(async () => (await read(state, key))?.state === 'left');

  describe('at a broker that nobody here is connected to', () => {
    const before = { ...ELSEWHERE };
    afterEach(() => Object.assign(ELSEWHERE, before));
    const QUEUE = { broker: 'amqp', group: 'orders' };
    const waits = (state: StateStore, key: string) =>
      until(async () => (await read(state, key))?.waitingFor?.includes('at broker rabbit@old/') === true);

    test('a drain says so and stands, also at its old name; a discard ends it, where the queue is', async () => {
      Object.assign(ELSEWHERE, { discardMs: 300 });
      const { state, leaving, lines, environments } = setUp();
      const served: string[] = [];
      const serve = async ({ onLeave, subscription }: LeaveWork) =>
        void served.push(`${onLeave} ${subscription.cluster}`);
      leaving.serve({ ...QUEUE, cluster: 'rabbit@new/', mayBeRenamed: true, leave: serve });
      const key = await leave(state, { ...QUEUE, topic: undefined, cluster: 'rabbit@old/' } as never);
      await waits(state, key);
      expect((await read(state, key))?.remedy).toContain('--on-leave discard');
      await sleep(1_000);
      expect([served, (await read(state, key))?.state]).toEqual([[], 'leaving']);
      await environments.withdraw('order', 'red', { onLeave: 'discard' });
      expect(served).toEqual(['discard rabbit@old/']);
      expect(lines.filter((line) => line.startsWith('COLORWAY_LEAVE_ELSEWHERE'))).toHaveLength(1);
    }, 30_000);

    test.each([
      ['a cluster with an identity', { mayBeRenamed: false, own: false }],
      ['a color that has a record of its own here', { mayBeRenamed: true, own: true }],
    ])(
      '%s: it is recorded as left, and nothing is thrown away here',
      async (_, { mayBeRenamed, own }) => {
        Object.assign(ELSEWHERE, { discardMs: 300 });
        const { state, leaving } = setUp();
        let served = 0;
        const serve = async () => void served++;
        leaving.serve({ ...QUEUE, cluster: 'rabbit@new/', mayBeRenamed, leave: serve });
        await state.create(membershipKey('order', 'red'), '1');
        if (own) {
          const name = { service: 'order', color: 'red', ...QUEUE, cluster: 'rabbit@new/', apart: true };
          await state.create(subscriptionKey(name), formatSubscription({ ...name, state: 'joined', at: 1 }));
        }
        const key = await leave(state, {
          ...QUEUE,
          topic: undefined,
          onLeave: 'discard',
          cluster: 'rabbit@old/',
        } as never);
        await hasLeft(state, key);
        expect(served).toBe(0);
      },
      30_000,
    );

    test('a drain of which nobody was heard for 7 days ends by itself', async () => {
      Object.assign(ELSEWHERE, { discardMs: 300 });
      const { state, leaving } = setUp();
      let served = 0;
      leaving.serve({
        ...QUEUE,
        cluster: 'rabbit@new/',
        mayBeRenamed: true,
        leave: async () => void served++,
      });
      const name = { service: 'order', color: 'red', ...QUEUE, cluster: 'rabbit@old/' };
      const old = leavingSubscription(
        { ...name, state: 'joined', at: 1 },
        'drain',
        Date.now() - 8 * 24 * 3_600_000,
      );
      await state.create(subscriptionKey(name), formatSubscription(old));
      await hasLeft(state, subscriptionKey(name));
      expect(served).toBe(1);
    }, 30_000);
  });

  test('at rest asks the directory for nothing', async () => {
    let calls = 0;
    const { state } = memoryDirectory();
    const { serve, coloring } = setUp({ state: counting(state, () => calls++), color: '' });
    for (const topic of ['a', 'b', 'c']) serve(async () => {}, { ...ORDERS, topic });
    await until(async () => coloring.view().answered);
    await sleep(100);
    calls = 0;
    await sleep(5_000);
    expect(calls).toBe(0);
  }, 20_000);

  test('a server that hangs stalls its own key, and ends with it', async () => {
    const { state, serve, coloring } = setUp();
    let aborted = false;
    serve(
      ({ signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            aborted = true;
          });
        }),
    );
    serve(async () => {}, ITEMS);
    const hanging = await leave(state);
    const other = await leave(state, ITEMS);
    await hasLeft(state, other);
    expect((await read(state, hanging))?.state).toBe('leaving');
    expect(coloring.mq.status().work).toMatchObject([
      { broker: 'kafka', name: 'leaving of red, GID_order of orders', key: hanging, state: 'running' },
    ]);
    // That it has a consumer is said, though that one says nothing.
    await until(async () => (await read(state, hanging))?.servedAt !== undefined);
    expect((await read(state, hanging))?.waitingFor).toBe('the consumers of GID_order, which have begun');
    const began = performance.now();
    await coloring.close();
    expect(aborted).toBe(true);
    expect(performance.now() - began).toBeLessThan(6_000);
    expect(runningTasks()).toEqual([]);
  }, 30_000);

  test('a server that fails backs off, says so once, and stands in the status and in what is waited for', async () => {
    const { state, serve, coloring, lines } = setUp();
    let tries = 0;
    serve(async () => {
      tries++;
      if (tries < 4)
        throw Object.assign(new Error('Not authorized to access group'), {
          type: 'GROUP_AUTHORIZATION_FAILED',
        });
    });
    const key = await leave(state);
    await until(async () => (await read(state, key))?.waitingFor?.includes('Not authorized') === true);
    expect(await read(state, key)).toMatchObject({
      waitingFor: 'the next try, since the last one failed: Not authorized to access group',
      remedy: expect.stringMatching(
        /^Give the broker's user the right that it lacks, or end with --on-leave discard/,
      ),
    });
    expect(coloring.mq.status().work).toMatchObject([
      { state: 'failing', lastError: 'Not authorized to access group', remedy: expect.any(String) },
    ]);
    await sleep(100);
    expect(tries).toBeLessThanOrEqual(2);
    await hasLeft(state, key);
    await until(async () => lines.length === 2);
    expect(lines).toEqual([
      expect.stringContaining(
        'COLORWAY_RECONCILE_FAILED: leaving of sub/order/red/kafka~GID_order~orders fails',
      ),
      expect.stringContaining('works again'),
    ]);
  }, 30_000);

  test('a drain that cannot end becomes a discard, by a new call of the server', async () => {
    const { state, serve, environments } = setUp();
    const calls: string[] = [];
    serve((work) => {
      calls.push(work.onLeave);
      if (work.onLeave === 'discard') return work.discarding(0, 3);
      return new Promise((_, reject) =>
        work.signal.addEventListener('abort', () => reject(new Error('stopped'))),
      );
    });
    await environments.create('red', { owner: 'ann', services: ['order'] });
    await leave(state);
    await until(async () => calls.length === 1);
    expect(await environments.delete('red', { onLeave: 'discard' })).toEqual({ deleted: true, discarded: 3 });
    expect(calls).toEqual(['drain', 'discard']);
  });

  test('a group is served by whoever lives in it, of whatever service; no group of another broker', async () => {
    const { state, leaving } = setUp({ service: 'billing' });
    const served: string[] = [];
    leaving.serve({
      ...ORDERS,
      cluster: 'north',
      leave: async ({ subscription, isLeaving }) => {
        expect(subscription.service).toBe('order');
        served.push(subscription.cluster ?? 'unknown');
        void isLeaving;
      },
    });
    const mine = await leave(state);
    const foreign = subscriptionKey({ service: 'stock', color: 'red', ...ORDERS });
    const elsewhere = { service: 'stock', color: 'red', ...ORDERS, cluster: 'south' };
    await state.create(
      foreign,
      formatSubscription(leavingSubscription({ ...elsewhere, state: 'joined', at: 1 }, 'drain', Date.now())),
    );
    const otherGroup = await leave(state, ITEMS);
    await hasLeft(state, mine);
    await sleep(200);
    expect(served).toEqual(['unknown']);
    expect((await read(state, foreign))?.state).toBe('leaving');
    expect((await read(state, otherGroup))?.state).toBe('leaving');
  });

  test('who has a client of the broker ends discards of its own service, without a consumer', async () => {
    const { state, leaving } = setUp();
    const served: string[] = [];
    const stop = leaving.serveDiscards({
      broker: 'kafka',
      leave: async (work) => {
        expect(await work.isLeaving()).toBe(true);
        served.push(`${work.subscription.service} ${work.onLeave}`);
      },
    });
    const drained = await leave(state, ITEMS);
    const discarded = await leave(state, { onLeave: 'discard' });
    const others = await leave(state, { onLeave: 'discard', service: 'stock' });
    await hasLeft(state, discarded);
    expect(served).toEqual(['order discard']);
    expect((await read(state, drained))?.state).toBe('leaving');
    expect((await read(state, others))?.state).toBe('leaving');
    await stop();
    expect(runningTasks()).toEqual([]);
  });

  test('of 20 processes without a consumer few begin a discard, and none while a consumer works on it', async () => {
    const { state } = memoryDirectory();
    let begun = 0;
    for (let process = 0; process < 20; process++) {
      setUp({ state }).leaving.serveDiscards({
        broker: 'kafka',
        leave: ({ signal }) => {
          begun++;
          return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
        },
      });
    }
    const served = { ...ITEMS, service: 'order', color: 'red' };
    const value = leavingSubscription({ ...served, state: 'joined', at: 1 }, 'discard', Date.now());
    await state.create(subscriptionKey(served), formatSubscription({ ...value, servedAt: Date.now() }));
    await sleep(4_000);
    expect(begun).toBe(0);
    await leave(state, { onLeave: 'discard' });
    await sleep(4_000);
    expect(begun).toBeGreaterThan(0);
    expect(begun).toBeLessThan(16);
  }, 30_000);

  test('what is given up is recorded with every service that shares the group', async () => {
    const { state, leaving, serve } = setUp();
    serve(() => new Promise(() => {}), ITEMS);
    const own = await leave(state);
    const other = await leave(state, { service: 'stock' });
    await until(async () => leaving.subscriptions(ORDERS).length === 2);
    await leaving.discarding(ORDERS, 'red', '0', 5);
    for (const key of [own, other]) expect((await read(state, key))?.discarded).toEqual({ 0: 5 });
  }, 20_000);

  test('one that is ended waits for its work, and nothing begins after the coloring is closed', async () => {
    const { state, serve, coloring } = setUp({ color: 'blue' });
    let running = 0;
    const stop = serve(
      ({ signal }) =>
        new Promise((resolve) => {
          running++;
          signal.addEventListener('abort', () =>
            setTimeout(() => {
              running--;
              resolve();
            }, 50),
          );
        }),
    );
    await leave(state);
    await until(async () => running === 1);
    await stop();
    expect(running).toBe(0);
    expect(await state.list('pulse/')).toEqual([]);
    await coloring.close();
    expect(() => serve(async () => {})).toThrow(expect.objectContaining({ code: 'COLORWAY_CLOSED' }));
  });

  test('a listener that throws keeps no other from being called, and is reported once', async () => {
    const { state, leaving, lines } = setUp();
    let calls = 0;
    const stops = [
      leaving.onChange(() => {
        throw new Error('of the application');
      }),
      leaving.onChange(() => void calls++),
    ];
    await leave(state);
    await leave(state, ITEMS);
    await until(async () => calls >= 2);
    // What concerns no group of ours is no news.
    const before = calls;
    await leave(state, { service: 'stock' });
    await sleep(50);
    expect(calls).toBe(before);
    for (const stop of stops) stop();
    expect(lines.filter((text) => text.includes('COLORWAY_CALLBACK_FAILED'))).toHaveLength(1);
  });
});

function counting(state: StateStore, call: () => void): StateStore {
  const counted = <A extends unknown[], T>(method: (...args: A) => Promise<T>) => {
    return (...args: A): Promise<T> => {
      call();
      return method(...args);
    };
  };
  return {
    get: counted(state.get.bind(state)),
    list: counted(state.list.bind(state)),
    create: counted(state.create.bind(state)),
    compareAndSet: counted(state.compareAndSet.bind(state)),
    compareAndDelete: counted(state.compareAndDelete.bind(state)),
    watch: (prefix, observer) => state.watch(prefix, observer),
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(check: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
    if (await check()) return;
    await sleep(5);
  }
  throw new Error('It was waited in vain.');
}
