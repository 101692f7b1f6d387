import type { StateEntry } from '@colorway/core';
import { FenceStore } from '../../src/ownership/fence-store.js';
import { encodeFence, encodeHandover } from '../../src/ownership/handover-codec.js';
import { type FenceKind, fenceKey, stateKey } from '../../src/ownership/handover-keys.js';
import type { Handover } from '../../src/ownership/handover-state.js';

const NAMES = { group: 'GID_order', topic: 'orders' };
const active: Handover = { kind: 'active', epoch: 5, since: 5 };
const leaving: Handover = { kind: 'leaving', epoch: 5, since: 5, onLeave: 'drain' };

describe('what a read lacks', () => {
  let store: FenceStore;
  const state = (handover: Handover, color = 'red'): StateEntry => ({
    ...{ key: stateKey(store.prefix, color), version: '1' },
    value: encodeHandover(handover, NAMES),
  });
  const fence = (kind: FenceKind, partition: number, epoch = 5): StateEntry => ({
    ...{ key: fenceKey(store.prefix, 'red', epoch, kind, partition), version: '1' },
    value: encodeFence(3n, 'test'),
  });
  beforeEach(() => {
    store = new FenceStore({ ...NAMES, coloredGroup: (color) => `GID_${color}_order` });
    store.refresh([state(active), fence('join', 0)]);
  });
  const lost = (entries: readonly StateEntry[], reading = store.begin()) =>
    store
      .lostFences(store.answer(entries, reading))
      .flatMap(({ color, fences }) => fences.map((one) => `${color} ${one.fence} ${one.partition}`));

  it('is a boundary that was known before', () => {
    store.add(fence('join', 1), store.begin());
    expect(lost([state(active), fence('join', 0)])).toEqual(['red join 1']);
    expect(lost([state(active), fence('join', 0), fence('join', 1)])).toEqual([]);
    expect(store.lostFences(store.answer([state(active)], store.begin()), 'blue')).toEqual([]);
  });

  it('is not one that was made while it was under way', () => {
    const reading = store.begin();
    store.add(fence('join', 1), store.begin());
    expect(lost([state(active), fence('join', 0)], reading)).toEqual([]);
  });

  it('is not one that counts no more, or of which nobody knows what became', () => {
    expect(lost([state({ kind: 'absent', epoch: 5, since: 6 })])).toEqual([]);
    expect(lost([state({ kind: 'active', epoch: 9, since: 9 })])).toEqual([]);
    expect(lost([state({ kind: 'active', epoch: 4, since: 4 })])).toEqual([]);
    expect(lost([])).toEqual([]);
  });

  it('is a state that is later than the one that stands', () => {
    store.add(state(leaving), store.begin());
    expect(store.lacksKnown(store.answer([state(active)], store.begin()))).toBe(true);
    expect(store.lacksKnown(store.answer([state(leaving)], store.begin()))).toBe(false);
  });

  it('is not one that was written while it was under way', () => {
    const reading = store.begin();
    store.add(state(leaving), store.begin());
    expect(store.lacksKnown(store.answer([state(active)], reading))).toBe(false);
  });

  it('is asked for when a watch tells that a boundary is gone that counts, and no other', () => {
    store.apply({ kind: 'delta', put: [], removed: [fence('leave', 0).key, fence('join', 0, 4).key] });
    expect(store.doubtful()).toEqual([]);
    store.apply({ kind: 'delta', put: [], removed: [fence('join', 0).key] });
    expect(store.doubtful()).toEqual(['red']);
    store.refresh([state(active), fence('join', 0)]);
    expect(store.doubtful()).toEqual([]);
    store.apply({ kind: 'snapshot', entries: [state(active), fence('join', 0)] });
    expect(store.doubtful()).toEqual([]);
    store.apply({ kind: 'snapshot', entries: [state(active)] });
    expect(store.doubtful()).toEqual(['red']);
  });

  it('is nothing where fences are deleted because they are folded', () => {
    const over = state({
      kind: 'absent',
      epoch: 5,
      since: 6,
      past: new Map([[0, [{ join: 1n, leave: 3n }]]]),
    });
    store.apply({ kind: 'delta', put: [over], removed: [fence('join', 0).key] });
    expect(store.doubtful()).toEqual([]);
  });
});
