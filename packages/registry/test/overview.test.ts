import { formatSubscription, pulseKey, subscriptionKey } from '@colorway/core';
import { memoryDirectory } from '@colorway/registry/memory';
import { coloringOn } from './support/coloring.js';
import { until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

describe('coloring.overview()', () => {
  it('tells each environment with what it contains, what is alive of it, and what is missing', async () => {
    gatherWarnings();
    const directory = memoryDirectory();
    const { coloring } = coloringOn(directory);
    const { environments } = coloring;
    const cart = await environments.create('feat-cart', {
      owner: 'ann',
      services: ['stock', 'order', 'worker', 'price'],
    });
    const empty = await environments.create('feat-empty', { owner: 'bo', ttlMs: 1_000 });
    const ports = [1, 2];
    for (const port of ports) {
      const { coloring: order } = coloringOn({ ...directory, close: async () => {} } as typeof directory, {
        color: 'feat-cart',
        leaseMs: 10_000,
      });
      await order.register({ port });
      if (port === 2) {
        const { coloring: guest } = coloringOn({ ...directory, close: async () => {} } as typeof directory, {
          service: 'guest',
          color: 'feat-cart',
        });
        await guest.register({ port: 3, declare: false });
      }
    }
    const consumed = { broker: 'kafka', group: 'GID_work', topic: 'orders', state: 'joined', at: 5 } as const;
    const name = { service: 'worker', color: 'feat-cart', ...consumed };
    await directory.state.create(subscriptionKey(name), formatSubscription(name));
    await directory.state.create('sub/worker/feat-cart/other', 'not readable');
    await directory.state.create('CE_stock/feat-gone', '{}');
    await until('all are seen', () => coloring.view().services.get('guest') !== undefined);

    const told = await coloring.overview();
    const declared = {
      ...{ declared: true, declaredAt: expect.any(Number), declaredBy: 'order' },
      ...{ aliveSince: undefined, consumes: [] },
    };
    expect(told).toEqual([
      {
        ...{ ...cart, recorded: true, expiresAt: expect.any(Number), lastUsedAt: undefined },
        services: [
          {
            ...{ service: 'guest', declared: false, declaredAt: undefined, declaredBy: undefined },
            ...{ instances: 1, aliveSince: expect.any(Number), consumes: [] },
          },
          { service: 'order', ...declared, instances: 2, aliveSince: expect.any(Number) },
          { service: 'price', ...declared, instances: 0 },
          { service: 'stock', ...declared, instances: 0 },
          { service: 'worker', ...declared, instances: 0, consumes: [{ ...consumed, alive: false }] },
        ],
        missing: ['price', 'stock', 'worker'],
      },
      { ...empty, recorded: true, lastUsedAt: undefined, services: [], missing: [] },
      {
        ...{
          color: 'feat-gone',
          recorded: false,
          owner: undefined,
          createdAt: undefined,
          expiresAt: undefined,
        },
        lastUsedAt: undefined,
        services: [
          { service: 'stock', ...declared, declaredAt: undefined, declaredBy: undefined, instances: 0 },
        ],
        missing: ['stock'],
      },
    ]);

    await directory.state.create(pulseKey(name), String(Date.now()));
    const [{ services = [], missing } = {}] = await coloring.overview();
    expect(services.at(-1)?.consumes).toEqual([{ ...consumed, alive: true }]);
    expect(missing).toEqual(['price', 'stock']);
  });

  it('tells colors that nobody made an environment for, and that instances are alive in', async () => {
    gatherWarnings();
    const directory = memoryDirectory();
    const { coloring } = coloringOn(directory);
    const metadata = { COLORING_ENV: 'mine' };
    const record = { service: 'stock', host: '127.0.0.1', metadata };
    await directory.instances.register({ ...record, id: 'b', port: 2, startedAt: 2_000 }, 60_000);
    await directory.instances.register({ ...record, id: 'a', port: 1, startedAt: 1_000 }, 60_000);
    await directory.instances.register(
      { ...record, id: 'c', port: 3, startedAt: 0, service: 'price' },
      60_000,
    );
    const at = Date.now();
    const joined = { broker: 'kafka', group: 'GID', topic: 'orders', state: 'joined', at } as const;
    for (const color of ['consumes', 'has-gone']) {
      const name = { service: 'worker', color, ...joined };
      await directory.state.create(subscriptionKey(name), formatSubscription(name));
      if (color === 'consumes') await directory.state.create(pulseKey(name), String(at));
    }
    await until('all are seen', () => coloring.view().services.get('price') !== undefined);
    const none = { recorded: false, owner: undefined, createdAt: undefined, expiresAt: undefined };
    const undeclared = { declared: false, declaredAt: undefined, declaredBy: undefined };
    expect(await coloring.overview()).toEqual([
      {
        ...{ ...none, color: 'consumes', lastUsedAt: undefined, missing: [] },
        services: [
          {
            ...{ ...undeclared, service: 'worker', instances: 0, aliveSince: undefined },
            consumes: [{ ...joined, alive: true }],
          },
        ],
      },
      {
        ...{ ...none, color: 'mine', lastUsedAt: undefined, missing: [] },
        services: [
          { ...undeclared, service: 'price', instances: 1, aliveSince: undefined, consumes: [] },
          { ...undeclared, service: 'stock', instances: 2, aliveSince: 1_000, consumes: [] },
        ],
      },
    ]);
    // The last one ends: there is nothing to tell any more.
    for (const id of ['a', 'b', 'c']) await directory.instances.deregister(id);
    await until('all are gone', async () => (await coloring.overview()).length === 1);
  });

  it('needs a state half, and an open coloring', async () => {
    gatherWarnings();
    const { coloring } = coloringOn();
    await coloring.close();
    await expect(coloring.overview()).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
    const { state: _, ...instances } = memoryDirectory();
    const { coloring: stateless } = coloringOn(instances as ReturnType<typeof memoryDirectory>);
    await expect(stateless.overview()).rejects.toMatchObject({ code: 'COLORWAY_STATE_MISSING' });
  });
});
