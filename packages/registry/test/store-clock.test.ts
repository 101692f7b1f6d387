import type { StateStore } from '@colorway/core';
import { Reporter, withTimeLimit } from '@colorway/core/background';
import { consulDirectory } from '@colorway/registry/consul';
import { etcdDirectory } from '@colorway/registry/etcd';
import { memoryDirectory } from '@colorway/registry/memory';
import { redisDirectory } from '@colorway/registry/redis';
import { describeWithServers } from '../../../test/services/jest/describe-with-servers.mjs';
import { timeToJudgeBy } from '../src/coloring/environment-sweep.js';
import { cleanUp } from './support/clean-up.js';

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
