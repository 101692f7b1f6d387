import type { StateStore } from '@colorway/core';
import { Reporter } from '@colorway/core/background';
import { Environments } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { POLICY_KEY, parsePolicy } from '../src/environments/policy.js';
import { coloringOn } from './support/coloring.js';
import { gatherWarnings } from './support/warnings.js';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-11-28T12:00:00Z');

let state: StateStore;
let environments: Environments;
beforeEach(() => {
  state = memoryDirectory().state as StateStore;
  environments = new Environments(state, { now: () => NOW, declaredBy: 'ann' });
});

describe('the longest life of an environment', () => {
  beforeEach(async () => {
    await environments.policy.set({ maxTtlMs: 3 * DAY_MS }, { by: 'bob', reason: 'the cluster is full' });
  });

  it('refuses a longer one, and says how long, what is allowed, who says so, and what to do', async () => {
    const asked = environments.create('red', { owner: 'ann', ttlMs: 14 * DAY_MS });
    await expect(asked).rejects.toMatchObject({
      code: 'COLORWAY_POLICY_EXCEEDED',
      message: expect.stringMatching(
        /"red".*14 days.*3 days.*259200000.*"bob" on 2026-11-28: "the cluster is full".*colorway policy set --max-ttl/,
      ),
    });
    expect(await environments.get('red')).toBeUndefined();
    await environments.create('red', { owner: 'ann', ttlMs: DAY_MS });
    await expect(environments.extend('red', { expiresAt: NOW + 4 * DAY_MS })).rejects.toMatchObject({
      code: 'COLORWAY_POLICY_EXCEEDED',
    });
    expect(await environments.extend('red', { ttlMs: 3 * DAY_MS })).toMatchObject({
      expiresAt: NOW + 3 * DAY_MS,
    });
  });

  it('is what one gets who asks for nothing', async () => {
    expect(await environments.create('red', { owner: 'ann' })).toMatchObject({ expiresAt: NOW + 3 * DAY_MS });
    expect(await environments.extend('red', {})).toMatchObject({ expiresAt: NOW + 3 * DAY_MS });
  });

  it('bounds what a living instance asks for, and does not keep it from registering', async () => {
    expect(await environments.ensure('red', { owner: 'ann', ttlMs: 30 * DAY_MS })).toMatchObject({
      expiresAt: NOW + 3 * DAY_MS,
    });
    await environments.prolong('red', { ttlMs: 30 * DAY_MS });
    expect(await environments.get('red')).toMatchObject({ expiresAt: NOW + 3 * DAY_MS });
  });

  it('leaves what exists as it is', async () => {
    await environments.policy.set({ maxTtlMs: null });
    await environments.create('red', { owner: 'ann', ttlMs: 14 * DAY_MS });
    await environments.policy.set({ maxTtlMs: DAY_MS });
    expect(await environments.get('red')).toMatchObject({ expiresAt: NOW + 14 * DAY_MS });
    await environments.prolong('red', { ttlMs: 30 * DAY_MS });
    expect(await environments.get('red')).toMatchObject({ expiresAt: NOW + 14 * DAY_MS });
  });
});

describe('the most environments of an owner', () => {
  beforeEach(async () => {
    await environments.policy.set({ maxEnvironmentsPerOwner: 2 });
    await environments.create('red', { owner: 'ann', ttlMs: DAY_MS });
    await environments.create('blue', { owner: 'ann' });
  });

  it('refuses one more of the same owner alone, and names those that there are', async () => {
    await expect(environments.create('green', { owner: 'ann' })).rejects.toMatchObject({
      code: 'COLORWAY_POLICY_EXCEEDED',
      message: expect.stringMatching(
        /"ann" has 2 environments \(blue, red\).*2 \(maxEnvironmentsPerOwner, set by "ann"/,
      ),
    });
    await expect(environments.ensure('green', { owner: 'ann' })).rejects.toMatchObject({
      code: 'COLORWAY_POLICY_EXCEEDED',
    });
    await environments.create('green', { owner: 'bob' });
    await environments.delete('red', { wait: false });
    await environments.create('pink', { owner: 'ann' });
  });

  it('counts neither what has expired nor the one itself', async () => {
    const later = new Environments(state, { now: () => NOW + 2 * DAY_MS });
    await later.create('green', { owner: 'ann' });
    await expect(later.create('blue', { owner: 'ann' })).rejects.toMatchObject({
      code: 'COLORWAY_ENVIRONMENT_EXISTS',
    });
    expect(await later.ensure('blue', { owner: 'ann' })).toMatchObject({ color: 'blue' });
  });

  it('refuses the registration of an instance that would make one more', async () => {
    const directory = memoryDirectory();
    const { coloring } = coloringOn(directory, { color: 'green', environment: { owner: 'ann' } });
    await coloring.environments.policy.set({ maxEnvironmentsPerOwner: 1 });
    await coloring.environments.create('red', { owner: 'ann' });
    await expect(coloring.register({ port: 3001 })).rejects.toMatchObject({
      code: 'COLORWAY_POLICY_EXCEEDED',
    });
    expect(await directory.state.get('env/green')).toBeUndefined();
  });
});

describe('the greatest weight', () => {
  it('is what a heavier instance counts with, said once; it weighs as it says when the bound goes', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick', 'performance'] });
    try {
      const warnings = gatherWarnings();
      const directory = memoryDirectory();
      const writer = new Environments(directory.state, { declaredBy: 'bob' });
      await writer.policy.set({ maxWeight: 10 });
      const stock = (id: string, weight: number) => ({
        ...{ id, service: 'stock', host: id, port: 80, weight, metadata: {}, startedAt: 0 },
      });
      for (const [id, weight] of [
        ['a', 1],
        ['b', 60_000],
        ['c', 500],
      ] as const)
        await directory.instances.register(stock(id, weight), 600_000);
      const { coloring } = coloringOn(directory);
      const weights = () => {
        const { uncolored } = coloring.view().services.get('stock') ?? {};
        return uncolored?.kind === 'baseline'
          ? uncolored.instances.map(({ id, weight }) => `${id} ${weight}`).sort()
          : [];
      };
      const wait = async (wanted: string[]): Promise<void> => {
        for (let turn = 0; turn < 1_000 && weights().join() !== wanted.join(); turn++)
          await new Promise((resolve) => setImmediate(resolve));
        expect(weights()).toEqual(wanted);
      };
      await wait(['a 1', 'b 10', 'c 10']);
      const bounded = () =>
        warnings.messages().filter((_, index) => warnings.codes()[index] === 'COLORWAY_WEIGHT_BOUNDED');
      expect(bounded()).toEqual([
        expect.stringMatching(/says weight "(60000|500)".*allows 10, set by "bob"/),
      ]);
      // Told again, it is the same: nothing is made anew.
      const view = coloring.view();
      await directory.instances.register(stock('b', 60_000), 600_000);
      await new Promise((resolve) => setImmediate(resolve));
      expect(coloring.view().services).toBe(view.services);
      await writer.policy.set({ maxWeight: null });
      await jest.advanceTimersByTimeAsync(91_000);
      await wait(['a 1', 'b 60000', 'c 500']);
      expect(bounded()).toHaveLength(1);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('the document', () => {
  it('tells who set what, the first and the last 19 changes', async () => {
    for (let day = 1; day <= 30; day++)
      await environments.policy.set(
        { maxTtlMs: day * DAY_MS },
        { by: `person ${day}`, reason: 'r'.repeat(300) },
      );
    const { changes, bounds } = await environments.policy.get();
    expect(bounds).toEqual({ maxTtlMs: 30 * DAY_MS });
    expect(changes).toHaveLength(20);
    expect(changes[0]).toEqual({
      at: NOW,
      by: 'person 1',
      reason: 'r'.repeat(256),
      bounds: { maxTtlMs: DAY_MS },
    });
    expect(changes.at(-1)).toMatchObject({ by: 'person 30' });
  });

  it('keeps what many set at once, and what a newer version has written', async () => {
    await state.create(POLICY_KEY, '{"maxServices":5,"maxWeight":7}');
    const other = new Environments(state, { declaredBy: 'bob' });
    await Promise.all([
      environments.policy.set({ maxTtlMs: DAY_MS }),
      other.policy.set({ maxEnvironmentsPerOwner: 5 }),
    ]);
    expect(await environments.policy.get()).toMatchObject({
      readable: true,
      bounds: { maxTtlMs: DAY_MS, maxEnvironmentsPerOwner: 5, maxWeight: 7 },
    });
    expect(JSON.parse((await state.get(POLICY_KEY))?.value ?? '')).toMatchObject({ maxServices: 5 });
  });

  it.each<[string, string]>([
    ['no JSON', 'maxTtl: 7d'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a text', '"7d"'],
    ['a time that is a text', '{"maxTtlMs":"7d"}'],
    ['a time of a minute', '{"maxTtlMs":60000}'],
    ['a time beyond all numbers', '{"maxTtlMs":1e400}'],
    ['no environment at all', '{"maxEnvironmentsPerOwner":0}'],
    ['half an environment', '{"maxEnvironmentsPerOwner":0.5}'],
    ['a weight of nothing', '{"maxWeight":0}'],
    ['a weight that takes everything', '{"maxWeight":1e300}'],
    ['one bound of two', '{"maxTtlMs":86400000,"maxWeight":-1}'],
    ['what is nested without an end', '['.repeat(100_000)],
  ])('is said once to be unreadable, and stops nobody: %s', async (_, text) => {
    const said: string[] = [];
    const logger = { debug() {}, info() {}, warn: (line: string) => void said.push(line), error() {} };
    const reported = new Environments(state, { now: () => NOW, reporter: new Reporter(logger) });
    await state.create(POLICY_KEY, text);
    await reported.create('red', { owner: 'ann', ttlMs: 365 * DAY_MS });
    await reported.extend('red', { ttlMs: 500 * DAY_MS });
    expect(await reported.policy.get()).toEqual({ readable: false, bounds: {}, changes: [] });
    expect(said).toEqual([expect.stringContaining('COLORWAY_POLICY_UNREADABLE')]);
    expect(await reported.policy.set({ maxWeight: 5 })).toMatchObject({
      readable: true,
      bounds: { maxWeight: 5 },
    });
  });

  it.each([
    { maxTtlMs: 1 },
    { maxTtlMs: Number.NaN },
    { maxEnvironmentsPerOwner: 1.5 },
    { maxWeight: 65_536 },
    { maxWeight: '5' as never },
  ])('takes no bound outside of its grammar: %p', async (bounds) => {
    await expect(environments.policy.set(bounds)).rejects.toMatchObject({ code: 'COLORWAY_INVALID_OPTION' });
    expect(await state.get(POLICY_KEY)).toBeUndefined();
  });

  it('whose history is garbage bounds all the same', () => {
    const text =
      '{"maxWeight":5,"history":[7,null,{"at":1e400},{"at":1,"by":"a","bounds":{"maxWeight":"x","__proto__":1}}]}';
    expect(parsePolicy(text)).toEqual({
      readable: true,
      bounds: { maxWeight: 5 },
      changes: [{ at: 1, by: 'a', bounds: {} }],
    });
  });
});
