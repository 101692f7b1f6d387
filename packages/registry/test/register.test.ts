import { isColorwayError, type StateStore } from '@colorway/core';
import { memoryDirectory } from '@colorway/registry/memory';
import { coloringOn, listening } from './support/coloring.js';
import { pause, until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

function instancesOf(directory: ReturnType<typeof memoryDirectory>, service = 'order'): () => number {
  const ids = new Map<string, string>();
  directory.instances.watch({
    next: (change) => {
      if (change.kind === 'snapshot') ids.clear();
      for (const { id, service } of change.kind === 'snapshot' ? change.instances : change.put)
        ids.set(id, service);
      if (change.kind === 'delta') for (const id of change.removed) ids.delete(id);
    },
    current: () => {},
    error: () => {},
  });
  return () => [...ids.values()].filter((found) => found === service).length;
}

describe('register', () => {
  it('announces the instance with its color and address, and keeps it beyond its lease', async () => {
    const { coloring, directory } = coloringOn(undefined, { color: 'feat-cart' });
    const { server, port } = await listening();
    const registration = await coloring.register({ server, weight: 2, metadata: { zone: 'a' } });
    expect(registration.state).toBe('registered');
    expect(registration.id).toMatch(new RegExp(`^order-127\\.0\\.0\\.1-${port}-[0-9a-f]{8}$`));
    const seen = instancesOf(directory);
    await pause(700);
    expect(seen()).toBe(1);
    const decision = coloring.view().services.get('order')?.colored.get('feat-cart');
    expect(decision).toMatchObject({
      kind: 'colored',
      instances: [{ port, host: '127.0.0.1', weight: 2, metadata: { COLORING_ENV: 'feat-cart', zone: 'a' } }],
    });
    await registration.close();
    await registration.close();
    expect(registration.state).toBe('closed');
    expect(seen()).toBe(0);
    await expect(registration.registered()).resolves.toBeUndefined();
  });

  it.each([
    ['no port', {}],
    ['port 0', { port: 0 }],
    ['an empty host', { port: 1, host: '' }],
    ['a host with brackets', { port: 1, host: '[::1]' }],
    ['weight 0', { port: 1, weight: 0 }],
    ['a color in the metadata', { port: 1, metadata: { COLORING_ENV: 'other' } }],
    ['metadata of another type', { port: 1, metadata: { n: 1 as unknown as string } }],
  ])('rejects %s', async (_what, options) => {
    const { coloring } = coloringOn();
    await expect(coloring.register(options)).rejects.toMatchObject({ code: 'COLORWAY_INVALID_OPTION' });
  });

  it('rejects a server that does not listen', async () => {
    const { coloring } = coloringOn();
    const { server } = await listening();
    await new Promise((resolve) => server.close(resolve));
    await expect(coloring.register({ server })).rejects.toMatchObject({ code: 'COLORWAY_INVALID_OPTION' });
  });

  it('creates the environment, declares the membership, and only then shows the instance', async () => {
    const { coloring, directory } = coloringOn(undefined, {
      color: 'feat-cart',
      environment: { owner: 'ann', ttlMs: 5_000 },
    });
    const steps: string[] = [];
    const create = directory.state.create.bind(directory.state);
    const register = directory.instances.register.bind(directory.instances);
    jest.spyOn(directory.state, 'create').mockImplementation(async (key, value) => {
      steps.push(key);
      return create(key, value);
    });
    jest.spyOn(directory.instances, 'register').mockImplementation(async (...args) => {
      steps.push('instance');
      return register(...args);
    });
    await coloring.register({ port: 1 });
    expect(steps).toEqual(['env/feat-cart', 'CE_order/feat-cart', 'instance']);
    const environment = await coloring.environments.get('feat-cart');
    expect(environment?.owner).toBe('ann');
    expect((environment?.expiresAt ?? 0) - Date.now()).toBeLessThanOrEqual(5_000);
    expect(await coloring.environments.memberships('feat-cart')).toMatchObject([
      { service: 'order', declaredBy: 'order' },
    ]);
  });

  it('extends an environment that would end sooner', async () => {
    const { coloring, directory } = coloringOn(undefined, { color: 'a', environment: { ttlMs: 60_000 } });
    await coloring.environments.create('a', { owner: 'ann', ttlMs: 1_000 });
    await coloring.register({ port: 1 });
    expect((await coloring.environments.get('a'))?.expiresAt).toBeGreaterThan(Date.now() + 50_000);
    expect(await directory.state.get('CE_order/a')).toBeDefined();
  });

  it('declares nothing where that is turned off, and in the baseline', async () => {
    const colored = coloringOn(undefined, { color: 'feat-cart' });
    await colored.coloring.register({ port: 1, declare: false });
    const baseline = coloringOn();
    await baseline.coloring.register({ port: 1 });
    expect(await colored.directory.state.list('')).toEqual([]);
    expect(await baseline.directory.state.list('')).toEqual([]);
  });

  it('rejects for good where the color differs from an existing one by case alone', async () => {
    const { coloring, directory } = coloringOn(undefined, { color: 'feat-cart' });
    await coloring.environments.create('feat-Cart', { owner: 'ann' });
    await expect(coloring.register({ port: 1 })).rejects.toMatchObject({
      code: 'COLORWAY_ENVIRONMENT_EXISTS',
    });
    const seen = instancesOf(directory);
    await pause(200);
    expect(seen()).toBe(0);
  });
});

describe('a directory that is away', () => {
  it.each(['refuse', 'hang'] as const)(
    'at the start (%s) does not stop a service, which registers when it is back',
    async (how) => {
      const warnings = gatherWarnings();
      const directory = memoryDirectory();
      directory.disconnect(how);
      const { coloring } = coloringOn(directory, { color: 'feat-cart' });
      const registration = await coloring.register({ port: 1 });
      expect(registration.state).toBe('pending');
      expect(warnings.codes()).toContain('COLORWAY_REGISTRATION_PENDING');
      let resolved = false;
      const registered = registration.registered().then(() => {
        resolved = true;
      });
      await pause(50);
      expect(resolved).toBe(false);
      directory.reconnect();
      await registered;
      expect(registration.state).toBe('registered');
      expect(await directory.state.get('CE_order/feat-cart')).toBeDefined();
    },
  );

  it('later takes no registration away for good: the lease is lost, and the instance comes back', async () => {
    gatherWarnings();
    const { coloring, directory } = coloringOn(undefined, { color: 'feat-cart' });
    const registration = await coloring.register({ port: 1 });
    directory.disconnect();
    await pause(500);
    expect(registration.state).toBe('registered');
    const register = jest.spyOn(directory.instances, 'register');
    directory.reconnect();
    await until('registered anew', () => register.mock.calls.length === 1);
    await registration.registered();
    await until(
      'seen',
      () => coloring.view().services.get('order')?.colored.get('feat-cart')?.kind === 'colored',
    );
  });

  it('is known by a lease that is lost: the instance registers anew, and declares anew', async () => {
    const { coloring, directory } = coloringOn(undefined, { color: 'feat-cart' });
    const registration = await coloring.register({ port: 1 });
    await coloring.environments.delete('feat-cart');
    const register = jest.spyOn(directory.instances, 'register');
    directory.expire(registration.id);
    await until('registered anew', () => register.mock.calls.length === 1);
    await until(
      'back',
      () => coloring.view().services.get('order')?.colored.get('feat-cart')?.kind === 'colored',
    );
    expect(await directory.state.get('CE_order/feat-cart')).toBeDefined();
  });

  it('and turns out to hold a conflict rejects late', async () => {
    const warnings = gatherWarnings();
    const directory = memoryDirectory();
    await coloringOn(directory).coloring.environments.create('feat-Cart', { owner: 'ann' });
    directory.disconnect();
    const { coloring } = coloringOn(directory, { color: 'feat-cart' });
    const registration = await coloring.register({ port: 1 });
    directory.reconnect();
    const error = await registration.registered().catch((reason: unknown) => reason);
    expect(isColorwayError(error) && error.code).toBe('COLORWAY_ENVIRONMENT_EXISTS');
    expect(registration.state).toBe('closed');
    await until('told', () => warnings.codes().includes('COLORWAY_REGISTRATION_FAILED'));
  });

  it('does not hold up the end of a registration, which takes itself back when it lands late', async () => {
    gatherWarnings();
    const { coloring, directory } = coloringOn();
    const register = directory.instances.register.bind(directory.instances);
    let land = () => {};
    const landing = new Promise<void>((resolve) => {
      land = resolve;
    });
    jest
      .spyOn(directory.instances, 'register')
      .mockImplementationOnce(async (...args) => landing.then(() => register(...args)))
      .mockImplementation(() => new Promise(() => {}));
    const registration = await coloring.register({ port: 1 });
    await registration.close();
    await expect(registration.registered()).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
    const deregister = jest.spyOn(directory.instances, 'deregister');
    const seen = instancesOf(directory);
    land();
    await until('taken back', () => deregister.mock.calls.length === 1);
    await until('gone', () => seen() === 0);
  });
});

it('a wall clock that jumps an hour either way costs no registration', async () => {
  const { coloring, directory } = coloringOn();
  await coloring.register({ port: 1 });
  const seen = instancesOf(directory);
  const real = Date.now;
  try {
    for (const jump of [3_600_000, -3_600_000]) {
      Date.now = () => real() + jump;
      await pause(450);
      expect(seen()).toBe(1);
    }
  } finally {
    Date.now = real;
  }
  expect(coloring.view().services.get('order')?.uncolored.kind).toBe('baseline');
});

it('a state store alone that is away keeps a colored instance from being seen undeclared', async () => {
  gatherWarnings();
  const { coloring, directory } = coloringOn(undefined, { color: 'feat-cart' });
  const away: StateStore['create'] = () => new Promise(() => {});
  const create = jest.spyOn(directory.state, 'create').mockImplementation(away);
  const registration = await coloring.register({ port: 1 });
  expect(registration.state).toBe('pending');
  expect(coloring.view().services.get('order')).toBeUndefined();
  create.mockRestore();
  await registration.registered();
});
