import fc from 'fast-check';
import { Deliveries } from '../../src/amqp/consuming/deliveries.js';

const QUEUES = ['orders', 'GID_red_orders', undefined];

/** The same, as a list that is looked through. */
class Plain {
  held: { readonly tag: number; readonly queue: string | undefined }[] = [];
  readonly kept = new Set<number>();
  readonly none: string[] = [];

  add(tag: number, queue: string | undefined): void {
    this.held.push({ tag, queue });
    this.held.sort((a, b) => a.tag - b.tag);
  }

  settle(upTo: number, isTogether: boolean): void {
    for (const one of this.held.filter(({ tag }) => (isTogether ? tag <= upTo : tag === upTo))) {
      this.held = this.held.filter((other) => other !== one);
      if (one.queue !== undefined && this.inHand(one.queue) === 0) this.none.push(one.queue);
    }
  }

  inHand(name: string | undefined): number {
    return this.held.filter(({ queue }) => queue === name).length;
  }
}

const step = fc.oneof(
  fc.record({ do: fc.constant('deliver' as const), queue: fc.constantFrom(...QUEUES) }),
  fc.record({ do: fc.constant('get' as const), queue: fc.constantFrom(...QUEUES) }),
  fc.record({ do: fc.constantFrom('ack' as const, 'ackUpTo' as const, 'keep' as const), back: fc.nat(6) }),
  fc.record({ do: fc.constant('ackAll' as const) }),
);

it('what is in hand is what was delivered and not settled, in the order of the broker', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const deliveries = new Deliveries();
      const plain = new Plain();
      const none: string[] = [];
      deliveries.onNone = (name) => none.push(name);
      let last = 0;
      let late: { tag: number; queue: string | undefined } | undefined;
      const add = (tag: number, queue: string | undefined): void => {
        deliveries.add(tag, deliveries.of(queue));
        plain.add(tag, queue);
      };
      for (const one of steps) {
        if (one.do === 'deliver') {
          add(++last, one.queue);
          // What `get` took is told of after what came behind it.
          if (late !== undefined) add(late.tag, late.queue);
          late = undefined;
        } else if (one.do === 'get') late ??= { tag: ++last, queue: one.queue };
        else if (one.do === 'ack' || one.do === 'ackUpTo') {
          deliveries.settle(last - one.back, one.do === 'ackUpTo');
          plain.settle(last - one.back, one.do === 'ackUpTo');
        } else if (one.do === 'keep') {
          deliveries.keepBack(last - one.back);
          plain.kept.add(last - one.back);
        } else {
          deliveries.settleAll();
          plain.settle(Number.POSITIVE_INFINITY, true);
        }
        for (let tag = last - 7; tag <= last; tag++)
          expect(deliveries.has(tag)).toBe(plain.held.some((held) => held.tag === tag));
        for (const queue of QUEUES) expect(deliveries.of(queue).count).toBe(plain.inHand(queue));
      }
      const tags = plain.held.map(({ tag }) => tag);
      expect(deliveries.size).toBe(tags.length);
      expect(deliveries.first).toBe(tags[0] ?? Number.POSITIVE_INFINITY);
      expect(deliveries.handed(last)).toEqual(tags.filter((tag) => !plain.kept.has(tag)));
      expect(none).toEqual(plain.none);
    }),
  );
});
