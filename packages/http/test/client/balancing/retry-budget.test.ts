import fc from 'fast-check';
import { RetryBudget } from '../../../src/client/balancing/retry-budget.js';

const RULES = { share: 0.2, minPerSecond: 10, ttlMs: 10_000 };

function drain(budget: RetryBudget, now: number): number {
  let retries = 0;
  while (retries < 10_000 && budget.withdraw(now)) retries++;
  return retries;
}

describe('RetryBudget', () => {
  it('allows a fifth of the requests, and the reserve', () => {
    const budget = new RetryBudget(RULES);
    for (let one = 0; one < 1_000; one++) budget.deposit(0);
    expect(drain(budget, 0)).toBe(300);
  });

  it('forgets requests and retries after 10 s', () => {
    const budget = new RetryBudget(RULES);
    for (let one = 0; one < 1_000; one++) budget.deposit(0);
    expect(drain(budget, 10_001)).toBe(100);
    expect(drain(budget, 15_000)).toBe(0);
    expect(drain(budget, 25_000)).toBe(100);
  });

  it('never gives more than the reserve and the share, at any pace, also on a clock that goes back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: -500, max: 900 })), { maxLength: 500 }),
        (steps) => {
          const budget = new RetryBudget({ share: 0.2, minPerSecond: 1, ttlMs: 10_000 });
          let now = 1e6;
          const events: { at: number; kind: 'request' | 'retry' }[] = [];
          for (const [isRequest, step] of steps) {
            now += step;
            if (isRequest) budget.deposit(now);
            else if (!budget.withdraw(now)) continue;
            events.push({ at: now, kind: isRequest ? 'request' : 'retry' });
          }
          const requests = events.filter(({ kind }) => kind === 'request').length;
          const windows = 1 + (Math.max(now, ...events.map(({ at }) => at)) - 1e6) / 9_000;
          expect(events.length - requests).toBeLessThanOrEqual(10 * windows + requests * 0.2 + 1e-9);
        },
      ),
    );
  });
});
