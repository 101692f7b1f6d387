import { FenceStore } from '../../src/ownership/fence-store.js';
import { encodeFence, encodeHandover } from '../../src/ownership/handover-codec.js';
import { type FenceKind, fenceKey, stateKey } from '../../src/ownership/handover-keys.js';
import type { Handover } from '../../src/ownership/handover-state.js';
import { type Remembered, restorePlan } from '../../src/ownership/restore-plan.js';

const NAMES = { group: 'GID_order', topic: 'orders' };

function remembered(state: Handover, fences: [number, FenceKind, number, bigint][]): Remembered {
  const store = new FenceStore({ ...NAMES, coloredGroup: (color) => `GID_${color}_order` });
  store.refresh([
    { key: stateKey(store.prefix, 'red'), value: encodeHandover(state, NAMES), version: '1' },
    ...fences.map(([epoch, fence, partition, offset]) => ({
      key: fenceKey(store.prefix, 'red', epoch, fence, partition),
      value: encodeFence(offset, 'test'),
      version: '1',
    })),
  ]);
  const [found] = store.remembered();
  if (found === undefined) throw new Error('not needed');
  return found;
}

const past = new Map([[0, [{ join: 1n, leave: 2n }]]]);
const active: Handover = { kind: 'active', epoch: 5, since: 5, past };
const leaving: Handover = { kind: 'leaving', epoch: 5, since: 5, onLeave: 'drain', past };
const joins: [number, FenceKind, number, bigint][] = [
  [5, 'join', 0, 3n],
  [5, 'join', 1, 4n],
];
const known = remembered(active, joins);

describe('what is put back into a directory that was emptied', () => {
  it('is all that is known, where nothing stands', () => {
    const plan = restorePlan(known, undefined);
    expect(plan.state).toEqual(active);
    expect(plan.fences).toEqual(
      joins.map(([epoch, fence, partition, offset]) => ({ epoch, fence, partition, offset })),
    );
  });

  it('is the later of two states of an epoch, whoever comes first, and the fences of both', () => {
    const later = remembered(leaving, [...joins, [5, 'stop', 0, 8n]]);
    expect(restorePlan(later, active).state).toEqual(leaving);
    expect(restorePlan(known, leaving)).toMatchObject({ state: undefined, fences: { length: 2 } });
    expect(restorePlan(later, { ...leaving, onLeave: 'discard' }).state).toBeUndefined();
    expect(restorePlan(remembered({ ...leaving, onLeave: 'discard' }, joins), leaving).state).toMatchObject({
      onLeave: 'discard',
    });
  });

  it('is what the color had committed, too, in the same epoch and in one begun anew', () => {
    const progress = new Map([[0, 7n]]);
    const more = remembered({ ...active, progress }, joins);
    expect(restorePlan(more, active).state).toEqual({ ...active, progress });
    expect(restorePlan(more, leaving).state).toEqual({ ...leaving, progress });
    expect(restorePlan(more, { kind: 'joining', epoch: 9, since: 9 }).state).toMatchObject({
      epoch: 9,
      progress,
      past,
    });
  });

  it('is nothing where the epoch is over', () => {
    expect(restorePlan(known, { kind: 'absent', epoch: 5, since: 6 })).toEqual({
      fences: [],
      state: undefined,
    });
  });

  it('lets an epoch that somebody began anew begin where the one before began', () => {
    const plan = restorePlan(known, { kind: 'joining', epoch: 9, since: 9 });
    expect(plan.fences.map(({ epoch, fence, offset }) => [epoch, fence, offset])).toEqual([
      [9, 'join', 3n],
      [9, 'join', 4n],
    ]);
    expect(plan.state).toEqual({ kind: 'joining', epoch: 9, since: 9, past });
    expect(restorePlan(known, { kind: 'draining', epoch: 9, since: 9, onLeave: 'drain' }).fences).toEqual([]);
  });

  it('is nothing where somebody joined in the topic that was made again meanwhile', () => {
    const old = remembered({ ...active, log: 'first' }, joins);
    const standing: Handover = { kind: 'joining', epoch: 9, since: 9, log: 'second' };
    expect(restorePlan(old, standing)).toEqual({ fences: [], state: undefined });
    expect(restorePlan(old, { ...standing, log: 'first' }).fences).toHaveLength(2);
    // It was put back by who did not know the later one yet.
    const later = remembered({ kind: 'joining', epoch: 9, since: 9, log: 'second' }, [[9, 'join', 0, 1n]]);
    const plan = restorePlan(later, { ...active, log: 'first' });
    expect(plan.state).toMatchObject({ epoch: 9, log: 'second' });
    expect(plan.fences).toEqual([{ epoch: 9, fence: 'join', partition: 0, offset: 1n }]);
    // Whoever looks at the topic next finds what it is of.
    expect(restorePlan(old, undefined).state).toMatchObject({ log: 'first' });
  });
});
