import { type Color, flowTypeOfColor, type RouteDecision } from '@colorway/core';
import { ServiceCaller } from '../../src/client/service-caller.js';
import { Targets } from '../../src/client/target.js';
import { FakeColoring } from '../support/fake-coloring.js';
import { recordOf } from '../support/fleet.js';

describe('ServiceCaller.way', () => {
  const targets = new Targets();

  function wayOf(coloring: FakeColoring, url: string, color?: Color): string {
    const caller = new ServiceCaller(coloring, { services: ['stock.internal'] });
    const target = targets.ofOrigin(url);
    if (target === undefined) return 'no target';
    const way = caller.way(target, color === undefined ? undefined : flowTypeOfColor(color));
    return typeof way === 'string' ? way : (way satisfies RouteDecision).reason;
  }

  it.each([
    ['http://127.0.0.1', 'c', 'pass'],
    ['http://[::1]', 'c', 'pass'],
    ['http://localhost', 'c', 'pass'],
    ['http://stock', 'c', 'wait'],
    ['http://stock', undefined, 'wait'],
    ['http://stock:8080', 'c', 'pass'],
    ['https://shop.example', 'c', 'wait'],
    ['https://shop.example', undefined, 'pass'],
    ['http://stock.internal', undefined, 'wait'],
  ])('before the directory has answered: %s in %s -> %s', (url, color, way) => {
    expect(wayOf(new FakeColoring({ answered: false }), url, color)).toBe(way);
  });

  it.each([
    ['http://stock', undefined, 'no-color'],
    ['https://STOCK:443', 'c', 'colored'],
    ['http://stock', 'other', 'not-member'],
    ['http://stock', 'down', 'member-down'],
    ['http://stock:8080', 'c', 'pass'],
    ['http://stock:443', 'c', 'pass'],
    ['http://shop.example', 'c', 'pass'],
    ['http://nobody', 'c', 'pass'],
    ['http://127.0.0.1', 'c', 'pass'],
    ['http://stock.internal', undefined, 'service-unknown'],
    ['ftp://stock', 'c', 'no target'],
    ['stock', 'c', 'no target'],
  ])('after it: %s in %s -> %s', (url, color, way) => {
    const coloring = new FakeColoring();
    coloring.put(recordOf('a', 'stock', 80), recordOf('b', 'stock', 80, 'c'));
    coloring.member('stock', 'down');
    expect(wayOf(coloring, url, color)).toBe(way);
  });

  it.each([
    ['http://stock:8080', 'c', 'colored'],
    ['http://stock:9090', 'c', 'pass'],
    ['http://stock.', 'c', 'colored'],
    ['http://stock.default.svc.cluster.local', 'c', 'colored'],
    ['http://stock.default.svc.cluster.local:8080', undefined, 'no-color'],
    ['http://stock.other.svc.cluster.local', 'c', 'pass'],
    ['http://order-service', 'c', 'colored'],
    ['http://OrderService', undefined, 'no-color'],
    ['http://2024', 'c', 'colored'],
    ['http://2025', 'c', 'pass'],
  ])('knows other names of services: %s in %s -> %s', (url, color, way) => {
    const coloring = new FakeColoring();
    for (const service of ['stock', 'ORDER-SERVICE', 'OrderService', '2024'])
      coloring.put(recordOf(`${service}-a`, service, 80), recordOf(`${service}-b`, service, 81, 'c'));
    const options = { ports: [8080], hosts: ['.default.svc.cluster.local'] };
    const caller = new ServiceCaller(coloring, options);
    const target = caller.targets.ofOrigin(url);
    const got = target && caller.way(target, color === undefined ? undefined : flowTypeOfColor(color));
    expect(typeof got === 'string' ? got : got?.reason).toBe(way);
  });

  it('takes a function for hosts, and any port', () => {
    const coloring = new FakeColoring();
    coloring.put(recordOf('a', 'stock', 80));
    const hosts = (host: string) => /^(\w+)-v2$/.exec(host)?.[1];
    const caller = new ServiceCaller(coloring, { hosts, ports: 'any' });
    const target = caller.targets.ofOrigin('http://stock-v2:3000');
    expect(target && caller.way(target, undefined)).toMatchObject({ reason: 'no-color', service: 'stock' });
  });

  it('warns once of a colored call whose host is nearly a service, and counts each', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const coloring = new FakeColoring();
    coloring.put(recordOf('a', 'shelf', 80));
    const caller = new ServiceCaller(coloring, {});
    const call = (url: string, color?: Color) => {
      const target = caller.targets.ofOrigin(url);
      return target && caller.way(target, color === undefined ? undefined : flowTypeOfColor(color));
    };
    for (const url of ['http://shelf:8080', 'http://shelf.default.svc', 'http://shelf:8080'])
      expect(call(url, 'c')).toBe('pass');
    for (const url of ['http://shelf.example.com', 'http://other:8080', 'http://127.0.0.1:8080'])
      expect(call(url, 'c')).toBe('pass');
    expect(call('http://shelf:9999')).toBe('pass');
    expect(warn.mock.calls.map(([message]) => String(message))).toEqual([
      expect.stringContaining('"shelf"'),
      expect.stringContaining('"shelf.default.svc"'),
    ]);
    warn.mockRestore();
  });
});
