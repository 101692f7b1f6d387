import { fenceKey, handoverPrefix, parseHandoverKey, stateKey } from '../../src/ownership/handover-keys.js';

describe('groups and topics of equal names in two clusters', () => {
  const clusters = [undefined, 'MkU3OEVBNTcwNTJENDM2Qk', 'a1u5qLZ-TuWx6nVbE9ycPg'];
  const prefixes = clusters.map((cluster) => handoverPrefix('GID_order', 'orders', cluster));

  it('have keys of their own, for the state of a color and for its boundaries', () => {
    expect(prefixes[0]).toBe('mq/GID_order/orders/');
    const keys = prefixes.flatMap((prefix) => [
      stateKey(prefix, 'red'),
      fenceKey(prefix, 'red', 3, 'join', 0),
    ]);
    expect(new Set(keys).size).toBe(6);
  });

  it('are nothing to each other: what is below the one is no key of the other', () => {
    for (const own of prefixes) {
      for (const other of prefixes) {
        const found = parseHandoverKey(own, stateKey(other, 'red'));
        expect(found).toEqual(own === other ? { kind: 'state', color: 'red' } : undefined);
      }
    }
  });

  it('are not mixed up with a group whose name looks like one in a cluster', () => {
    expect(handoverPrefix('GID_order@one', 'orders')).not.toBe(handoverPrefix('GID_order', 'orders', 'one'));
  });
});
