import { LayeredMap, UNANSWERED_VIEW } from '@colorway/core';
import { type Reporter, Scope } from '@colorway/core/background';
import { memoryDirectory } from '@colorway/registry/memory';
import { checkAnnounced } from '../src/coloring/announced-address.js';
import { keepLiving, startSweep } from '../src/coloring/environment-sweep.js';
import { keepEnvironment } from '../src/coloring/environment-upkeep.js';
import { Environments } from '../src/environments/index.js';
import { cleanUp } from './support/clean-up.js';
import { coloringOn, listening } from './support/coloring.js';
import { pause } from './support/wait.js';

const TTL_MS = 400;

describe('an environment with a living instance', () => {
  it('does not expire', async () => {
    const { coloring } = coloringOn(undefined, { color: 'feat-cart', environment: { ttlMs: TTL_MS } });
    const { environments } = coloring;
    await coloring.register({ server: (await listening()).server });
    await pause(2 * TTL_MS);
    expect(await environments.endExpired()).toEqual([]);
    expect(await environments.memberships('feat-cart')).toMatchObject([{ service: 'order' }]);
  });

  it('stays deleted when somebody deleted it', async () => {
    const { coloring } = coloringOn(undefined, { color: 'feat-cart', environment: { ttlMs: TTL_MS } });
    const { environments } = coloring;
    await coloring.register({ server: (await listening()).server });
    await environments.delete('feat-cart');
    await pause(TTL_MS);
    expect(await environments.get('feat-cart')).toBeUndefined();
  });

  it('is left to its end by one that only registered without declaring', async () => {
    const { coloring } = coloringOn(undefined, { color: 'feat-cart', environment: { ttlMs: TTL_MS } });
    await coloring.environments.create('feat-cart', { owner: 'ann', ttlMs: TTL_MS });
    await coloring.register({ server: (await listening()).server, declare: false });
    await pause(2 * TTL_MS);
    expect(await coloring.environments.endExpired()).toEqual(['feat-cart']);
  });

  it('does not expire where services in other languages live, which keep nothing themselves', async () => {
    const { coloring } = coloringOn();
    const { environments, directory } = coloring;
    for (const color of ['java', 'gone']) await environments.create(color, { owner: 'ann', ttlMs: TTL_MS });
    const record = { id: 'j', service: 'stock', host: '10.0.0.1', port: 80, startedAt: 0 };
    await directory.instances.register({ ...record, metadata: { COLORING_ENV: 'java' } }, 60_000);
    await coloring.answeredView();
    await pause(50);
    await keepLiving(
      { environments, view: () => coloring.view() },
      Date.now(),
      (await directory.state?.list('env/')) ?? [],
    );
    await pause(TTL_MS);
    expect(await environments.endExpired()).toEqual(['gone']);
    expect(await environments.get('java')).toBeDefined();
  });
});

describe('many instances of one environment', () => {
  const HOUR_MS = 3_600_000;
  const TTL_MS = 7 * 24 * HOUR_MS;

  it('prolong it together at most twice an hour, and it never comes near its end', async () => {
    jest.useFakeTimers();
    cleanUp(() => jest.useRealTimers());
    const { state } = memoryDirectory();
    const environments = new Environments(state);
    await environments.create('red', { owner: 'ann', ttlMs: TTL_MS });
    const writes = jest.spyOn(state, 'compareAndSet');
    const scope = new Scope('many');
    for (let instance = 0; instance < 20; instance++) {
      keepEnvironment(scope, environments, 'red', TTL_MS);
      await jest.advanceTimersByTimeAsync(HOUR_MS / 20);
    }
    for (let quarter = 0; quarter < 4 * 24; quarter++) {
      await jest.advanceTimersByTimeAsync(HOUR_MS / 4);
      const { expiresAt } = (await environments.get('red')) ?? {};
      expect(expiresAt).toBeGreaterThanOrEqual(Date.now() + TTL_MS - 2 * HOUR_MS);
    }
    expect(writes.mock.calls.length).toBeGreaterThan(0);
    expect(writes.mock.calls.length).toBeLessThanOrEqual(2 * 26);
    await scope.dispose();
  });
});

it('a sweep lists the environments once', async () => {
  jest.useFakeTimers();
  cleanUp(() => jest.useRealTimers());
  const { state } = memoryDirectory();
  const environments = new Environments(state);
  await environments.create('living', { owner: 'ann', ttlMs: 150_000 });
  await environments.create('gone', { owner: 'ann', ttlMs: 1_000 });
  const colored = LayeredMap.empty().with(new Map([['living', { kind: 'colored' }]]));
  const services = LayeredMap.empty().with(new Map([['stock', { colored }]]));
  const view = { ...UNANSWERED_VIEW, services } as never;
  const list = jest.spyOn(state, 'list');
  const scope = new Scope('sweep');
  startSweep(scope, state, { environments, view: () => view });
  // A look comes after 30 to 90 seconds.
  await jest.advanceTimersByTimeAsync(91_000);
  expect((await state.list('env/')).map(({ key }) => key)).toEqual(['env/living']);
  const listed = (prefix: string): number => list.mock.calls.filter(([asked]) => asked === prefix).length;
  // What is consumed is listed in each sweep and at each end, pulses in each sweep alone.
  const sweeps = listed('pulse/');
  expect(sweeps).toBeGreaterThan(0);
  expect(listed('env/')).toBe(sweeps + 1);
  await scope.dispose();
});

describe('an address of this machine alone', () => {
  it.each(['127.0.0.1', 'localhost', '::1', '0.0.0.0'])(
    '%s is told of in a directory that others read',
    (host) => {
      const once = jest.fn();
      const record = { id: 'a', service: 'stock', host, port: 80, metadata: {}, startedAt: 0 };
      const reporter = { once } as unknown as Reporter;
      checkAnnounced({ reach: 'network' }, record, reporter);
      expect(once.mock.calls).toEqual([
        ['COLORWAY_LOOPBACK_ANNOUNCED', expect.stringContaining('COLORING_HOST'), `stock ${host}`],
      ]);
      checkAnnounced({}, record, reporter);
      checkAnnounced({ reach: 'network' }, { ...record, host: '10.0.0.1' }, reporter);
      expect(once).toHaveBeenCalledTimes(1);
    },
  );
});
