import { FULL, run } from './report.js';
import { RULES, type Rule } from './world.js';
import { FAULTS, LIMITS } from './worlds.js';

/** Each rule is there for a fault: without it the model finds that fault, by the shortest way. */
describe('without the rule', () => {
  it.each(Object.keys(RULES) as Rule[])(
    '%s, a message is lost or handled twice',
    (rule) => {
      const { world, fault } = FAULTS[rule];
      const { finding } = run(
        `without ${rule} (${RULES[rule]})`,
        { ...world, without: rule },
        { liveness: rule === 'forget-what-is-given-up' },
      );
      expect(finding?.violation).toMatch(fault);
      expect(finding?.trace.length).toBeGreaterThan(3);
    },
    300_000,
  );
});

/** What is known and not prevented stays known: who prevents it takes it off the list. */
describe('nothing prevents that', () => {
  it.each(Object.entries(LIMITS).filter(([, { full }]) => FULL || !full))(
    '%s',
    (name, { world, fault }) => {
      expect(run(name, world, { liveness: false }).finding?.violation).toMatch(fault);
    },
    300_000,
  );
});
