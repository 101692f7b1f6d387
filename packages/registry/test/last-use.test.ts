import type { StateStore } from '@colorway/core';
import { LayeredMap, UNANSWERED_VIEW } from '@colorway/core';
import { withTimeLimit } from '@colorway/core/background';
import { memoryDirectory } from '@colorway/registry/memory';
import { Environments, LastUse, overviewOf } from '../src/environments/index.js';

const MINUTE_MS = 60_000;

describe('the last use of an environment', () => {
  const directory = memoryDirectory();
  const state = directory.state as StateStore;
  let now = Date.now();
  const clock = () => now;
  const environments = new Environments(state, { now: clock });
  const lastUse = new LastUse(state, clock);
  const written = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return (await overviewOf(state, UNANSWERED_VIEW)).find(({ color }) => color === 'feat-cart')?.lastUsedAt;
  };

  afterAll(() => directory.close());

  it('is told when a request came', async () => {
    await environments.create('feat-cart', { owner: 'ann' });
    expect(await written()).toBeUndefined();
    lastUse.note('feat-cart');
    expect(await written()).toBe(now);
  });

  it('is written once a minute, by all processes together', async () => {
    const first = now;
    now += MINUTE_MS / 2;
    lastUse.note('feat-cart');
    new LastUse(state, clock).note('feat-cart');
    expect(await written()).toBe(first);
    now += MINUTE_MS;
    lastUse.note('feat-cart');
    expect(await written()).toBe(now);
  });

  it('asks the store for its time where the last one looks old by the clock of the host, or is to come', async () => {
    const first = now;
    let asked = 0;
    const timed: StateStore = {
      ...withTimeLimit(state, 5_000),
      now: async () => {
        asked++;
        return now;
      },
    };
    now += MINUTE_MS / 2;
    new LastUse(timed, clock).note('feat-cart');
    expect(await written()).toBe(first);
    expect(asked).toBe(0);
    new LastUse(timed, () => now - 3_600_000).note('feat-cart');
    expect(await written()).toBe(first);
    expect(asked).toBe(1);
    now += MINUTE_MS;
    new LastUse(timed, () => now - 3_600_000).note('feat-cart');
    expect(await written()).toBe(now);
    now += MINUTE_MS;
    new LastUse(timed, clock).note('feat-cart');
    expect(await written()).toBe(now);
    expect(asked).toBe(3);
  });

  it('leaves nothing behind for a color that somebody made up', async () => {
    lastUse.note('made-up');
    await written();
    expect((await state.list('used/')).map(({ key }) => key)).toEqual(['used/feat-cart']);
  });

  it('costs the directory one read a second for colors that are made up, and those that are known are noted', async () => {
    const asked: string[] = [];
    const colored = LayeredMap.empty().with(new Map([['feat-cart', { kind: 'unavailable' }]]));
    const view = {
      ...UNANSWERED_VIEW,
      services: LayeredMap.empty().with(new Map([['stock', { colored }]])),
    } as never;
    const counting = new Proxy(state, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (name === 'get') asked.push(String(args[0]));
          return value.apply(target, args);
        };
      },
    });
    now += MINUTE_MS;
    const flooded = new LastUse(counting, clock, undefined, () => view);
    for (let one = 0; one < 4_000; one++) {
      flooded.note(`made-up-${one}`);
      if (one % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    flooded.note('feat-cart');
    expect(await written()).toBe(now);
    expect(asked.filter((key) => key.includes('made-up')).length).toBeLessThanOrEqual(4);
    now += 1_000;
    flooded.note('made-up-again');
    await written();
    expect(asked.at(-1)).toContain('made-up-again');
  });

  it('ends with its environment, and is not inherited by the next', async () => {
    await environments.delete('feat-cart');
    expect(await state.list('used/')).toEqual([]);
  });
});
