import type { StateEntry } from '@colorway/core';
import fc from 'fast-check';
import { FenceStore } from '../../src/ownership/fence-store.js';
import { handoverHere } from '../../src/ownership/fences.js';
import { fold } from '../../src/ownership/fold.js';
import { encodeFence, encodeHandover, parseHandover } from '../../src/ownership/handover-codec.js';
import { type FenceKind, fenceKey, handoverPrefix, stateKey } from '../../src/ownership/handover-keys.js';
import { activate, type Handover, join, leave, NEVER_JOINED } from '../../src/ownership/handover-state.js';
import { owner } from '../../src/ownership/owner.js';
import { stillNeeded } from '../../src/ownership/past.js';
import { sweepPlan } from '../../src/ownership/sweep-plan.js';

const NAMES = { group: 'GID_order', topic: 'orders' };
const prefix = handoverPrefix(NAMES.group, NAMES.topic);
const state = (handover: Handover, color = 'feat'): StateEntry => ({
  key: stateKey(prefix, color),
  value: encodeHandover(handover, NAMES),
  version: '1',
});
const fence = (epoch: number, kind: FenceKind, partition: number, offset: bigint, color = 'feat') => ({
  key: fenceKey(prefix, color, epoch, kind, partition),
  value: encodeFence(offset, 'test'),
  version: '1',
});
const tableOf = (entries: readonly StateEntry[]) => {
  const store = new FenceStore({ ...NAMES, coloredGroup: (color) => `GID_${color}_order` });
  store.refresh(entries);
  return store.current();
};
const colorOf = (entries: readonly StateEntry[]) => {
  const found = tableOf(entries).colors.get('feat');
  if (found === undefined) throw new Error('The color is not known.');
  return found;
};

describe('an epoch that is folded into its entry', () => {
  /** Boundaries of any number of epochs in two partitions, over or with the last one open. */
  const history = fc.record({
    partitions: fc.tuple(
      fc.array(fc.bigInt(0n, 40n), { maxLength: 8 }),
      fc.array(fc.bigInt(0n, 40n), { maxLength: 8 }),
    ),
    open: fc.boolean(),
  });
  const entriesOf = ({ partitions, open }: { partitions: bigint[][]; open: boolean }) => {
    const lines = partitions.map((unsorted) => {
      const sorted = [...unsorted].sort((a, b) => Number(a - b));
      return sorted.slice(0, sorted.length - (sorted.length % 2 === (open ? 1 : 0) ? 0 : 1));
    });
    const epochs = Math.max(1, ...lines.map(({ length }) => Math.ceil(length / 2)));
    // A partition with fewer appeared later.
    const fences = lines.flatMap((line, partition) => {
      const first = 1 + epochs - Math.ceil(line.length / 2);
      return line.map((at, index) =>
        fence(first + (index >> 1), index % 2 ? 'leave' : 'join', partition, at),
      );
    });
    const handover: Handover = open ? { kind: 'active', epoch: epochs } : { kind: 'absent', epoch: epochs };
    return { handover, fences };
  };

  it('leaves every owner as it was, with its fences deleted, with some of them and with all', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 0, max: 9 }), fc.bigInt(0n, 45n), (made, deleted, offset) => {
        const { handover, fences } = entriesOf(made);
        const before = tableOf([state(handover), ...fences]);
        const folded = fold(handover, colorOf([state(handover), ...fences])) ?? handover;
        const sweeps = sweepPlan(prefix, [state(folded), ...fences]);
        const dead = new Set(sweeps.folded.slice(deleted).map(({ key }) => key));
        const after = tableOf([state(folded), ...fences.filter(({ key }) => !dead.has(key))]);
        for (const partition of [0, 1]) {
          expect(owner('feat', partition, offset, after).kind).toBe(
            owner('feat', partition, offset, before).kind,
          );
          if (made.open)
            expect(handoverHere(after, 'feat', partition).current).toEqual(
              handoverHere(before, 'feat', partition).current,
            );
        }
      }),
    );
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(history, (made) => {
        const { handover, fences } = entriesOf(made);
        const folded = fold(handover, colorOf([state(handover), ...fences])) ?? handover;
        expect(parseHandover(encodeHandover(folded, NAMES))).toEqual(folded);
      }),
    );
  });

  it('forgets what the baseline has read past, and nothing else', () => {
    fc.assert(
      fc.property(history, fc.bigInt(0n, 45n), fc.bigInt(0n, 45n), (made, reached, offset) => {
        const { handover, fences } = entriesOf({ ...made, open: false });
        const folded = fold(handover, colorOf([state(handover), ...fences])) ?? handover;
        const past = stillNeeded(folded.past ?? new Map(), () => reached);
        const before = owner('feat', 0, offset, tableOf([state(folded)])).kind;
        const after = owner('feat', 0, offset, tableOf([state({ ...folded, past })])).kind;
        if (offset >= reached) expect(after).toBe(before);
      }),
    );
  });

  it('goes with the color into its next epoch, where the join fence is not before its end', () => {
    const past = new Map([[0, [{ join: 3n, leave: 8n }]]]);
    const next = join({ kind: 'absent', epoch: 4, since: 5, past }, 1_000).state;
    expect(next).toEqual({ kind: 'joining', epoch: 1_000, since: 1_000, past });
    expect(activate(next, 1_000).state.past).toEqual(past);
    expect(leave(next, 1_000, 'drain').state).toMatchObject({ since: 1_000, past });
    expect(handoverHere(tableOf([state(next)]), 'feat', 0).leaveBefore).toBe(8n);
  });

  it('is not folded where a fence cannot be read', () => {
    const broken = { ...fence(1, 'leave', 0, 3n), value: '?' };
    const entries = [state({ kind: 'absent', epoch: 1 }), fence(1, 'join', 0, 1n), broken];
    expect(fold({ kind: 'absent', epoch: 1 }, colorOf(entries))).toBeUndefined();
  });

  it.each([
    '{"state":"absent","epoch":3,"past":[]}',
    '{"state":"absent","epoch":3,"past":{"x":["1","2"]}}',
    '{"state":"absent","epoch":3,"past":{"0":["1"]}}',
    '{"state":"absent","epoch":3,"past":{"0":["2","1"]}}',
    '{"state":"absent","epoch":3,"past":{"0":["1","4","3","5"]}}',
    '{"state":"absent","epoch":3,"since":"3"}',
  ])('that reads %s is unreadable', (value) => {
    expect(parseHandover(value)).toMatchObject({ kind: 'unreadable' });
  });
});

describe('the number of an epoch', () => {
  it('is the time where the entry was deleted, and never one that was used', () => {
    expect(join(NEVER_JOINED, 1_700).state).toMatchObject({ epoch: 1_700, since: 1_700 });
    expect(join({ kind: 'absent', epoch: 9_000, since: 9_001 }, 1_700).state).toMatchObject({ epoch: 9_001 });
  });

  it('goes on by one while fences of earlier epochs are not folded', () => {
    expect(join({ kind: 'absent', epoch: 3 }, 1_700).state).toEqual({ kind: 'joining', epoch: 4 });
  });
});

describe('what a sweep takes out', () => {
  it('is told apart: folded fences, strays, what is to be folded first, what is left of a color', () => {
    const entries = [
      state({ kind: 'absent', epoch: 4, since: 5 }, 'bare'),
      state({ kind: 'absent', epoch: 4, since: 5 }, 'fenced'),
      fence(4, 'join', 0, 1n, 'fenced'),
      state({ kind: 'absent', epoch: 2 }, 'old'),
      fence(2, 'join', 0, 1n, 'old'),
      state({ kind: 'active', epoch: 9, since: 9 }, 'living'),
      fence(9, 'join', 0, 1n, 'living'),
      fence(8, 'join', 0, 1n, 'living'),
      fence(3, 'stop', 1, 1n, 'stray'),
      { key: stateKey(prefix, 'broken'), value: '?', version: '1' },
      fence(1, 'join', 0, 1n, 'broken'),
    ];
    const plan = sweepPlan(prefix, entries);
    expect(plan.folded.map(({ key }) => key.slice(prefix.length))).toEqual([
      'fenced/4/join/0',
      'living/8/join/0',
    ]);
    expect([...plan.stray.keys()]).toEqual(['stray']);
    expect(plan.unfolded).toEqual(['old']);
    expect(plan.remains.map(({ color }) => color)).toEqual(['bare', 'fenced']);
  });
});
