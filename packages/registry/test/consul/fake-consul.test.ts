import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { consulDirectory } from '@colorway/registry/consul';
import { cleanUp } from '../support/clean-up.js';
import { ToldInstances } from '../support/told-instances.js';
import { until } from '../support/wait.js';

/* What a real server does only when it was made anew from a backup, or is of the Enterprise edition. */

interface Scene {
  index: number;
  ports: number[];
  readonly queries: URL[];
}

async function fakeConsul(scene: Scene): Promise<string> {
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://fake');
    scene.queries.push(url);
    const asked = Number(url.searchParams.get('index') ?? -1);
    const answer = () => {
      response.setHeader('x-consul-index', String(scene.index));
      response.end(JSON.stringify(bodyOf(url.pathname, scene)));
    };
    // Blocks while nothing changes; an index from the future does not wait (as Consul does it).
    if (asked === scene.index) setTimeout(answer, 100);
    else answer();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function bodyOf(path: string, { ports, index }: Scene): unknown {
  if (path === '/v1/catalog/services') return { stock: [] };
  if (path === '/v1/health/state/any') return [];
  if (path === '/v1/health/service/stock') {
    return ports.map((port) => ({
      Node: { Node: 'n', Address: '10.0.0.1' },
      Service: { ID: `stock-${port}`, Service: 'stock', Port: port, ModifyIndex: index },
      Checks: [],
    }));
  }
  return [];
}

it('begins anew when the index goes backwards, and holds on for a while to who is not there any more', async () => {
  const scene: Scene = { index: 500, ports: [1, 2], queries: [] };
  const directory = consulDirectory({ url: await fakeConsul(scene), waitMs: 100, graceMs: 300 });
  cleanUp(() => directory.close());
  const told = await ToldInstances.of(directory.instances);
  await until('both', () => told.byId.size === 2);
  const { snapshots } = told;
  scene.ports = [2, 3];
  scene.index = 7;
  await until('a snapshot', () => told.snapshots > snapshots);
  await until('the new one', () => told.byId.has('n/stock-3'));
  expect(told.byId.has('n/stock-1')).toBe(true);
  await until('the old one gone', () => !told.byId.has('n/stock-1'));
  expect(scene.queries.some((url) => url.pathname.endsWith('/any') && !url.searchParams.has('index'))).toBe(
    true,
  );
  scene.ports = [2];
  scene.index = 8;
  await until('follows on', () => told.byId.size === 1);
  expect(told.errors).toEqual([]);
});

it('asks for the datacenter and namespace of its options', async () => {
  const scene: Scene = { index: 1, ports: [1], queries: [] };
  const url = await fakeConsul(scene);
  const directory = consulDirectory({ url, datacenter: 'paris', namespace: 'team-a', waitMs: 100 });
  cleanUp(() => directory.close());
  await ToldInstances.of(directory.instances);
  expect(scene.queries.length).toBeGreaterThan(2);
  for (const { searchParams } of scene.queries) {
    expect([searchParams.get('dc'), searchParams.get('ns')]).toEqual(['paris', 'team-a']);
  }
});

it.each([
  [{ url: [] }, 'url'],
  [{ url: 'localhost:8500' }, 'http://127.0.0.1:8500'],
  [{ url: 'http://ann:secret@host' }, 'options of their own'],
  [{ prefix: 'no-slash' }, 'prefix'],
  [{ prefix: '../' }, 'prefix'],
  [{ waitMs: 700_000 }, 'waitMs'],
  [{ timeoutMs: 0 }, 'timeoutMs'],
])('refuses options that cannot work: %j', (options, named) => {
  const make = () => consulDirectory(options);
  expect(make).toThrow(expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION' }));
  expect(make).toThrow(named);
  expect(make).not.toThrow('secret');
});
