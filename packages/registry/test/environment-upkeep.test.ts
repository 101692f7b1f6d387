import type { Reporter } from '@colorway/core/background';
import { checkAnnounced } from '../src/coloring/announced-address.js';
import { keepLiving } from '../src/coloring/environment-sweep.js';
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
    await keepLiving({ environments, view: () => coloring.view() }, Date.now());
    await pause(TTL_MS);
    expect(await environments.endExpired()).toEqual(['gone']);
    expect(await environments.get('java')).toBeDefined();
  });
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
