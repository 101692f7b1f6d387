import { type InstanceRecord, ViewStore } from '@colorway/core';
import { livingInstances } from '../src/consul/living-instances.js';
import { parseServiceEntries } from '../src/consul/service-entry.js';
import { Placements } from '../src/nacos/placements.js';

/** Who may register one service claims the id of another's instance. */
function hostsOf(records: Iterable<InstanceRecord>, service: string): string[] {
  const store = new ViewStore();
  store.applyInstances({ kind: 'snapshot', instances: [...records] });
  store.applyMemberships({ kind: 'snapshot', entries: [] });
  const decision = store.current().services.get(service)?.uncolored;
  return decision !== undefined && 'instances' in decision ? decision.instances.map(({ host }) => host) : [];
}

describe('in Consul', () => {
  const entry = (service: string, id: string, host: string, index: number, node = 'n') => ({
    Node: { Node: node, Address: host },
    Service: {
      ID: `${service}-x`,
      Service: service,
      Address: host,
      Port: 80,
      Meta: {
        'colorway-started-at': String(index),
        'colorway-more-0': Buffer.from(JSON.stringify({ id })).toString('base64url'),
      },
      ModifyIndex: index,
    },
    Checks: [],
  });
  const alive = (...entries: object[]) => livingInstances(parseServiceEntries(JSON.stringify(entries))).alive;

  it('an id that another service claims takes nobody out of routing', () => {
    const found = alive(entry('stock', 'a', '10.0.0.1', 1), entry('evil', 'a', '10.6.6.6', 9));
    expect(hostsOf(found.values(), 'stock')).toEqual(['10.0.0.1']);
    expect(hostsOf(found.values(), 'evil')).toEqual(['10.6.6.6']);
  });

  it('nor does one that looks as a contested id is told', () => {
    const found = alive(
      entry('stock', 'a', '10.0.0.1', 1),
      entry('evil', 'a', '10.6.6.6', 9),
      entry('other', 'a@stock', '10.6.6.7', 9),
    );
    expect(hostsOf(found.values(), 'stock')).toEqual(['10.0.0.1']);
    expect(found.size).toBe(3);
  });

  it('one of the same service at two agents is the one that registered last, under its own id', () => {
    const found = alive(entry('stock', 'a', '10.0.0.1', 1, 'm'), entry('stock', 'a', '10.0.0.2', 2));
    expect([...found].map(([id, { host }]) => [id, host])).toEqual([['a', '10.0.0.2']]);
  });
});

describe('in Nacos', () => {
  const host = (id: string, ip: string, startedAt: number) => ({
    ip,
    port: 80,
    weight: 1,
    metadata: { COLORWAY_INSTANCE: JSON.stringify({ id, startedAt }) },
  });

  it('an id that another service claims takes nobody out of routing, change by change', () => {
    const placements = new Placements('g');
    const store = new ViewStore();
    const apply = (service: string, ...hosts: object[]) => {
      const { put, vanished } = placements.replace(service, hosts);
      store.applyInstances({ kind: 'delta', put, removed: vanished });
    };
    store.applyMemberships({ kind: 'snapshot', entries: [] });
    const of = (service: string) => {
      const decision = store.current().services.get(service)?.uncolored;
      return decision !== undefined && 'instances' in decision
        ? decision.instances.map((one) => one.host)
        : [];
    };
    apply('stock', host('a', '10.0.0.1', 1));
    expect(of('stock')).toEqual(['10.0.0.1']);
    apply('evil', host('a', '10.6.6.6', 9e12));
    expect([of('stock'), of('evil')]).toEqual([['10.0.0.1'], ['10.6.6.6']]);
    expect(hostsOf(placements.records(), 'stock')).toEqual(['10.0.0.1']);
    apply('evil');
    expect([of('stock'), of('evil')]).toEqual([['10.0.0.1'], []]);
    expect(placements.records().map(({ id }) => id)).toEqual(['a']);
    apply('stock');
    expect([of('stock'), placements.records()]).toEqual([[], []]);
  });
});
