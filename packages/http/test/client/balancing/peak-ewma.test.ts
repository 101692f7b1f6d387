import fc from 'fast-check';
import { PeakEwma } from '../../../src/client/balancing/peak-ewma.js';

describe('PeakEwma', () => {
  it('rises at once and falls gradually', () => {
    const latency = new PeakEwma(0);
    latency.observe(10, 0);
    latency.observe(100, 0);
    expect(latency.cost(0, 0)).toBe(100);
    latency.observe(10, 10_000);
    expect(latency.cost(0, 10_000)).toBeCloseTo(100 / Math.E + 10 * (1 - 1 / Math.E));
  });

  it('forgets with time, also when it is only read', () => {
    const latency = new PeakEwma(0);
    latency.observe(100, 0);
    expect(latency.cost(0, 10_000)).toBeCloseTo(100 / Math.E);
    expect(latency.cost(0, 20_000)).toBeCloseTo(100 / Math.E ** 2);
  });

  it('lets a new endpoint be tried, and not flooded before its first answer', () => {
    const fresh = new PeakEwma(0);
    const known = new PeakEwma(0);
    known.observe(60_000, 0);
    expect(fresh.cost(0, 0)).toBeLessThan(known.cost(0, 0));
    expect(fresh.cost(1, 0)).toBeGreaterThan(known.cost(1_000, 0));
  });

  it('stays between 0 and the highest latency, whatever comes, with clocks that stand still or go back', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.double({ min: 0.01, max: 1e6, noNaN: true }), fc.integer({ min: -1_000, max: 60_000 })),
          { minLength: 1 },
        ),
        (steps) => {
          const latency = new PeakEwma(0);
          let now = 0;
          let highest = 0;
          for (const [observed, step] of steps) {
            now += step;
            latency.observe(observed, now);
            highest = Math.max(highest, observed);
            const cost = latency.cost(0, now);
            expect(cost).toBeGreaterThan(0);
            expect(cost).toBeLessThanOrEqual(highest * (1 + 1e-9));
          }
        },
      ),
    );
  });
});
