import fc from 'fast-check';
import { Attempt } from '../../../src/client/attempt.js';
import { resolveBalancing } from '../../../src/client/balancing/balancing-options.js';
import { finish, T0, Table } from '../../support/balancing-table.js';

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
      finish(set, endpoint, 'success', endpoint.instance.id === 'slow' ? 100 : 10, table.now);
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
          finish(set, endpoint, fails ? 'failure' : 'success', 5, table.now);
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
    for (let one = 0; one < 5; one++) finish(set, bad, 'failure', 1, 0);
    /* By its cost alone it would be chosen: only the ejection keeps it out. */
    for (let one = 0; one < 40; one++) table.call(undefined, 'success', 60_000);
    expect(table.shares(200)).not.toHaveProperty('bad');
    table.now = 30_000;
    expect(table.shares(200)).toHaveProperty('bad');
  });

  it('keeps what one environment breaks from the calls of all others at a shared instance', () => {
    const table = new Table();
    table.put({ id: 'a', port: 1 }, { id: 'b', port: 2 });
    const red = table.set('red');
    const a = red.pick(0).endpoint;
    for (let one = 0; one < 20; one++) finish(red, a.standing('red', 0), 'failure', 5, 0);
    const { [a.instance.id]: share = 0 } = table.shares(1_000);
    expect(share).toBeGreaterThan(400);
    expect(share).toBeLessThan(600);
    expect(table.shares(200, 'blue')).toHaveProperty(a.instance.id);
    expect(table.shares(200, 'red')).not.toHaveProperty(a.instance.id);
  });

  it('takes out for all what several colors find to fail', () => {
    const table = new Table();
    table.put({ id: 'a', port: 1 }, { id: 'b', port: 2 });
    const a = table.set().pick(0).endpoint;
    for (const color of ['red', undefined])
      for (let one = 0; one < 5; one++) finish(table.set(color), a.standing(color, 0), 'failure', 5, 0);
    expect(table.shares(200, 'blue')).not.toHaveProperty(a.instance.id);
    table.now = 30_000;
    expect(table.shares(200, 'blue')).toHaveProperty(a.instance.id);
  });

  it('does not count against an instance what its callers or others did', () => {
    const table = new Table();
    table.put({ id: 'a', port: 1 }, { id: 'b', port: 2 });
    const set = table.set();
    const { endpoint } = set.pick(0);
    for (let one = 0; one < 40; one++) {
      for (const outcome of ['refused', 'abandoned', 'deadline'] as const)
        finish(set, endpoint.standing(undefined, 0), outcome, 20, table.now);
    }
    /* A deadline that is long enough, too, while the instance answers others. */
    for (let one = 0; one < 10; one++) {
      table.now += 1_000;
      finish(set, endpoint.standing(undefined, 0), 'success', 20, table.now);
      table.now += 500;
      finish(set, endpoint.standing(undefined, 0), 'deadline', 1_000, table.now);
    }
    expect(endpoint.standing(undefined, 0).outUntil).toBeLessThan(0);
  });

  it('takes out an instance that answers nobody until the deadlines pass', () => {
    const table = new Table();
    table.put({ id: 'a', port: 1 }, { id: 'b', port: 2 });
    const set = table.set();
    const hung = set.pick(0);
    table.now = 10_000;
    for (let one = 0; one < 5; one++) finish(set, hung, 'deadline', 2_000, table.now);
    expect(hung.outUntil).toBeGreaterThan(table.now);
  });

  it('turns away from an instance that accepts and never answers, however long it was well before', () => {
    const table = new Table();
    table.put({ id: 'a', port: 1 }, { id: 'b', port: 2 });
    for (let one = 0; one < 20; one++) table.call(undefined, 'success');
    const drawn: Record<string, number> = {};
    for (let one = 0; one < 6_000; one++) {
      table.now += 10;
      const set = table.set();
      const standing = set.pick(table.now);
      drawn[standing.instance.id] = (drawn[standing.instance.id] ?? 0) + 1;
      if (standing.instance.id === 'b') finish(set, standing, 'success', 5, table.now);
      else new Attempt(set, standing, table.now);
    }
    expect(drawn.a ?? 0).toBeLessThan(10);
  });

  it('gives each color retries of its own', () => {
    const table = new Table({ retry: { minPerSecond: 1, budget: 0 } });
    table.put({ id: 'a', port: 1 });
    const red = table.set('red').budget;
    while (red.withdraw(0));
    expect(table.set('red').budget.withdraw(0)).toBe(false);
    expect(table.set().budget.withdraw(0)).toBe(true);
  });

  it('leaves an instance that says it is another one, until the directory tells of it anew', () => {
    const table = new Table();
    table.put({ id: 'a', port: 1 }, { id: 'b', port: 2 });
    const set = table.set();
    const stale = set.pick(0);
    finish(set, stale, 'misdirected', 5, 0);
    expect(table.shares(200)).not.toHaveProperty(stale.instance.id);
    /* Also where the list changes for another reason. */
    table.put({ id: 'c', port: 3 });
    expect(table.shares(200)).not.toHaveProperty(stale.instance.id);
    table.put({ id: stale.instance.id, port: stale.instance.port, startedAt: 5 });
    expect(table.shares(200)).toHaveProperty(stale.instance.id);
  });

  it('refuses when every instance says it is another one, and asks again after a while', () => {
    const table = new Table();
    table.put({ id: 'a', port: 1 });
    const set = table.set();
    finish(set, set.pick(0), 'misdirected', 5, 0);
    expect(() => set.pick(1)).toThrow(
      expect.objectContaining({
        code: 'COLORWAY_INSTANCE_MISDIRECTED',
        message: expect.stringContaining('stock'),
      }),
    );
    expect(set.pick(10_000).instance.id).toBe('a');
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
