import { run } from './report.js';
import { RULES, type Rule } from './world.js';
import { FAULTS } from './worlds.js';

/** Each rule is there for a fault: without it the model finds that fault, by the shortest way. */
describe('without the rule', () => {
  it.each(Object.keys(RULES) as Rule[])(
    '%s, a message is lost or handled twice',
    (rule) => {
      const { world, fault } = FAULTS[rule];
      const { finding } = run(
        `without ${rule} (${RULES[rule]})`,
        { ...world, without: rule },
        { liveness: false },
      );
      expect(finding?.violation).toMatch(fault);
      expect(finding?.trace.length).toBeGreaterThan(5);
    },
    300_000,
  );
});
