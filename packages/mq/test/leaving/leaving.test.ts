import {
  formatSubscription,
  membershipKey,
  parseSubscription,
  type StateStore,
  type Subscription,
  subscriptionKey,
} from '@colorway/core';
import { type ColoringService, createColoring, Environments } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { detachSubscriptions, endSubscriptions } from '../../src/leaving/change-subscription.js';
import type { LeaveWork } from '../../src/leaving/leave-server.js';
import { Leaving } from '../../src/leaving/leaving.js';
import { leavingOf } from '../../src/leaving/leaving-of.js';

const ORDERS = { broker: 'amqp', group: 'orders' };
const MORE = { broker: 'amqp', group: 'more' };

describe('the subscriptions of a service, as its consumers serve them', () => {
  const closes: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closes.splice(0).reverse()) await close();
  });

  function setUp(color = 'red') {
    const directory = memoryDirectory();
    const coloring = createColoring({ service: 'stock', color, directory, closing: { noticeMs: 0 } });
    closes.push(() => coloring.close());
    const { state } = directory;
    return { state, coloring, environments: new Environments(state), leaving: new Leaving(coloring, state) };
  }

  const read = async (
    state: StateStore,
    target = ORDERS,
    color = 'red',
  ): Promise<Subscription | undefined> => {
    const entry = await state.get(subscriptionKey({ service: 'stock', color, ...target }));
    return entry && parseSubscription(entry);
  };
  const isMember = async (state: StateStore) =>
    (await state.get(membershipKey('stock', 'red'))) !== undefined;

  function serve(leaving: Leaving, leave: (work: LeaveWork) => Promise<void>, target = ORDERS): () => void {
    const stop = leaving.serve({ ...target, leave });
    closes.push(stop);
    return stop;
  }

  test('join records them and declares the membership; the baseline has nothing to record', async () => {
    const { state, leaving, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    expect(await leaving.join([ORDERS, MORE])).toBe('joined');
    expect(await read(state)).toMatchObject({ state: 'joined' });
    expect(await read(state, MORE)).toMatchObject({ state: 'joined' });
    expect(await isMember(state)).toBe(true);
    expect(await leaving.confirm([ORDERS, MORE])).toBe(true);
    const base = setUp('');
    expect(await base.leaving.join([ORDERS])).toBe('joined');
    expect(await base.leaving.confirm([ORDERS])).toBe(true);
    expect(await base.state.list('')).toEqual([]);
  });

  test('join leaves nothing behind where the environment does not exist', async () => {
    const { state, leaving } = setUp();
    await expect(leaving.join([ORDERS, MORE])).rejects.toMatchObject({
      code: 'COLORWAY_ENVIRONMENT_UNKNOWN',
    });
    expect(await state.list('')).toEqual([]);
  });

  test('join writes nothing while one of them leaves, and begins anew when it has left', async () => {
    const { state, leaving, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    await leaving.join([MORE]);
    await environments.withdraw('stock', 'red', { wait: false });
    const before = await state.list('');
    expect(await leaving.join([ORDERS, MORE])).toBe('leaving');
    expect(await state.list('')).toEqual(before);
    serve(leaving, async () => {}, MORE);
    await until(async () => (await read(state, MORE))?.state === 'left');
    expect(await leaving.join([ORDERS, MORE])).toBe('joined');
    expect((await read(state, MORE))?.state).toBe('joined');
  });

  test('a consumer joins and its service is withdrawn, in any order of steps: membership, record and broker agree', async () => {
    let happened = true;
    for (let at = 0; happened; at++) {
      const { state, coloring, environments } = setUp();
      await environments.create('red', { owner: 'ann' });
      let atBroker = false;
      let calls = 0;
      const step = async (): Promise<void> => {
        if (calls++ === at) await environments.withdraw('stock', 'red', { wait: false });
        // Whoever else consumes serves in between.
        await new Promise(setImmediate);
      };
      const leaving = new Leaving(coloring, stepping(state, step));
      const others = new Leaving(coloring, state);
      serve(others, async () => {
        atBroker = false;
      });
      for (let tries = 0; ; tries++) {
        if ((await leaving.join([ORDERS])) === 'joined') {
          await step();
          atBroker = true;
          await step();
          if (await leaving.confirm([ORDERS])) break;
        }
        await until(async () => (await read(state))?.state !== 'leaving');
        expect(tries).toBeLessThan(5);
      }
      happened = calls > at;
      await until(async () => (await read(state))?.state !== 'leaving');
      const outcome = {
        member: await isMember(state),
        joined: (await read(state))?.state === 'joined',
        atBroker,
      };
      expect([at, outcome]).toEqual([at, { member: true, joined: true, atBroker: true }]);
      expect(at).toBeLessThan(50);
    }
  });

  test('a record whose membership was removed by something else leaves after a while, and no sooner', async () => {
    const { state, leaving, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    await leaving.join([ORDERS]);
    let left = 0;
    serve(leaving, async () => {
      left = performance.now();
    });
    const member = await state.get(membershipKey('stock', 'red'));
    const since = performance.now();
    await state.compareAndDelete(member?.key ?? '', member?.version ?? '');
    await until(async () => (await read(state))?.state === 'left', 20_000);
    // A join under way is such a record too.
    expect(left - since).toBeGreaterThan(4_900);
  }, 30_000);

  test('a record joined while the directory does not answer is not taken for left over', async () => {
    const { state, leaving, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    const name = { service: 'stock', color: 'red', ...ORDERS };
    await state.create(subscriptionKey(name), formatSubscription({ ...name, state: 'joined', at: 1 }));
    serve(leaving, async () => {});
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await environments.declare('stock', 'red');
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect((await read(state))?.state).toBe('joined');
  }, 20_000);

  test('a watch that does not show a membership yet is not believed without a look', async () => {
    const { state, coloring, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    const blind: StateStore = {
      ...stepping(state, async () => {}),
      watch: (prefix, observer) =>
        state.watch(prefix, {
          next: (change) =>
            observer.next(
              prefix.startsWith('CE_') && change.kind === 'snapshot' ? { ...change, entries: [] } : change,
            ),
          current: () => {},
          error: () => {},
        }),
    };
    const leaving = new Leaving(coloring, blind);
    await leaving.join([ORDERS]);
    serve(leaving, async () => {});
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    expect((await read(state))?.state).toBe('joined');
  }, 20_000);

  test('one that leaves is served once at a time; what fails is tried by another server, and again', async () => {
    const { state, leaving, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    await leaving.join([ORDERS]);
    const tries: string[] = [];
    let running = 0;
    let most = 0;
    const attempt = (by: string) => async () => {
      tries.push(by);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running--;
      if (tries.length < 4) throw new Error('the broker is away');
    };
    serve(leaving, attempt('a'));
    serve(leaving, attempt('b'));
    await environments.withdraw('stock', 'red', { wait: false });
    await until(async () => (await read(state))?.state === 'left', 20_000);
    expect(tries).toHaveLength(4);
    expect(new Set(tries)).toEqual(new Set(['a', 'b']));
    expect(most).toBe(1);
  }, 30_000);

  test('tells what is left to do at most once a second, and what is given up before it is', async () => {
    const { state, leaving, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    await leaving.join([ORDERS]);
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let writes = 0;
    const watch = state.watch('sub/', { next: () => writes++, current() {}, error() {} });
    closes.push(() => watch.close());
    serve(leaving, async (work) => {
      expect(work).toMatchObject({ color: 'red', onLeave: 'discard' });
      for (let remaining = 500; remaining > 0; remaining--) {
        work.progress({ remaining, waitingFor: 'somebody' });
        await new Promise(setImmediate);
      }
      await work.discarding(0, 7);
      await work.discarding(0, 9);
      await work.discarding('1@5', 2);
      expect(await read(state)).toMatchObject({ state: 'leaving', discarded: { 0: 9, '1@5': 2 } });
      await finished;
    });
    const ending = environments.withdraw('stock', 'red', { onLeave: 'discard' });
    await until(async () => (await read(state))?.remaining === 1, 20_000);
    expect(await read(state)).toMatchObject({ waitingFor: 'somebody' });
    expect(writes).toBeLessThan(12);
    finish();
    expect(await ending).toEqual({ withdrawn: true, discarded: 11 });
    expect(await read(state)).toBeUndefined();
  }, 30_000);

  test('work ends when its consumer goes, and another one takes it up', async () => {
    const { state, leaving, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    await leaving.join([ORDERS]);
    let stopped = false;
    const stop = serve(
      leaving,
      (work) =>
        new Promise((_, reject) => {
          work.signal.addEventListener('abort', () => {
            stopped = true;
            reject(new Error('stopped'));
          });
        }),
    );
    await environments.withdraw('stock', 'red', { wait: false });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await read(state))?.state).toBe('leaving');
    stop();
    expect(stopped).toBe(true);
    serve(leaving, async () => {});
    await until(async () => (await read(state))?.state === 'left');
  });

  test('one taken out by its name is leaving and detached, for every service that has it, and ends with the count', async () => {
    const { state, coloring, leaving, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    await leaving.join([ORDERS, MORE]);
    const keys = await detachSubscriptions(state, ORDERS, 'red', 'discard');
    expect(keys).toHaveLength(1);
    expect(await read(state)).toMatchObject({ state: 'leaving', detached: true, onLeave: 'discard' });
    expect((await read(state, MORE))?.state).toBe('joined');
    expect(await leaving.isDetached([ORDERS], 'red')).toBe(true);
    expect(await leaving.isDetached([MORE], 'red')).toBe(false);
    expect(await endSubscriptions(state, keys, { 0: 4 })).toEqual({ 0: 4 });
    expect(await read(state)).toMatchObject({ state: 'left', detached: true, discarded: { 0: 4 } });
    expect(await leaving.join([ORDERS])).toBe('joined');
    expect(await leaving.isDetached([ORDERS], 'red')).toBe(false);
    expect(leavingOf(coloring)).toBe(leavingOf(coloring as ColoringService));
  });
});

/** The state store with something done before each call. */
function stepping(state: StateStore, step: () => Promise<void>): StateStore {
  return {
    get: (key) => step().then(() => state.get(key)),
    list: (prefix) => step().then(() => state.list(prefix)),
    create: (key, value) => step().then(() => state.create(key, value)),
    compareAndSet: (key, value, version) => step().then(() => state.compareAndSet(key, value, version)),
    compareAndDelete: (key, version) => step().then(() => state.compareAndDelete(key, version)),
    watch: (prefix, observer) => state.watch(prefix, observer),
  };
}

async function until(check: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('It was waited in vain.');
}
