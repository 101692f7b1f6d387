import { FULL, lines, run } from './report.js';
import { BOUNDED_WORLDS, FULL_WORLDS } from './worlds.js';

/*
 * Law 5 in every interleaving of small worlds, on the very functions that ship. No message is lost; none is
 * handled twice, unless a crash or a reassignment came between handling and commit; and from every state
 * everything can still be handled, with no help of another fault.
 */
describe('the hand-over of messages', () => {
  it.each(Object.entries(FULL ? FULL_WORLDS : BOUNDED_WORLDS))(
    'holds with %s',
    (name, world) => {
      const { complete, finding, states } = run(name, world);
      expect(finding && `${finding.violation}\n${lines(finding.trace)}`).toBeUndefined();
      expect(complete).toBe(true);
      expect(states).toBeGreaterThan(1_000);
    },
    900_000,
  );
});
