import fc from 'fast-check';
import { Age, slowStartShare } from '../../../src/client/balancing/slow-start.js';

const RULES = { windowMs: 30_000, aggression: 1, minShare: 0.1 };

describe('slowStartShare', () => {
  it.each([
    [0, 0.1],
    [1_000, 0.1],
    [6_000, 0.2],
    [15_000, 0.5],
    [29_999, 29_999 / 30_000],
    [30_000, 1],
  ])("follows Envoy's formula at %i ms", (age, share) =>
    expect(slowStartShare(age, RULES)).toBeCloseTo(share),
  );

  it('grows faster in the beginning with more aggression', () => {
    expect(slowStartShare(7_500, { ...RULES, aggression: 2 })).toBeCloseTo(0.5);
  });

  it('is between the least share and 1, and never falls with age', () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.nat(100_000),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (a, b, aggression) => {
          const [young, old] = [Math.min(a, b), Math.max(a, b)].map((age) =>
            slowStartShare(age, { ...RULES, aggression }),
          ) as [number, number];
          expect(young).toBeGreaterThanOrEqual(0.1);
          expect(old).toBeLessThanOrEqual(1);
          expect(young).toBeLessThanOrEqual(old);
        },
      ),
    );
  });
});

describe('Age', () => {
  it('is clamped for a clock that is ahead or far behind, and grows by the steady clock', () => {
    const now = 1_000;
    expect(new Age(5_000_000, 30_000, { now, wall: 1_000_000 }).at(now)).toBe(0);
    expect(new Age(5_000_000, 30_000, { now, wall: 1_000_000 }).at(now + 30_000)).toBe(30_000);
    expect(new Age(0, 30_000, { now, wall: 1_000_000 }).at(now)).toBe(30_000);
    expect(new Age(990_000, 30_000, { now, wall: 1_000_000 }).at(now + 5_000)).toBe(15_000);
    expect(new Age(Number.NaN, 30_000, { now, wall: 1_000_000 }).at(now)).toBe(0);
  });
});
