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
});
