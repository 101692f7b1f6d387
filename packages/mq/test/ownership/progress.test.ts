import { FenceStore } from '../../src/ownership/fence-store.js';
import { encodeFence, encodeHandover, parseHandover } from '../../src/ownership/handover-codec.js';
import { fenceKey, stateKey } from '../../src/ownership/handover-keys.js';
import {
  activate,
  claimClosing,
  close,
  type Handover,
  join,
  leave,
  startDraining,
  type Transition,
} from '../../src/ownership/handover-state.js';
import {
  committedOrKept,
  keepProgress,
  progressToKeep,
  withProgressOf,
} from '../../src/ownership/progress.js';
import { boundaryIsBehind, renew } from '../../src/ownership/renewal.js';

const NAMES = { group: 'GID_order', topic: 'orders' };
const ACTIVE: Handover = { kind: 'active', epoch: 3, since: 3 };
const at = (...offsets: readonly bigint[]) => new Map(offsets.entries());
const kept = (state: Handover, ...offsets: readonly bigint[]): Handover =>
  keepProgress(state, state.epoch, at(...offsets)).state;

/** In two partitions, joined at 10. */
function fencesOf(state: Handover) {
  const store = new FenceStore({ ...NAMES, coloredGroup: (color) => `GID_${color}_order` });
  const entries = [{ key: stateKey(store.prefix, 'red'), value: encodeHandover(state, NAMES), version: '1' }];
  for (const partition of [0, 1]) {
    const key = fenceKey(store.prefix, 'red', 3, 'join', partition);
    entries.push({ key, value: encodeFence(10n, 'somebody'), version: '1' });
  }
  store.refresh(entries);
  const { prefix } = store;
  const fences = () => {
    const found = store.current().colors.get('red');
    if (found === undefined) throw new Error('not there');
    return found;
  };
  return { store, prefix, fences };
}

describe('how far a color has committed', () => {
  test('is kept where it moved behind the join, and behind what was kept', () => {
    const { fences } = fencesOf(ACTIVE);
    expect(progressToKeep(fences(), at(10n, 9n))).toBeUndefined();
    expect(progressToKeep(fences(), at(10n, 11n))).toEqual(new Map([[1, 11n]]));
    const later = fencesOf(kept(ACTIVE, 20n, 30n)).fences();
    expect(progressToKeep(later, at(20n, 29n))).toBeUndefined();
    expect(progressToKeep(later, at(21n, 29n))).toEqual(new Map([[0, 21n]]));
    // Without a join fence nothing of it can have been the color's in this epoch.
    expect(progressToKeep(later, new Map([[2, 50n]]))).toBeUndefined();
  });

  test('only grows, and is written when it moved', () => {
    const state = kept(ACTIVE, 20n, 30n);
    expect(keepProgress(state, 3, at(20n, 29n))).toMatchObject({ kind: 'refused', reason: 'not-moved' });
    expect(kept(state, 19n, 31n).progress).toEqual(at(20n, 31n));
  });

  test('is of one epoch: it goes along its states, and ends with it', () => {
    expect(keepProgress(ACTIVE, 2, at(20n))).toMatchObject({ kind: 'refused', reason: 'other-epoch' });
    const next = (transition: Transition): Handover => {
      expect(transition.kind).toBe('next');
      return transition.state;
    };
    const joining = next(join({ kind: 'absent', epoch: 2, since: 3 }));
    expect(joining.epoch).toBe(3);
    const leaving = next(leave(next(activate(kept(joining, 20n), 3)), 3, 'drain'));
    const draining = next(startDraining(next(leave(leaving, 3, 'discard')), 3));
    expect(draining.progress).toEqual(at(20n));
    const claimed = next(claimClosing(draining, 3, 'me'));
    expect(keepProgress(claimed, 3, at(25n))).toMatchObject({ kind: 'refused', reason: 'wrong-state' });
    const absent = next(close(claimed, 3, 'me'));
    expect(absent.progress).toBeUndefined();
    expect(keepProgress(absent, 3, at(25n)).kind).toBe('refused');
    expect(next(join(absent)).progress).toBeUndefined();
  });

  test('is gone with the log that it is of, and shows that the log is another one', () => {
    const { fences } = fencesOf(kept(ACTIVE, 20n, 30n));
    expect(boundaryIsBehind(fences(), () => 30n)).toBe(false);
    expect(boundaryIsBehind(fences(), () => 29n)).toBe(true);
    expect(renew(kept(ACTIVE, 20n), 3).state.progress).toBeUndefined();
  });

  test('stands for offsets that the broker has no more, and for no others', () => {
    expect(committedOrKept(undefined, { progress: 20n })).toBe(20n);
    expect(committedOrKept(15n, { progress: 20n })).toBe(15n);
    expect(committedOrKept(undefined, {})).toBeUndefined();
  });

  test('is read as it was written; without it an entry is as it was', () => {
    const state = kept(ACTIVE, 20n, 9_007_199_254_740_993n);
    expect(parseHandover(encodeHandover(state, NAMES))).toEqual(state);
    expect(encodeHandover(ACTIVE, NAMES)).not.toContain('progress');
    const broken = JSON.stringify({ state: 'active', epoch: 3, progress: { 0: 'far' } });
    expect(parseHandover(broken)).toMatchObject({ kind: 'unreadable' });
  });

  test('is not taken back by a watch that lags behind, nor by a version that does not know of it', () => {
    const { store, prefix, fences } = fencesOf(kept(ACTIVE, 20n, 30n));
    const tell = (state: Handover): void =>
      store.apply({
        kind: 'delta',
        put: [{ key: stateKey(prefix, 'red'), value: encodeHandover(state, NAMES), version: '2' }],
        removed: [],
      });
    tell(kept(ACTIVE, 12n));
    expect(fences().handover).toMatchObject({ progress: at(20n, 30n) });
    tell({ kind: 'leaving', epoch: 3, since: 3, onLeave: 'drain' });
    expect(fences().handover).toMatchObject({ kind: 'leaving', progress: at(20n, 30n) });
    const later: Handover = { kind: 'joining', epoch: 4, since: 4 };
    expect(withProgressOf(later, kept(ACTIVE, 20n))).toBe(later);
  });
});
