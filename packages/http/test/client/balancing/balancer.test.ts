import { type Instance, type InstanceRecord, type RouteDecision, route, ViewStore } from '@colorway/core';
import fc from 'fast-check';
import { Balancer } from '../../../src/client/balancing/balancer.js';
import { type BalancingOptions, resolveBalancing } from '../../../src/client/balancing/balancing-options.js';

type Routed = Extract<RouteDecision, { instances: readonly Instance[] }>;

type TestRecord = Partial<InstanceRecord> & { id: string; color?: string };

const T0 = 1_000_000;

/** A balancer on a clock, a directory and a die of the test's own. */
class Table {
  now = 0;
  wall = T0;
  readonly closed: string[] = [];
  readonly store = new ViewStore();
  readonly balancer: Balancer<string>;
  #seed = 1;

  constructor(options?: BalancingOptions) {
    this.store.applyMemberships({ kind: 'snapshot', entries: [] });
    this.store.applyInstances({ kind: 'snapshot', instances: [] });
    this.balancer = new Balancer<string>({
      balancing: resolveBalancing(options),
      open: ({ id }) => `to ${id}`,
      close: (transport) => void this.closed.push(transport),
      clock: { now: () => this.now, wall: () => this.wall },
      random: () => {
        this.#seed = (this.#seed * 16_807) % 2_147_483_647;
        return this.#seed / 2_147_483_647;
      },
    });
  }

  /** What the store knows before the client is told, which is at the end of the turn. */
  tell(...records: readonly TestRecord[]): void {
    const put = records.map(({ color, ...record }) => ({
      service: 'stock',
      host: '10.0.0.1',
      port: 80,
      startedAt: 0,
      metadata: (color === undefined ? {} : { COLORING_ENV: color }) as Record<string, string>,
      ...record,
    }));
    this.store.applyInstances({ kind: 'delta', put, removed: [] });
  }

  put(...records: readonly TestRecord[]): void {
    this.tell(...records);
    this.balancer.follow(this.store.current());
  }

  remove(...removed: readonly string[]): void {
    this.store.applyInstances({ kind: 'delta', put: [], removed });
    this.balancer.follow(this.store.current());
  }

  set(color?: string) {
    return this.balancer.set(route(color, 'stock', this.store.current()) as Routed);
  }

  /** How often each is picked, when all answer in the same time. */
  shares(count: number, color?: string): Record<string, number> {
    const shares: Record<string, number> = {};
    for (let one = 0; one < count; one++) {
      const { instance } = this.set(color).pick(this.now);
      shares[instance.id] = (shares[instance.id] ?? 0) + 1;
    }
    return shares;
  }
}

describe('Balancer', () => {
  it('gives the same set while nothing changes, and the same endpoints after a change elsewhere', () => {
    const table = new Table();
    table.put({ id: 'a' }, { id: 'b' });
    const set = table.set();
    expect(table.set()).toBe(set);
    const known = [set.pick(0), set.pick(0), set.pick(0)];
    table.put({ id: 'c' });
    expect(table.set()).not.toBe(set);
    expect(known.every(({ closed }) => !closed)).toBe(true);
    expect(table.closed).toEqual([]);
  });

  it('drops what leaves, and what comes back elsewhere or in another color', () => {
    const table = new Table();
    table.put({ id: 'a' }, { id: 'b' }, { id: 'c' });
    table.set();
    table.remove('a');
    expect(table.closed).toEqual(['to a']);
    table.put({ id: 'b', port: 81 });
    table.set();
    expect(table.closed).toEqual(['to a', 'to b']);
    const old = table.set();
    table.tell({ id: 'c', color: 'x' });
    table.set('x');
    expect(table.closed).toEqual(['to a', 'to b', 'to c']);
    const others = Array.from({ length: 20 }, () => old.pickAgain(0, new Set()));
    expect(others.every((endpoint) => endpoint?.instance.id === 'b')).toBe(true);
  });

  it('prefers fast endpoints with little in flight', () => {
    const table = new Table();
    table.put({ id: 'slow' }, { id: 'fast' });
    const set = table.set();
    for (let one = 0; one < 40; one++) {
      const endpoint = set.pick(table.now);
      endpoint.succeeded(endpoint.instance.id === 'slow' ? 100 : 10, table.now);
    }
    expect(table.shares(100)).toEqual({ fast: 100 });
    const fast = set.pick(table.now);
    fast.inFlight = 10;
    expect(set.pick(table.now).instance.id).toBe('slow');
  });

  it('splits by weight, whatever the number', () => {
    const table = new Table();
    table.put({ id: 'heavy', weight: 3 }, { id: 'light', weight: 1 });
    const { heavy = 0, light = 0 } = table.shares(20_000);
    expect(light / (heavy + light)).toBeGreaterThan(0.05);
    expect(light / (heavy + light)).toBeLessThan(0.3);
  });

  it('eases a new instance in, only beside others that are past it', () => {
    const table = new Table();
    table.wall = T0;
    table.put({ id: 'old' }, { id: 'new', startedAt: T0 });
    const early = table.shares(5_000).new ?? 0;
    table.now = 30_000;
    const late = table.shares(5_000).new ?? 0;
    expect(early).toBeLessThan(1_000);
    expect(late).toBeGreaterThan(2_000);

    const allNew = new Table();
    allNew.put({ id: 'one', startedAt: T0 }, { id: 'two', startedAt: T0 });
    const { one = 0 } = allNew.shares(5_000);
    expect(one).toBeGreaterThan(2_000);
    expect(one).toBeLessThan(3_000);
  });

  it('does not mind a wall clock that jumps', () => {
    const table = new Table();
    table.put({ id: 'old' }, { id: 'ahead', startedAt: T0 + 86_400_000 });
    table.shares(10);
    table.wall = -1e12;
    table.now = 30_000;
    expect(table.shares(5_000).ahead ?? 0).toBeGreaterThan(2_000);
  });

  it('ejects inside its set only, never the last, never into another color', () => {
    const failures = fc.array(
      fc.tuple(fc.nat(3), fc.constantFrom(undefined, 'x'), fc.nat(20_000), fc.boolean()),
      { maxLength: 400 },
    );
    fc.assert(
      fc.property(failures, fc.integer({ min: 1, max: 4 }), (steps, size) => {
        const table = new Table();
        for (let one = 0; one < size; one++)
          table.put({ id: `base-${one}`, port: 1 + one }, { id: `x-${one}`, color: 'x', port: 1 + one });
        for (const [, color, elapsed, fails] of steps) {
          table.now += elapsed;
          const set = table.set(color);
          const endpoint = set.pick(table.now);
          expect(endpoint.instance.color).toBe(color);
          if (fails) set.failed(endpoint, 5, table.now);
          else endpoint.succeeded(5, table.now);
          const again = set.pickAgain(table.now, new Set([endpoint]));
          expect(again?.instance.color).toBe(color);
          if (size > 1) expect(again).not.toBe(endpoint);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('takes an endpoint that fails out of its set, and lets it in again', () => {
    const table = new Table();
    table.put({ id: 'bad' }, { id: 'good' }, { id: 'better' });
    const set = table.set();
    let bad = set.pick(0);
    while (bad.instance.id !== 'bad') bad = set.pick(0);
    for (let one = 0; one < 5; one++) set.failed(bad, 1, 0);
    /* By its cost alone it would be chosen: only the ejection keeps it out. */
    for (let one = 0; one < 40; one++) set.pick(0).succeeded(60_000, 0);
    expect(table.shares(200)).not.toHaveProperty('bad');
    table.now = 30_000;
    expect(table.shares(200)).toHaveProperty('bad');
  });

  it('allocates no new list while all is well', () => {
    const table = new Table();
    table.put({ id: 'a' }, { id: 'b' });
    const filter = jest.spyOn(Array.prototype, 'filter');
    const set = table.set();
    set.pick(0);
    filter.mockClear();
    for (let one = 0; one < 100; one++) set.pick(one);
    expect(filter).not.toHaveBeenCalled();
    filter.mockRestore();
  });

  it.each([
    [{ retry: { max: -1 } }, 'retry.max'],
    [{ ejection: { baseMs: Number.NaN } }, 'ejection.baseMs'],
    [{ slowStart: { minShare: 2 } }, 'slowStart.minShare'],
  ])('refuses %j', (options, name) => {
    expect(() => resolveBalancing(options)).toThrow(
      expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION', message: expect.stringContaining(name) }),
    );
  });
});
