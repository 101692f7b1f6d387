import {
  ColorwayError,
  formatSubscription,
  membershipKey,
  parseSubscription,
  type StateStore,
  type Subscription,
  subscriptionKey,
} from '@colorway/core';
import { Reporter } from '@colorway/core/background';
import { Environments, type LeaveProgress } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';

const ORDERS = { broker: 'kafka', group: 'GID_stock', topic: 'orders' };

function setUp() {
  const { state } = memoryDirectory();
  const clock = { now: 1_000_000 };
  return { state, clock, environments: new Environments(state, { now: () => clock.now }) };
}

/** What a colored consumer does when it starts: the record first, the membership second, then a second look. */
async function join(
  state: StateStore,
  color: string,
  service = 'stock',
): Promise<'joined' | 'refused' | 'leaving'> {
  const wanted: Subscription = { ...ORDERS, service, color, state: 'joined', at: 1 };
  const { created, entry } = await state.create(subscriptionKey(wanted), formatSubscription(wanted));
  try {
    await new Environments(state).declare(service, color);
  } catch {
    if (created) await state.compareAndDelete(entry.key, entry.version);
    return 'refused';
  }
  return (await subscription(state, color, service))?.state === 'joined' ? 'joined' : 'leaving';
}

/** What the last consumer of a color writes when nothing of it is left at the broker. */
async function leave(state: StateStore, color: string, discarded?: Record<string, number>): Promise<void> {
  const entry = await state.get(subscriptionKey({ ...ORDERS, service: 'stock', color }));
  const read = entry && parseSubscription(entry);
  if (entry === undefined || read === undefined) throw new Error('nothing leaves');
  const left = formatSubscription({ ...read, state: 'left', ...(discarded && { discarded }) });
  expect(await state.compareAndSet(entry.key, left, entry.version)).toBeDefined();
}

async function subscription(state: StateStore, color: string, service = 'stock') {
  const entry = await state.get(subscriptionKey({ ...ORDERS, service, color }));
  return entry && parseSubscription(entry);
}

async function isMember(state: StateStore, color: string): Promise<boolean> {
  return (await state.get(membershipKey('stock', color))) !== undefined;
}

/** The state store with something done before call number `at`, watches left out. */
function before(state: StateStore, at: number, act: () => Promise<unknown>) {
  let calls = 0;
  const counted = async <T>(call: () => Promise<T>): Promise<T> => {
    if (calls++ === at) await act();
    return call();
  };
  const wrapped: StateStore = {
    get: (key) => counted(() => state.get(key)),
    list: (prefix) => counted(() => state.list(prefix)),
    create: (key, value) => counted(() => state.create(key, value)),
    compareAndSet: (key, value, version) => counted(() => state.compareAndSet(key, value, version)),
    compareAndDelete: (key, version) => counted(() => state.compareAndDelete(key, version)),
    watch: (prefix, observer) => state.watch(prefix, observer),
  };
  return { wrapped, happened: () => calls > at };
}

const ENDS = {
  withdraw: (environments: Environments) =>
    environments.withdraw('stock', 'red', { onLeave: 'discard', wait: false }),
  delete: (environments: Environments) => environments.delete('red', { onLeave: 'discard', wait: false }),
  endExpired: (environments: Environments) => environments.endExpired(1e12),
} as const;
const WAYS = Object.keys(ENDS) as (keyof typeof ENDS)[];

describe('what a service consumes in a color', () => {
  it('leaves when the service is withdrawn, which waits and counts', async () => {
    const { state, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    expect(await join(state, 'red')).toBe('joined');
    const told: LeaveProgress[] = [];
    const ending = environments.withdraw('stock', 'red', {
      onLeave: 'discard',
      onProgress: (one) => told.push(one),
    });
    while (told.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await isMember(state, 'red')).toBe(false);
    expect(await subscription(state, 'red')).toMatchObject({ state: 'leaving', onLeave: 'discard' });
    await leave(state, 'red', { 0: 3, 2: 4 });
    expect(await ending).toEqual({ withdrawn: true, discarded: 7 });
    const common = { service: 'stock', color: 'red', ...ORDERS, remaining: undefined };
    const remedy =
      'Start a consumer of GID_stock (service stock); to discard it needs no handler that works.';
    expect(told).toEqual([
      { ...common, state: 'leaving', waitingFor: 'a consumer of GID_stock', since: 1_000_000, remedy },
      { ...common, state: 'left', waitingFor: undefined, since: undefined, remedy: undefined },
    ]);
    expect(await subscription(state, 'red')).toBeUndefined();
    expect((await environments.get('red'))?.color).toBe('red');
  });

  it('of other services and colors stays', async () => {
    const { state, environments } = setUp();
    for (const color of ['red', 'blue']) await environments.create(color, { owner: 'ann' });
    await join(state, 'red');
    await join(state, 'blue');
    await join(state, 'red', 'price');
    await environments.withdraw('stock', 'red', { wait: false });
    expect((await subscription(state, 'red'))?.onLeave).toBe('drain');
    expect((await subscription(state, 'blue'))?.state).toBe('joined');
    expect((await subscription(state, 'red', 'price'))?.state).toBe('joined');
    await environments.delete('red', { wait: false });
    expect((await subscription(state, 'red', 'price'))?.state).toBe('leaving');
    expect((await subscription(state, 'blue'))?.state).toBe('joined');
  });

  it('drains when the environment expires, and nobody waits for that', async () => {
    const { state, environments, clock } = setUp();
    await environments.create('red', { owner: 'ann', ttlMs: 1_000 });
    await join(state, 'red');
    clock.now += 1_000;
    expect(await environments.endExpired()).toEqual(['red']);
    expect(await subscription(state, 'red')).toMatchObject({ state: 'leaving', onLeave: 'drain' });
  });

  it('is forgotten ten minutes after it has left', async () => {
    const { state, environments, clock } = setUp();
    const record: Subscription = { ...ORDERS, service: 'stock', color: 'red', state: 'left', at: clock.now };
    await state.create(subscriptionKey(record), formatSubscription(record));
    clock.now += 599_999;
    await environments.endExpired();
    expect(await subscription(state, 'red')).toBeDefined();
    clock.now += 1;
    await environments.endExpired();
    expect(await subscription(state, 'red')).toBeUndefined();
  });

  it('goes on leaving when the one who waits is told to stop', async () => {
    const { state, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    await join(state, 'red');
    const stop = new AbortController();
    const ending = environments.delete('red', { signal: stop.signal });
    const outcome = expect(ending).rejects.toThrow('enough');
    while ((await subscription(state, 'red'))?.state !== 'leaving') await new Promise(setImmediate);
    stop.abort(new Error('enough'));
    await outcome;
    expect(await environments.get('red')).toBeUndefined();
    const again = environments.delete('red');
    await leave(state, 'red', { 0: 2 });
    expect(await again).toEqual({ deleted: false, discarded: 2 });
  });

  it('leaves once for two who delete at once, and both are told', async () => {
    const { state, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    await join(state, 'red');
    const looks = [0, 0];
    const deleter = (which: number) => {
      const watched: StateStore = {
        ...before(state, -1, async () => {}).wrapped,
        list: async (prefix) => {
          const entries = await state.list(prefix);
          if (entries.some(({ value }) => value.includes('"discarded"'))) looks[which] = 1;
          return entries;
        },
      };
      return new Environments(watched);
    };
    const waits = [0, 0];
    const waiting = (which: number) => () => {
      waits[which] = 1;
    };
    const both = [
      deleter(0).delete('red', { onLeave: 'discard', onProgress: waiting(0) }),
      deleter(1).delete('red', { onProgress: waiting(1) }),
    ];
    while (waits.includes(0)) await new Promise(setImmediate);
    const entry = await state.get(subscriptionKey({ ...ORDERS, service: 'stock', color: 'red' }));
    const read = entry && parseSubscription(entry);
    // Counted before it is given up, as consumers do.
    const counted = formatSubscription({ ...(read as Subscription), discarded: { 0: 5 } });
    await state.compareAndSet(entry?.key ?? '', counted, entry?.version ?? '');
    while (looks.includes(0)) await new Promise((resolve) => setTimeout(resolve, 5));
    await leave(state, 'red');
    const ended = await Promise.all(both);
    expect(ended.map(({ deleted }) => deleted).sort()).toEqual([false, true]);
    expect(ended.map(({ discarded }) => discarded)).toEqual([5, 5]);
    expect(await state.list('')).toEqual([]);
  });

  it.each(['delete', 'withdraw'] as const)(
    'that is being drained is discarded when %s says so later, and is never drained again',
    async (way) => {
      const { state, environments } = setUp();
      await environments.create('red', { owner: 'ann' });
      await join(state, 'red');
      await environments.delete('red', { wait: false });
      expect(await subscription(state, 'red')).toMatchObject({ state: 'leaving', onLeave: 'drain' });
      expect(await environments.leaving('red')).toMatchObject([
        {
          service: 'stock',
          waitingFor: 'a consumer of GID_stock',
          remedy: expect.stringContaining('discard'),
        },
      ]);
      // The environment's key is gone; what leaves is found all the same.
      expect(await environments.get('red')).toBeUndefined();
      await ENDS[way](environments);
      expect(await subscription(state, 'red')).toMatchObject({ state: 'leaving', onLeave: 'discard' });
      await environments.delete('red', { wait: false });
      await environments.withdraw('stock', 'red', { wait: false });
      expect(await subscription(state, 'red')).toMatchObject({ state: 'leaving', onLeave: 'discard' });
    },
  );

  it('is discarded by who says so, whatever step the end with drain of its environment has come to', async () => {
    for (let at = 0; ; at++) {
      const { state, environments } = setUp();
      await environments.create('red', { owner: 'ann', services: ['stock'] });
      await join(state, 'red');
      const { wrapped, happened } = before(state, at, () =>
        environments.delete('red', { onLeave: 'discard', wait: false }),
      );
      await new Environments(wrapped).delete('red', { wait: false });
      if (!happened()) break;
      expect(await subscription(state, 'red')).toMatchObject({ state: 'leaving', onLeave: 'discard' });
      expect(await state.list('env/')).toEqual([]);
      expect(at).toBeLessThan(60);
    }
  });

  it('and whose end with drain died half way, is discarded by who says so', async () => {
    for (let at = 0; ; at++) {
      const { state, environments } = setUp();
      await environments.create('red', { owner: 'ann' });
      await join(state, 'red');
      const { wrapped, happened } = before(state, at, () => Promise.reject(new Error('killed')));
      await new Environments(wrapped).delete('red', { wait: false }).catch(() => {});
      await environments.delete('red', { onLeave: 'discard', wait: false });
      expect(await subscription(state, 'red')).toMatchObject({ state: 'leaving', onLeave: 'discard' });
      if (!happened()) break;
      expect(at).toBeLessThan(60);
    }
  });

  it('leaves though onProgress throws, rejects or is slow; that is reported once', async () => {
    const { state } = setUp();
    const lines: string[] = [];
    const line = (message: string): void => void lines.push(message);
    const reporter = new Reporter({ debug: line, info: line, warn: line, error: line });
    const environments = new Environments(state, { reporter });
    await environments.create('red', { owner: 'ann' });
    await join(state, 'red');
    let calls = 0;
    const ending = environments.delete('red', {
      onProgress: (): never => {
        calls++;
        throw new TypeError('of the application');
      },
    });
    while (calls === 0) await new Promise(setImmediate);
    await leave(state, 'red', { 0: 2 });
    expect(await ending).toEqual({ deleted: true, discarded: 2 });
    expect(calls).toBe(2);
    expect(lines).toEqual([expect.stringContaining('COLORWAY_CALLBACK_FAILED: onProgress threw')]);
  });

  it('is waited for though the directory goes away meanwhile, and that is what it waits for then', async () => {
    const { state, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    await join(state, 'red');
    let isAway = false;
    const flaky: StateStore = {
      ...before(state, -1, async () => {}).wrapped,
      list: async (prefix) => {
        if (isAway) throw new ColorwayError('COLORWAY_DIRECTORY_FAILED', 'connection refused');
        return state.list(prefix);
      },
    };
    const told: LeaveProgress[] = [];
    const ending = new Environments(flaky).delete('red', {
      onProgress: (one) => {
        told.push(one);
        isAway = told.length === 1;
      },
    });
    while (told.length === 0) await new Promise(setImmediate);
    await environments.delete('red', { onLeave: 'discard', wait: false });
    while (told.length === 1) await new Promise(setImmediate);
    expect(told[1]).toMatchObject({
      waitingFor: expect.stringMatching(/^the directory, .*connection refused/),
    });
    expect(told[1]?.since).toBeGreaterThan(Date.now() - 10_000);
    await leave(state, 'red');
    expect((await ending).deleted).toBe(true);
  });

  it('counts what was given up once, though two services share the group', async () => {
    const { state, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    for (const service of ['stock', 'price']) {
      const record: Subscription = { ...ORDERS, service, color: 'red', state: 'left', at: 1 };
      const value = formatSubscription({ ...record, discarded: { 0: 3, 1: 4 } });
      await state.create(subscriptionKey(record), value);
    }
    expect((await environments.delete('red')).discarded).toBe(7);
  });

  it.each(WAYS)('leaves whatever step a process dies at that ends it by %s', async (way) => {
    for (let at = 0; ; at++) {
      const { state, environments } = setUp();
      await environments.create('red', { owner: 'ann', services: ['price'] });
      await join(state, 'red');
      const { wrapped, happened } = before(state, at, () => Promise.reject(new Error('killed')));
      const dies = ENDS[way](new Environments(wrapped));
      await dies.catch((error: Error) => expect(error.message).toBe('killed'));
      const marked = (await state.list('env/'))[0]?.value.includes('"ending":true');
      // A withdrawal is repeated by who asked for it; the end of an environment by anybody's sweep.
      if (way === 'withdraw') await ENDS.withdraw(environments);
      else if (marked) await environments.endExpired();
      else await ENDS[way](environments);
      expect(await isMember(state, 'red')).toBe(false);
      expect(await subscription(state, 'red')).toMatchObject({
        state: 'leaving',
        onLeave: way === 'endExpired' ? 'drain' : 'discard',
      });
      if (way !== 'withdraw') expect(await state.list('env/')).toEqual([]);
      if (!happened()) break;
      expect(at).toBeLessThan(60);
    }
  });

  it.each(WAYS)('is seen by who ends it by %s, or finds the end itself, whenever it joins', async (way) => {
    for (let at = 0; ; at++) {
      const { state, environments } = setUp();
      await environments.create('red', { owner: 'ann', services: ['stock'] });
      let outcome = '';
      const { wrapped, happened } = before(state, at, async () => {
        outcome = await join(state, 'red');
      });
      await ENDS[way](new Environments(wrapped));
      const standing = await subscription(state, 'red');
      if (outcome === 'refused') expect(standing?.state ?? 'none').not.toBe('joined');
      // Joined after the end of a withdrawal is joined anew, with its membership.
      if (standing?.state === 'joined') expect(await isMember(state, 'red')).toBe(true);
      if (way !== 'withdraw') expect(standing?.state ?? 'none').not.toBe('joined');
      if (!happened()) break;
      expect(at).toBeLessThan(60);
    }
  });

  it.each(WAYS)('leaves by %s though somebody else writes its record meanwhile', async (way) => {
    for (let at = 0; ; at++) {
      const { state, environments } = setUp();
      await environments.create('red', { owner: 'ann' });
      await join(state, 'red');
      const { wrapped, happened } = before(state, at, async () => {
        const entry = await state.get(subscriptionKey({ ...ORDERS, service: 'stock', color: 'red' }));
        if (entry !== undefined) await state.compareAndSet(entry.key, entry.value, entry.version);
        const member = await state.get(membershipKey('stock', 'red'));
        if (member !== undefined) await state.compareAndDelete(member.key, member.version);
      });
      await ENDS[way](new Environments(wrapped));
      expect((await subscription(state, 'red'))?.state).toBe('leaving');
      if (!happened()) break;
      expect(at).toBeLessThan(60);
    }
  });

  it('is marked before the membership goes: what a withdrawal that dies leaves behind is not taken for joined', async () => {
    const { state, environments } = setUp();
    await environments.create('red', { owner: 'ann' });
    await join(state, 'red');
    for (let at = 0; await isMember(state, 'red'); at++) {
      const { wrapped } = before(state, at, () => Promise.reject(new Error('killed')));
      await ENDS.withdraw(new Environments(wrapped)).catch(() => {});
    }
    expect((await subscription(state, 'red'))?.state).toBe('leaving');
  });

  it.each(['delete', 'endExpired'] as const)(
    'in a new environment is not touched by who ends the old one by %s',
    async (way) => {
      for (let at = 1; ; at++) {
        const { state, environments } = setUp();
        await environments.create('red', { owner: 'ann', services: ['stock'] });
        await join(state, 'red');
        const { wrapped, happened } = before(state, at, async () => {
          await environments.delete('red', { wait: false });
          await leave(state, 'red');
          await environments.create('red', { owner: 'bob', ttlMs: 1e15 });
          const old = await state.get(subscriptionKey({ ...ORDERS, service: 'stock', color: 'red' }));
          if (old !== undefined) await state.compareAndDelete(old.key, old.version);
          expect(await join(state, 'red')).toBe('joined');
        });
        await ENDS[way](new Environments(wrapped));
        if (!happened()) break;
        const owner = (await environments.get('red'))?.owner;
        // It is fair to delete the new one, but then all of it.
        expect([owner, (await subscription(state, 'red'))?.state, await isMember(state, 'red')]).toEqual(
          owner === undefined ? [undefined, 'leaving', false] : ['bob', 'joined', true],
        );
        expect(at).toBeLessThan(60);
      }
    },
  );
});
