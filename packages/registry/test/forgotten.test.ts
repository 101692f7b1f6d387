import type { InstanceStore, StateStore } from '@colorway/core';
import { Deferred, FORGET_AFTER_MS, GoneSince, Scope } from '@colorway/core/background';
import { memoryDirectory } from '@colorway/registry/memory';
import { endExpired, forgetUsed } from '../src/environments/index.js';
import type { NacosLink } from '../src/nacos/nacos-link.js';
import { resolveNacosOptions } from '../src/nacos/options.js';
import { ServiceWatch } from '../src/nacos/service-watch.js';
import { coloringOn } from './support/coloring.js';
import { ToldInstances } from './support/told-instances.js';
import { until } from './support/wait.js';

const NOW = Date.parse('2026-11-28T12:00:00Z');
const MINUTE_MS = 60_000;
const record = (service: string) => ({
  ...{ id: `${service}-1`, service, host: '10.0.0.1', port: 80, metadata: {}, startedAt: 1 },
});

it('a coloring forgets services a day after the last of them is gone', async () => {
  let later = 0;
  const real = performance.now.bind(performance);
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => real() + later);
  try {
    const directory = memoryDirectory();
    const { coloring } = coloringOn(directory);
    const names = () => [...coloring.view().services.keys()].sort();
    for (const service of ['a', 'b', 'c', 'stock'])
      await directory.instances.register(record(service), 600_000);
    await until('all', () => names().length === 4);
    for (const service of ['a', 'b', 'c']) await directory.instances.deregister(`${service}-1`);
    await until(
      'the last is gone',
      () => coloring.view().services.get('c')?.uncolored.kind === 'unavailable',
    );
    let views = 0;
    coloring.onViewChange(() => views++);
    expect(names()).toEqual(['a', 'b', 'c', 'stock']);
    later = FORGET_AFTER_MS + 1;
    await until('forgotten', () => names().join() === 'stock');
    await until('a view without them is told', () => views > 0);
  } finally {
    clock.mockRestore();
  }
});

describe('what is left in the directory', () => {
  const state = () => memoryDirectory().state as StateStore;
  const keys = async (store: StateStore) => (await store.list('')).map(({ key }) => key);

  it('of the last use of environments that are gone goes after a day; that of living ones stays', async () => {
    const store = state();
    for (let index = 0; index < 100; index++)
      await store.create(`used/gone-${index}`, String(NOW - FORGET_AFTER_MS));
    await store.create('used/fresh', String(NOW - FORGET_AFTER_MS + 1));
    await store.create('used/to-come', String(NOW + 9 * FORGET_AFTER_MS));
    await store.create('used/garbage', 'yesterday');
    await store.create('used/red', String(NOW - 30 * FORGET_AFTER_MS));
    await store.create('env/red', 'whatever');
    await forgetUsed(store, NOW);
    expect(await keys(store)).toEqual(['env/red', 'used/fresh', 'used/red']);
  });

  it('of heartbeats that have stopped, that are no times, or that a wrong clock wrote, goes', async () => {
    const store = state();
    const pulses: [string, string][] = [
      ['dead', String(NOW - 10 * MINUTE_MS)],
      ['garbage', 'x'],
      ['wrong-clock', String(NOW + 8 * FORGET_AFTER_MS)],
      ['alive', String(NOW - MINUTE_MS)],
      ['alive-ahead', String(NOW + 20 * MINUTE_MS)],
    ];
    for (const [name, value] of pulses) await store.create(`pulse/${name}`, value);
    await endExpired(store, NOW, [], () => {});
    expect(await keys(store)).toEqual(['pulse/alive', 'pulse/alive-ahead']);
  });
});

it('Nacos: a service that the list does not name any more is unsubscribed from and forgotten after a day', async () => {
  let now = 0;
  const listed = new Set(['stock', 'gone']);
  const asked: string[] = [];
  const request = async (type: string, fields: Record<string, unknown>): Promise<object> => {
    if (type === 'ServiceListRequest') return { count: listed.size, serviceNames: [...listed] };
    const { serviceName, subscribe } = fields;
    asked.push(`${subscribe} ${serviceName}`);
    const hosts = listed.has(String(serviceName)) ? [{ ip: '10.0.0.1', port: 80 }] : [];
    return { serviceInfo: { name: serviceName, groupName: 'DEFAULT_GROUP', hosts } };
  };
  const connection = { address: 'nacos', why: undefined, lost: new Deferred(), listen: () => {}, request };
  const link = { connection: async () => connection } as unknown as NacosLink;
  const options = { ...resolveNacosOptions({ url: 'http://127.0.0.1:8848' }), listMs: 5 };
  const scope = new Scope('test');
  const watch = new ServiceWatch(scope, link, options, new GoneSince(() => now));
  try {
    const { byId } = new ToldInstances({ watch: (observer) => watch.add(observer) } as InstanceStore);
    await until('both', () => byId.size === 2);
    listed.delete('gone');
    await until('one', () => byId.size === 1);
    now = FORGET_AFTER_MS - 1;
    const before = asked.length;
    await until('it looks again', () => asked.length > before);
    expect(asked).not.toContain('false gone');
    now = FORGET_AFTER_MS + 1;
    await until('it is unsubscribed from', () => asked.includes('false gone'));
    listed.add('gone');
    await until('it is found again', () => byId.size === 2);
    expect(asked.filter((one) => one === 'false gone')).toHaveLength(1);
  } finally {
    watch.close();
    await scope.dispose();
  }
});
