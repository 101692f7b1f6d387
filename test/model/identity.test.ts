import { explore } from './explore.js';
import { IdentityModel } from './identity/model.js';
import { IDENTITY_RULES, type IdentityRule, type IdentityWorld } from './identity/world.js';
import { BOUNDED_WORLDS, FAULTS, FULL_WORLDS, LIMITS } from './identity/worlds.js';
import { FULL, lines, tell } from './report.js';

function expectToHold(name: string, world: IdentityWorld): void {
  const { complete, finding, states } = tell(name, explore(new IdentityModel(world)));
  expect(finding && `${finding.violation}\n${lines(finding.trace)}`).toBeUndefined();
  expect(complete).toBe(true);
  expect(states).toBeGreaterThan(1_000);
}

/**
 * Boundaries of a topic that is gone, and what a process remembers of a directory that was emptied. That two clusters may
 * have topics and groups of equal names is decided before all this: the keys of a state have the cluster, so what is of
 * two clusters never meets (`handoverPrefix`, tested in `packages/mq/test/ownership/handover-keys.test.ts`).
 */
describe('the identity of a topic', () => {
  it.each(Object.entries(FULL ? FULL_WORLDS : BOUNDED_WORLDS))(
    'holds with %s',
    (name, world) => expectToHold(name, world),
    1_800_000,
  );
});

if (FULL)
  it.each(Object.entries(LIMITS))(
    'a message may wait for ever with %s',
    (name, world) => {
      const { finding } = tell(name, explore(new IdentityModel(world)));
      expect(finding?.violation).toMatch(/^stuck/);
    },
    1_800_000,
  );

describe('without the rule', () => {
  it.each(Object.keys(IDENTITY_RULES) as IdentityRule[])(
    '%s, a message is lost, or waits for ever',
    (rule) => {
      const { world, fault } = FAULTS[rule];
      const model = new IdentityModel({ ...world, without: rule });
      const found = explore(model, { liveness: String(fault).includes('stuck') });
      const { finding } = tell(`without ${rule} (${IDENTITY_RULES[rule]})`, found);
      expect(finding?.violation).toMatch(fault);
    },
    300_000,
  );
});
