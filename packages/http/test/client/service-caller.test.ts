import { type Color, flowTypeOfColor, type RouteDecision } from '@colorway/core';
import type { ClientOptions } from '../../src/client/options.js';
import { ServiceCaller } from '../../src/client/service-caller.js';
import type { Target } from '../../src/client/target.js';
import { FakeColoring } from '../support/fake-coloring.js';
import { recordOf } from '../support/fleet.js';

describe('ServiceCaller.way', () => {
  function wayOf(coloring: FakeColoring, url: string, color?: Color): string {
    const caller = new ServiceCaller(coloring, { services: ['stock.internal'] });
    const target = caller.targets.ofOrigin(url);
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
    ['https://shop.example', 'c', 'pass'],
    ['https://shop.example', undefined, 'pass'],
    ['http://stock.internal', undefined, 'wait'],
  ])('before the directory has answered: %s in %s -> %s', (url, color, way) => {
    expect(wayOf(new FakeColoring({ answered: false }), url, color)).toBe(way);
  });

  it.each([
    ['http://stock', undefined, 'no-color'],
    ['http://STOCK:80', 'c', 'colored'],
    ['https://STOCK:443', 'c', 'not-secure'],
    ['https://stock', undefined, 'not-secure'],
    ['https://safe', undefined, 'no-color'],
    ['https://safe', 'c', 'not-secure'],
    ['http://safe', 'c', 'colored'],
    ['https://stock', 'down', 'member-down'],
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
    coloring.put({ ...recordOf('c', 'safe', 80), secure: true }, recordOf('d', 'safe', 81, 'c'));
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
  ])('knows other names of services: %s in %s -> %s', (url, color, way) => {
    const coloring = new FakeColoring();
    for (const service of ['stock', 'ORDER-SERVICE', 'OrderService'])
      coloring.put(recordOf(`${service}-a`, service, 80), recordOf(`${service}-b`, service, 81, 'c'));
    const options = { ports: [8080], hosts: ['.default.svc.cluster.local'] };
    const caller = new ServiceCaller(coloring, options);
    const target = caller.targets.ofOrigin(url);
    const got = target && caller.way(target, color === undefined ? undefined : flowTypeOfColor(color));
    expect(typeof got === 'string' ? got : got?.reason).toBe(way);
  });

  it.each<[string, string, string, ClientOptions]>([
    ['api.stripe.com', 'https://api.stripe.com', 'pass', {}],
    ['api.stripe.com', 'http://API.Stripe.com.', 'pass', {}],
    ['com.acme.order', 'http://com.acme.order', 'no-color', {}],
    ['Com.Acme.Order', 'http://com.acme.order', 'no-color', {}],
    ['a-b.c_d', 'http://a-b.c_d', 'no-color', {}],
    ['order.acme.com', 'http://order.acme.com', 'pass', {}],
    ['order.acme.com', 'http://order.acme.com', 'no-color', { services: ['order.acme.Com'] }],
    [
      'order.acme.com',
      'http://order.acme.com',
      'no-color',
      { services: (host) => host.endsWith('.acme.com') },
    ],
    ['order.acme.com', 'http://order.acme.com', 'no-color', { hosts: (host) => host }],
    ['Order.Acme.Com', 'http://order.acme.com', 'no-color', { services: ['order.acme.com'] }],
    ['api.stripe.com', 'http://api.stripe.com', 'pass', { services: (host) => host.endsWith('.acme.com') }],
    ['com.acme.other', 'http://com.acme.order', 'service-unknown', { services: ['com.acme.order'] }],
    ['localhost', 'http://localhost', 'pass', { services: () => true, hosts: (host) => host }],
    ['169.254.169.254', 'http://169.254.169.254', 'pass', { services: () => true, hosts: (host) => host }],
    ['2852039166', 'http://2852039166', 'pass', { services: ['2852039166'] }],
    ['0xa9fea9fe', 'http://0xa9fea9fe', 'pass', { services: ['0xa9fea9fe'] }],
    ['::1', 'http://[::1]', 'pass', { services: () => true, hosts: (host) => host }],
    ['stock', 'http://[::ffff:10.0.0.1]', 'pass', { services: () => true, hosts: () => 'stock' }],
  ])('a record of the directory takes over no host: %s, %s -> %s', (service, url, way, options) => {
    jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const coloring = new FakeColoring();
    coloring.put(recordOf('a', service, 80), { ...recordOf('b', service, 81), secure: true });
    const caller = new ServiceCaller(coloring, options);
    const target = caller.targets.ofOrigin(url);
    const got = target && caller.way(target, undefined);
    expect(typeof got === 'string' ? got : got?.reason).toBe(way);
    jest.restoreAllMocks();
  });

  it('says once that the directory knows a service with the name of a host that nobody lists', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const coloring = new FakeColoring();
    coloring.put(recordOf('a', 'api.paypal.example', 80));
    const caller = new ServiceCaller(coloring, {});
    const target = caller.targets.ofOrigin('https://api.paypal.example');
    for (let call = 0; call < 3; call++) expect(target && caller.way(target, undefined)).toBe('pass');
    expect(warn.mock.calls.map(([message]) => String(message))).toEqual([
      expect.stringContaining('"api.paypal.example"'),
    ]);
    warn.mockRestore();
  });

  it('of instances with and without TLS, https: goes to those with it alone, by one decision', () => {
    const coloring = new FakeColoring();
    const secure = { ...recordOf('a', 'stock', 80), secure: true };
    coloring.put(secure, recordOf('b', 'stock', 81), { ...recordOf('c', 'stock', 82), secure: true });
    const caller = new ServiceCaller(coloring, {});
    const way = (url: string) => caller.way(caller.targets.ofOrigin(url) as Target, undefined);
    const ids = (got: unknown) =>
      (got as { instances: { id: string }[] }).instances.map(({ id }) => id).sort();
    expect(ids(way('https://stock'))).toEqual(['a', 'c']);
    expect(ids(way('http://stock'))).toEqual(['a', 'b', 'c']);
    expect(way('https://stock')).toBe(way('https://stock'));
    coloring.remove('b');
    expect(way('https://stock')).toBe(way('http://stock'));
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
