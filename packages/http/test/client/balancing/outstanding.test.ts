import fc from 'fast-check';
import { Outstanding, type Ticket } from '../../../src/client/balancing/outstanding.js';

describe('Outstanding', () => {
  it('tells how long the oldest waits, in whatever order the answers come', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(50), fc.nat(1_000))), (steps) => {
        const outstanding = new Outstanding();
        const open: Ticket[] = [];
        let now = 0;
        for (const [begins, which, elapsed] of steps) {
          now += elapsed;
          if (begins || open.length === 0) open.push(outstanding.add(now));
          else {
            const [answered] = open.splice(which % open.length, 1);
            if (answered !== undefined) {
              outstanding.remove(answered);
              outstanding.remove(answered);
            }
          }
          const [oldest] = open;
          expect(outstanding.age(now)).toBe(oldest === undefined ? 0 : now - oldest.began);
        }
      }),
    );
  });
});
