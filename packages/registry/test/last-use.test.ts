import type { StateStore } from '@colorway/core';
import { UNANSWERED_VIEW } from '@colorway/core';
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

  it('leaves nothing behind for a color that somebody made up', async () => {
    lastUse.note('made-up');
    await written();
    expect((await state.list('used/')).map(({ key }) => key)).toEqual(['used/feat-cart']);
  });

  it('ends with its environment, and is not inherited by the next', async () => {
    await environments.delete('feat-cart');
    expect(await state.list('used/')).toEqual([]);
  });
});
