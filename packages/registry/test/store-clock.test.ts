import { type StateStore, UNANSWERED_VIEW } from '@colorway/core';
import { Reporter, withTimeLimit } from '@colorway/core/background';
import { consulDirectory } from '@colorway/registry/consul';
import { etcdDirectory } from '@colorway/registry/etcd';
import { memoryDirectory } from '@colorway/registry/memory';
import { redisDirectory } from '@colorway/registry/redis';
import { describeWithServers } from '../../../test/services/jest/describe-with-servers.mjs';
import { timeToJudgeBy } from '../src/coloring/environment-sweep.js';
import { Environments, LastUse, overviewOf } from '../src/environments/index.js';
import { cleanUp } from './support/clean-up.js';
import { until } from './support/wait.js';

jest.setTimeout(60_000);

const STORE_TIME = 1_000_000_000;

function told(): { reporter: Reporter; lines: string[] } {
  const lines: string[] = [];
  const line = (message: string): void => void lines.push(message);
  return { reporter: new Reporter({ debug: line, info: line, warn: line, error: line }), lines };
}

describe('the time by which environments expire', () => {
  const timed: StateStore = Object.assign(Object.create(memoryDirectory().state), {
    now: async () => STORE_TIME,
  });

  it("is the store's own, also through a time limit, where this host's clock is a little off", async () => {
    const { reporter, lines } = told();
    for (const off of [-59_000, 0, 59_000]) {
      expect(await timeToJudgeBy(withTimeLimit(timed, 1_000), reporter, () => STORE_TIME + off)).toBe(
        STORE_TIME,
      );
    }
    expect(lines).toEqual([]);
  });

  it('is none on a host whose clock is off by more than a minute, which is told once', async () => {
    for (const [off, word] of [
      [-3_600_000, '3600 s behind'],
      [61_000, '61 s ahead of'],
    ] as const) {
      const { reporter, lines } = told();
      for (let look = 0; look < 3; look++) {
        expect(await timeToJudgeBy(timed, reporter, () => STORE_TIME + off)).toBeUndefined();
      }
      expect(lines).toEqual([expect.stringMatching(`^COLORWAY_CLOCK_SKEWED: .*${word}`)]);
    }
  });

  it("is this host's where the store has none", async () => {
    const { reporter } = told();
    expect(await timeToJudgeBy(memoryDirectory().state, reporter, () => 5)).toBe(5);
  });
});

describe.each([
  ['6 hours ahead of', 6 * 3_600_000],
  ['6 hours behind', -6 * 3_600_000],
])("what a host writes whose clock is %s the store's", (_, offMs) => {
  const DAY_MS = 86_400_000;
  let storeTime: number;
  let state: StateStore;
  let environments: Environments;

  beforeEach(() => {
    storeTime = Date.now() - offMs;
    state = { ...withTimeLimit(memoryDirectory().state, 5_000), now: async () => storeTime };
    environments = new Environments(state);
  });

  it('environments last as long as they are to, by the time of the store', async () => {
    const at = storeTime;
    const created = await environments.create('red', { owner: 'ann', ttlMs: 60_000 });
    expect(created).toMatchObject({ createdAt: at, expiresAt: at + 60_000 });
    const ensured = await environments.ensure('blue', { owner: 'ann', ttlMs: 60_000 });
    expect(ensured).toMatchObject({ createdAt: at, expiresAt: at + 60_000 });
    expect(await environments.extend('red', { ttlMs: 120_000 })).toMatchObject({ expiresAt: at + 120_000 });
    await environments.prolong('blue', { ttlMs: DAY_MS });
    expect(await environments.get('blue')).toMatchObject({ expiresAt: at + DAY_MS });
    await expect(environments.extend('red', { expiresAt: at - 1 })).rejects.toMatchObject({
      code: 'COLORWAY_INVALID_OPTION',
    });
    expect(await environments.endExpired()).toEqual([]);
    storeTime += 120_001;
    expect(await environments.endExpired()).toEqual(['red']);
    // One that has expired makes way, and one that has not does not.
    await expect(environments.create('blue', { owner: 'bo' })).rejects.toMatchObject({
      code: 'COLORWAY_ENVIRONMENT_EXISTS',
    });
    storeTime += DAY_MS;
    expect(await environments.create('blue', { owner: 'bo' })).toMatchObject({ createdAt: storeTime });
  });

  it('memberships and the last use have it, too', async () => {
    await environments.create('red', { owner: 'ann' });
    expect(await environments.declare('order', 'red')).toMatchObject({ declaredAt: storeTime });
    storeTime += 1_000;
    new LastUse(state).note('red');
    await until('the use is written', async () => {
      const [red] = await overviewOf(state, UNANSWERED_VIEW);
      return red?.lastUsedAt === storeTime;
    });
  });

  it('another clock may be given', async () => {
    const own = new Environments(state, { now: () => 5_000 });
    expect(await own.create('red', { owner: 'ann', ttlMs: 1 })).toMatchObject({ expiresAt: 5_001 });
  });
});

describeWithServers(['consul', 'etcd', 'redis'], 'the time of a store', (servers) => {
  const KINDS: Readonly<Record<string, () => { state: StateStore; close(): Promise<void> }>> = {
    consul: () => consulDirectory({ url: servers.consul.url }),
    etcd: () => etcdDirectory({ url: servers.etcd.url }),
    redis: () => redisDirectory({ url: servers.redis.url }),
  };

  it.each(Object.entries(KINDS))(
    '%s: is told, and a clock of an hour ago is found out by it',
    async (_, open) => {
      const directory = open();
      cleanUp(() => directory.close());
      const before = Date.now();
      const time = (await directory.state.now?.()) ?? Number.NaN;
      // The servers of a test run on its own host, and tell seconds.
      expect(time).toBeGreaterThanOrEqual(before - 1_500);
      expect(time).toBeLessThanOrEqual(Date.now() + 1_500);
      const { reporter, lines } = told();
      expect(await timeToJudgeBy(directory.state, reporter, () => Date.now() - 3_600_000)).toBeUndefined();
      expect(lines).toHaveLength(1);
      expect(await timeToJudgeBy(directory.state, reporter)).toBeGreaterThan(before - 2_000);
    },
  );
});
