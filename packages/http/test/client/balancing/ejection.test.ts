import fc from 'fast-check';
import { admitted, Ejection } from '../../../src/client/balancing/ejection.js';

const RULES = { consecutiveFailures: 5, baseMs: 30_000, maxMs: 300_000, maxShare: 0.5 };

function failing(ejection: Ejection, times: number, now: number): boolean[] {
  return Array.from({ length: times }, () => ejection.failed(now));
}

describe('Ejection', () => {
  it('takes out at the fifth failure in a row, for 30 s', () => {
    const ejection = new Ejection(RULES);
    expect(failing(ejection, 5, 0)).toEqual([false, false, false, false, true]);
    expect(ejection.isOut(29_999)).toBe(true);
    expect(ejection.isOut(30_000)).toBe(false);
  });

  it('begins to count anew after a success', () => {
    const ejection = new Ejection(RULES);
    failing(ejection, 4, 0);
    ejection.succeeded();
    expect(failing(ejection, 4, 0)).not.toContain(true);
  });

  it('stays out longer each time, at most 5 minutes, and is forgiven with time', () => {
    const ejection = new Ejection(RULES);
    const lengths: number[] = [];
    let now = 0;
    for (let round = 0; round < 12; round++) {
      failing(ejection, 5, now);
      lengths.push(ejection.until - now);
      now = ejection.until;
    }
    expect(lengths.slice(0, 3)).toEqual([30_000, 60_000, 90_000]);
    expect(lengths.at(-1)).toBe(300_000);
    failing(ejection, 5, now + 20 * 30_000);
    expect(ejection.until - (now + 20 * 30_000)).toBe(30_000);
  });

  it('can be turned off', () => {
    expect(failing(new Ejection({ ...RULES, consecutiveFailures: 0 }), 100, 0)).not.toContain(true);
  });
});

describe('admitted', () => {
  const set = (untils: readonly number[]) => untils.map((outUntil, id) => ({ id, outUntil }));

  it('never empties a set, takes out at most half, and admits the ejected whose time is over soonest', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -10, max: 100 }), { minLength: 1, maxLength: 30 }), (untils) => {
        const endpoints = set(untils);
        const inside = admitted(endpoints, 0, 0.5);
        expect(inside.length).toBeGreaterThanOrEqual(Math.max(1, Math.ceil(endpoints.length / 2)));
        for (const endpoint of endpoints) if (endpoint.outUntil <= 0) expect(inside).toContain(endpoint);
        const out = endpoints.filter((endpoint) => !inside.includes(endpoint));
        for (const one of out) {
          for (const other of inside)
            if (other.outUntil > 0) expect(other.outUntil).toBeLessThanOrEqual(one.outUntil);
        }
      }),
    );
  });

  it('keeps all of a set of one, whatever the share', () =>
    expect(admitted(set([100]), 0, 1)).toHaveLength(1));
});
