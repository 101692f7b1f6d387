import { MEMBERSHIP_PREFIX, membershipKey, type StateStore } from '@colorway/core';
import { Environments } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { gatherWarnings } from './support/warnings.js';

const DAY_MS = 24 * 60 * 60 * 1_000;

function setUp() {
  const { state } = memoryDirectory();
  const clock = { now: 1_000_000 };
  return {
    state,
    clock,
    environments: new Environments(state, { now: () => clock.now, declaredBy: 'test' }),
  };
}

/** The state store, with something that happens once, right before a call that writes or reads this key. */
function interrupted(
  state: StateStore,
  method: keyof StateStore,
  matches: RegExp,
  happening: () => Promise<unknown>,
  skipped = 0,
) {
  let pending = true;
  let calls = 0;
  const before = async (name: keyof StateStore, key: string) => {
    if (!pending || name !== method || !matches.test(key) || calls++ < skipped) return;
    pending = false;
    await happening();
  };
  const wrapped: StateStore = {
    get: async (key) => before('get', key).then(() => state.get(key)),
    list: async (prefix) => before('list', prefix).then(() => state.list(prefix)),
    create: async (key, value) => before('create', key).then(() => state.create(key, value)),
    compareAndSet: async (key, value, version) =>
      before('compareAndSet', key).then(() => state.compareAndSet(key, value, version)),
    compareAndDelete: async (key, version) =>
      before('compareAndDelete', key).then(() => state.compareAndDelete(key, version)),
    watch: (prefix, observer) => state.watch(prefix, observer),
  };
  return { wrapped, hasHappened: () => !pending };
}

async function keys(state: StateStore): Promise<string[]> {
  return (await state.list('')).map(({ key }) => key);
}

describe('environments', () => {
  it('are created with owner, time and services, found, listed, extended and deleted', async () => {
    const { environments, clock, state } = setUp();
    const made = await environments.create('feat-cart', {
      owner: 'ann',
      ttlMs: DAY_MS,
      services: ['order', 'stock'],
    });
    expect(made).toEqual({
      color: 'feat-cart',
      owner: 'ann',
      createdAt: clock.now,
      expiresAt: clock.now + DAY_MS,
    });
    expect(await environments.get('feat-cart')).toEqual(made);
    expect(await environments.get('feat-other')).toBeUndefined();
    await environments.create('feat-a', { owner: 'bob' });
    expect((await environments.list()).map(({ color }) => color)).toEqual(['feat-a', 'feat-cart']);
    expect((await environments.memberships('feat-cart')).map(({ service }) => service)).toEqual([
      'order',
      'stock',
    ]);

    const extended = await environments.extend('feat-cart', { expiresAt: clock.now + 5 * DAY_MS });
    expect(extended).toEqual({ ...made, expiresAt: clock.now + 5 * DAY_MS });

    expect(await environments.delete('feat-cart')).toEqual({ deleted: true, discarded: 0 });
    expect(await environments.delete('feat-cart')).toEqual({ deleted: false, discarded: 0 });
    expect(await keys(state)).toEqual(['env/feat-a']);
  });

  it('live 7 days when nobody says otherwise', async () => {
    const { environments, clock } = setUp();
    expect((await environments.create('a', { owner: 'ann' })).expiresAt).toBe(clock.now + 7 * DAY_MS);
  });

  it('never differ by case alone', async () => {
    const { environments } = setUp();
    await environments.create('feat-Cart', { owner: 'ann' });
    const conflict = { code: 'COLORWAY_ENVIRONMENT_EXISTS', message: expect.stringContaining('feat-Cart') };
    await expect(environments.create('feat-cart', { owner: 'bob' })).rejects.toMatchObject(conflict);
    await expect(environments.ensure('feat-cart', { owner: 'bob' })).rejects.toMatchObject(conflict);
    expect(await environments.get('feat-cart')).toBeUndefined();
    expect(await environments.delete('feat-cart')).toEqual({ deleted: false, discarded: 0 });
    const unknown = { code: 'COLORWAY_ENVIRONMENT_UNKNOWN', message: expect.stringContaining('feat-Cart') };
    await expect(environments.declare('order', 'feat-cart')).rejects.toMatchObject(unknown);
    await expect(environments.extend('feat-cart', { ttlMs: 1 })).rejects.toMatchObject(unknown);
    expect((await environments.get('feat-Cart'))?.owner).toBe('ann');
  });

  it.each([
    ['a color', (e: Environments) => e.create('bad_color', { owner: 'a' }), 'COLORWAY_INVALID_COLOR'],
    [
      'a service',
      (e: Environments) => e.create('a', { owner: 'a', services: ['a/b'] }),
      'COLORWAY_INVALID_OPTION',
    ],
    ['an owner', (e: Environments) => e.create('a', { owner: '' }), 'COLORWAY_INVALID_OPTION'],
    [
      'a ttl',
      (e: Environments) => e.create('a', { owner: 'a', ttlMs: Number.NaN }),
      'COLORWAY_INVALID_OPTION',
    ],
    ['an end', (e: Environments) => e.create('a', { owner: 'a', expiresAt: 1 }), 'COLORWAY_INVALID_OPTION'],
    ['an environment', (e: Environments) => e.declare('order', 'a'), 'COLORWAY_ENVIRONMENT_UNKNOWN'],
  ])('refuse %s that cannot be, and leave nothing behind', async (_what, act, code) => {
    const { environments, state } = setUp();
    await expect(act(environments)).rejects.toMatchObject({ code });
    expect(await keys(state)).toEqual([]);
  });

  it('ensure() creates, extends what would end sooner, and leaves alone what lives longer', async () => {
    const { environments, clock } = setUp();
    const made = await environments.ensure('a', { owner: 'ann', ttlMs: DAY_MS });
    expect(await environments.ensure('a', { owner: 'bob', ttlMs: DAY_MS / 2 })).toEqual(made);
    clock.now += 1_000;
    expect(await environments.ensure('a', { owner: 'bob', ttlMs: DAY_MS })).toEqual({
      ...made,
      expiresAt: clock.now + DAY_MS,
    });
  });

  it('leave out what cannot be read, with one warning, and get rid of it', async () => {
    const warnings = gatherWarnings();
    const { environments, state } = setUp();
    await environments.create('good', { owner: 'ann' });
    const garbage = [
      '',
      'null',
      '[]',
      '{"color":"a_b"}',
      '{"color":"other","owner":"x","createdAt":1,"expiresAt":2}',
      '\0',
    ];
    for (const [index, value] of garbage.entries()) await state.create(`env/bad-${index}`, value);
    expect((await environments.list()).map(({ color }) => color)).toEqual(['good']);
    expect(await environments.list()).toHaveLength(1);
    expect(await environments.endExpired()).toEqual([]);
    expect(warnings.codes()).toHaveLength(garbage.length);
    await expect(environments.create('bad-0', { owner: 'ann' })).rejects.toMatchObject({
      code: 'COLORWAY_ENVIRONMENT_EXISTS',
    });
    await expect(environments.ensure('bad-0', { owner: 'ann' })).rejects.toMatchObject({
      code: 'COLORWAY_ENVIRONMENT_EXISTS',
    });
    expect(await environments.delete('bad-0')).toMatchObject({ deleted: true });
    await environments.create('bad-0', { owner: 'ann' });
  });
});

describe('memberships', () => {
  it('are declared once, however often they are declared, and withdrawn', async () => {
    const { environments, clock, state } = setUp();
    await environments.create('a', { owner: 'ann' });
    const declared = await environments.declare('order', 'a');
    expect(declared).toEqual({ service: 'order', color: 'a', declaredAt: clock.now, declaredBy: 'test' });
    clock.now += 5;
    expect(await environments.declare('order', 'a')).toEqual(declared);
    expect(await environments.memberships('a')).toEqual([declared]);
    expect(await environments.withdraw('order', 'a')).toEqual({ withdrawn: true, discarded: 0 });
    expect(await environments.withdraw('order', 'a')).toEqual({ withdrawn: false, discarded: 0 });
    expect(await keys(state)).toEqual(['env/a']);
  });

  it('count by their key alone, whatever another tool has written into them', async () => {
    const { environments, state } = setUp();
    await state.create(membershipKey('order', 'a'), 'not JSON');
    expect(await environments.memberships('a')).toEqual([
      { service: 'order', color: 'a', declaredAt: undefined, declaredBy: undefined },
    ]);
  });

  it('are not left behind by an environment that ends while they are declared', async () => {
    const { environments, state } = setUp();
    await environments.create('a', { owner: 'ann' });
    const { wrapped, hasHappened } = interrupted(state, 'create', /^CE_/, () => environments.delete('a'));
    await expect(new Environments(wrapped).declare('order', 'a')).rejects.toMatchObject({
      code: 'COLORWAY_ENVIRONMENT_UNKNOWN',
    });
    expect(hasHappened()).toBe(true);
    expect(await keys(state)).toEqual([]);
  });
});

it('a membership that was declared is there, even if the environment was made anew meanwhile', async () => {
  const { environments, state } = setUp();
  await environments.create('a', { owner: 'ann' });
  const anew = async () => {
    await environments.delete('a');
    await new Environments(state, { now: () => 5_000_000 }).create('a', { owner: 'bob' });
  };
  const { wrapped, hasHappened } = interrupted(state, 'get', /^env\//, anew, 1);
  await new Environments(wrapped).declare('order', 'a');
  expect(hasHappened()).toBe(true);
  expect(await keys(state)).toEqual(['CE_order/a', 'env/a']);
});

describe('the end of an environment', () => {
  it('takes its memberships and nobody else’s', async () => {
    const { environments, clock, state } = setUp();
    await environments.create('old', { owner: 'ann', ttlMs: 1_000, services: ['order', 'stock'] });
    await environments.create('new', { owner: 'ann', ttlMs: 5_000, services: ['order'] });
    expect(await environments.endExpired()).toEqual([]);
    clock.now += 1_000;
    expect(await environments.endExpired()).toEqual(['old']);
    expect(await keys(state)).toEqual(['CE_order/new', 'env/new']);
  });

  it('comes once, however many sweep', async () => {
    const { environments, clock, state } = setUp();
    for (const color of ['a', 'b', 'c'])
      await environments.create(color, { owner: 'ann', ttlMs: 1_000, services: ['order'] });
    clock.now += 1_000;
    const swept = await Promise.all(Array.from({ length: 8 }, () => environments.endExpired()));
    expect(swept.flat().sort()).toEqual(['a', 'b', 'c']);
    expect(await keys(state)).toEqual([]);
  });

  it.each([
    ['before it is marked', 'compareAndSet', /^env\//],
    ['as it is seen', 'list', /^env\//],
  ] as const)('does not come for one that is extended %s', async (_when, method, matches) => {
    const { environments, clock, state } = setUp();
    await environments.create('a', { owner: 'ann', ttlMs: 1_000, services: ['order'] });
    clock.now += 1_000;
    const { wrapped, hasHappened } = interrupted(state, method, matches, () =>
      environments.extend('a', { ttlMs: 9_000 }),
    );
    expect(await new Environments(wrapped, { now: () => clock.now }).endExpired()).toEqual([]);
    expect(hasHappened()).toBe(true);
    expect(await keys(state)).toEqual(['CE_order/a', 'env/a']);
  });

  it('cannot be stopped once it is marked', async () => {
    const { environments, clock, state } = setUp();
    await environments.create('a', { owner: 'ann', ttlMs: 1_000, services: ['order'] });
    clock.now += 1_000;
    const { wrapped } = interrupted(state, 'list', new RegExp(`^${MEMBERSHIP_PREFIX}`), async () => {
      await expect(environments.extend('a', { ttlMs: 9_000 })).rejects.toMatchObject({
        code: 'COLORWAY_ENVIRONMENT_UNKNOWN',
      });
      await expect(environments.declare('stock', 'a')).rejects.toMatchObject({
        code: 'COLORWAY_ENVIRONMENT_UNKNOWN',
      });
      expect(await environments.get('a')).toBeUndefined();
      expect(await environments.list()).toEqual([]);
    });
    expect(await new Environments(wrapped, { now: () => clock.now }).endExpired()).toEqual(['a']);
    expect(await keys(state)).toEqual([]);
  });

  it.each([
    ['the memberships are listed', 'list', /^CE_/],
    ['the environment is looked at again', 'get', /^env\//],
    ['a membership is removed', 'compareAndDelete', /^CE_/],
    ['the environment is removed', 'compareAndDelete', /^env\//],
  ] as const)(
    'leaves a new environment of the same color alone, made right before %s',
    async (_when, method, matches) => {
      const { environments, clock, state } = setUp();
      await environments.create('a', { owner: 'ann', ttlMs: 1_000, services: ['order'] });
      clock.now += 1_000;
      const { wrapped, hasHappened } = interrupted(state, method, matches, async () => {
        expect(await environments.endExpired()).toEqual(['a']);
        await environments.create('a', { owner: 'bob', ttlMs: 9_000, services: ['order', 'stock'] });
      });
      expect(await new Environments(wrapped, { now: () => clock.now }).endExpired()).toEqual([]);
      expect(hasHappened()).toBe(true);
      expect(await keys(state)).toEqual(['CE_order/a', 'CE_stock/a', 'env/a']);
      expect((await environments.get('a'))?.owner).toBe('bob');
    },
  );

  it.each([
    ['the memberships', 'list', /^CE_/],
    ['the environment', 'compareAndDelete', /^env\//],
  ] as const)(
    'is finished by the next sweep when a process dies before it removed %s',
    async (_what, method, matches) => {
      const { environments, clock, state } = setUp();
      await environments.create('a', { owner: 'ann', ttlMs: 1_000, services: ['order'] });
      clock.now += 1_000;
      const { wrapped } = interrupted(state, method, matches, () => Promise.reject(new Error('killed')));
      await expect(new Environments(wrapped, { now: () => clock.now }).endExpired()).rejects.toThrow(
        'killed',
      );
      expect(await environments.endExpired()).toEqual(['a']);
      expect(await keys(state)).toEqual([]);
    },
  );

  it('makes way for a new one of the same color at once', async () => {
    const { environments, clock } = setUp();
    await environments.create('a', { owner: 'ann', ttlMs: 1_000, services: ['order'] });
    clock.now += 1_000;
    expect((await environments.create('a', { owner: 'bob' })).owner).toBe('bob');
    expect(await environments.memberships('a')).toEqual([]);
  });

  it('is given up with a typed error when others are always faster', async () => {
    const { environments, state } = setUp();
    await environments.create('a', { owner: 'ann' });
    const contended: StateStore = { ...bound(state), compareAndSet: async () => undefined };
    await expect(new Environments(contended).extend('a', { ttlMs: 5 })).rejects.toMatchObject({
      code: 'COLORWAY_CONFLICT',
    });
  }, 30_000);
});

function bound(state: StateStore): StateStore {
  return interrupted(state, 'get', /^never$/, async () => {}).wrapped;
}
