import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { StateStore } from '@colorway/core';
import { ENVIRONMENT_CHANNEL, Environments } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import fc from 'fast-check';
import { parseEnvironment } from '../src/environments/environment.js';
import { type EnvironmentChange, parseHistory, withChange } from '../src/environments/environment-history.js';
import { cleanUp } from './support/clean-up.js';

const DAY_MS = 86_400_000;

function setUp(declaredBy = 'ann') {
  const { state } = memoryDirectory();
  const clock = { now: 1_000 };
  return { state, clock, environments: new Environments(state, { now: () => clock.now, declaredBy }) };
}

/** The same store as an object that can be spread. */
function bound(state: StateStore): StateStore {
  return {
    get: (key) => state.get(key),
    list: (prefix) => state.list(prefix),
    create: (key, value) => state.create(key, value),
    compareAndSet: (key, value, version) => state.compareAndSet(key, value, version),
    compareAndDelete: (key, version) => state.compareAndDelete(key, version),
    watch: (prefix, observer) => state.watch(prefix, observer),
  };
}

describe('the history of an environment', () => {
  it('says who did what, when and why, and so does a diagnostics channel', async () => {
    const { state, clock, environments } = setUp();
    const published: unknown[] = [];
    const listener = (message: unknown): void => void published.push(message);
    subscribe(ENVIRONMENT_CHANNEL, listener);
    try {
      await environments.create('red', { owner: 'ann', services: ['stock'] });
      clock.now++;
      await environments.extend('red', { ttlMs: 9 * DAY_MS, by: 'bob', reason: 'a longer test' });
      await environments.withdraw('stock', 'red', { wait: false, reason: 'it is merged' });
      const told = [
        { act: 'created', at: 1_000, by: 'ann' },
        { act: 'extended', at: 1_001, by: 'bob', reason: 'a longer test' },
        { act: 'withdrawn', at: 1_001, by: 'ann', reason: 'it is merged', service: 'stock' },
      ];
      expect(await environments.history('red')).toEqual(told);
      // Who ends it stands with the mark, as long as that does, and in the channel.
      const dies = { ...bound(state), compareAndDelete: () => Promise.reject(new Error('killed')) };
      await new Environments(dies, { now: () => clock.now, declaredBy: 'eve' })
        .delete('red', { wait: false, reason: 'mine now' })
        .catch(() => {});
      const end = { act: 'ending', at: 1_001, by: 'eve', reason: 'mine now' };
      expect(await environments.history('red')).toEqual([...told, end]);
      expect(published).toEqual([...told, end].map((change) => ({ color: 'red', ...change })));
      await environments.delete('red', { wait: false });
      await expect(environments.history('red')).rejects.toMatchObject({
        code: 'COLORWAY_ENVIRONMENT_UNKNOWN',
      });
    } finally {
      unsubscribe(ENVIRONMENT_CHANNEL, listener);
    }
  });

  it('is bounded, keeps who made it, and is not filled by living instances', async () => {
    const { clock, environments } = setUp();
    await environments.create('red', { owner: 'ann', ttlMs: DAY_MS });
    for (let hour = 1; hour <= 50; hour++) {
      clock.now += 3_600_000;
      await environments.prolong('red', { ttlMs: DAY_MS, by: `service-${hour}` });
    }
    expect((await environments.history('red')).map(({ act, by }) => `${act} ${by}`)).toEqual([
      'created ann',
      'prolonged service-50',
    ]);
    for (let times = 0; times < 50; times++) {
      await environments.extend('red', { ttlMs: DAY_MS + times, reason: 'x'.repeat(10_000) });
    }
    const history = await environments.history('red');
    expect(history).toHaveLength(20);
    expect(history[0]).toMatchObject({ act: 'created', by: 'ann' });
    expect(JSON.stringify(history).length).toBeLessThan(20_000);
  });

  it('never grows past twenty, whatever happens, and always ends with the last change', () => {
    const change: fc.Arbitrary<EnvironmentChange> = fc.record({
      act: fc.constantFrom('created', 'extended', 'prolonged', 'withdrawn', 'ending'),
      at: fc.nat(),
      by: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const history = changes.reduce(withChange, [] as readonly EnvironmentChange[]);
        expect(history.length).toBeLessThanOrEqual(20);
        expect(history.at(-1)).toEqual(changes.at(-1));
        if (changes.length > 0 && changes[0]?.act !== 'prolonged') expect(history[0]).toEqual(changes[0]);
      }),
    );
  });

  it('is what can be read of it: anybody may have written it', () => {
    const good = { act: 'created', at: 1, by: 'ann' };
    const value = { color: 'red', owner: 'ann', createdAt: 1, expiresAt: 2 };
    const read = (history: unknown) =>
      parseEnvironment({ key: 'env/red', version: '1', value: JSON.stringify({ ...value, history }) })
        ?.history;
    expect(read(undefined)).toEqual([]);
    expect(read([good, { ...good, by: 7 }, null, { ...good, act: 7 }, 'x'])).toEqual([good]);
    fc.assert(fc.property(fc.jsonValue(), (any) => void parseHistory(any)));
    expect(parseHistory(Array.from({ length: 1_000 }, () => good))).toHaveLength(20);
  });
});

it('keeps what a newer version wrote, also when this one writes', async () => {
  const { state, environments } = setUp();
  await environments.create('red', { owner: 'ann' });
  const entry = await state.get('env/red');
  const stored = JSON.parse(entry?.value ?? '');
  const burnt = { act: 'burnt', at: 2, by: 'eve', by2: 'bob' };
  const value = JSON.stringify({ ...stored, history: [...stored.history, burnt] });
  await state.compareAndSet('env/red', value, entry?.version ?? '');
  await environments.extend('red', { ttlMs: DAY_MS });
  const history = await environments.history('red');
  expect(history.map(({ act }) => act)).toEqual(['created', 'burnt', 'extended']);
  expect(history[1]).toEqual(burnt);
});

it('each change asks the clock once, and is noted with that time', async () => {
  const { state } = memoryDirectory();
  let asked = 0;
  const environments = new Environments(state, { now: () => 1_000 + asked++ });
  const { createdAt } = await environments.create('red', { owner: 'ann' });
  await environments.extend('red', { ttlMs: DAY_MS });
  await environments.prolong('red', { ttlMs: 2 * DAY_MS });
  await environments.ensure('red', { owner: 'ann', ttlMs: 3 * DAY_MS });
  expect(asked).toBe(4);
  expect(await environments.history('red')).toMatchObject([
    { act: 'created', at: createdAt },
    { act: 'extended', at: 1_001 },
    { act: 'prolonged', at: 1_003 },
  ]);
});

it('a host whose clock is days ahead ends no environment of others, where the store has a clock', async () => {
  const { state } = memoryDirectory();
  const now = Date.now();
  const timed = { ...bound(state), now: async () => now };
  const ann = new Environments(timed);
  await ann.create('red', { owner: 'ann', services: ['stock'] });
  const clock = jest.spyOn(Date, 'now').mockReturnValue(now + 8 * DAY_MS);
  cleanUp(() => clock.mockRestore());
  const ahead = new Environments(timed);
  await expect(ahead.create('red', { owner: 'eve' })).rejects.toMatchObject({
    code: 'COLORWAY_ENVIRONMENT_EXISTS',
  });
  expect(await ahead.endExpired()).toEqual([]);
  expect(await ann.memberships('red')).toHaveLength(1);
});
