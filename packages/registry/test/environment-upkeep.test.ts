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
});
