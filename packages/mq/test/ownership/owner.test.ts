import type { StateEntry } from '@colorway/core';
import fc from 'fast-check';
import { FenceStore } from '../../src/ownership/fence-store.js';
import type { FenceTable } from '../../src/ownership/fences.js';
import { encodeFence, encodeHandover } from '../../src/ownership/handover-codec.js';
import { type FenceKind, fenceKey, stateKey } from '../../src/ownership/handover-keys.js';
import type { Handover } from '../../src/ownership/handover-state.js';
import { owner } from '../../src/ownership/owner.js';

const NAMES = { group: 'GID_order', topic: 'orders' };
const newStore = (): FenceStore =>
  new FenceStore({ ...NAMES, coloredGroup: (color) => `GID_${color}_order` });
const { prefix } = newStore();
const state = (color: string, handover: Handover): StateEntry => ({
  key: stateKey(prefix, color),
  value: encodeHandover(handover, NAMES),
  version: '1',
});
const fence = (
  color: string,
  epoch: number,
  kind: FenceKind,
  partition: number,
  offset: bigint,
): StateEntry => ({
  key: fenceKey(prefix, color, epoch, kind, partition),
  value: encodeFence(offset, 'test'),
  version: '1',
});
/** A read has found the color: what a watch tells of it is no surprise. */
const knowing = (...colors: string[]): FenceStore => {
  const store = newStore();
  store.refresh(['feat', ...colors].map((color) => state(color, { kind: 'absent', epoch: 0 })));
  return store;
};
const tableOf = (...entries: StateEntry[]): FenceTable => {
  const store = newStore();
  store.refresh(entries);
  return store.current();
};
const decide = (table: FenceTable, offset: bigint, color = 'feat', partition = 0): string => {
  const found = owner(color, partition, offset, table);
  return `${found.kind} ${found.reason}`;
};
const leaving: Handover = { kind: 'leaving', epoch: 1, onLeave: 'drain' };

describe('owner', () => {
  it('gives what has no color, or no hand-over, to the baseline', () => {
    const table = tableOf(state('feat', { kind: 'joining', epoch: 1 }));
    expect(owner(undefined, 0, 5n, table)).toEqual({
      kind: 'baseline',
      group: 'GID_order',
      reason: 'no-color',
    });
    expect(decide(tableOf(), 5n)).toBe('baseline not-joined');
    expect(decide(table, 5n, 'other')).toBe('baseline not-joined');
  });

  it.each<[string, StateEntry[], bigint, string]>([
    [
      'joining without a fence',
      [state('feat', { kind: 'joining', epoch: 1 })],
      5n,
      'undecided join-fence-missing',
    ],
    [
      'active, in a partition that is new',
      [state('feat', { kind: 'active', epoch: 1 })],
      5n,
      'undecided join-fence-missing',
    ],
    [
      'below the join fence',
      [state('feat', { kind: 'active', epoch: 1 }), fence('feat', 1, 'join', 0, 5n)],
      4n,
      'baseline before-join',
    ],
    [
      'at the join fence',
      [state('feat', { kind: 'active', epoch: 1 }), fence('feat', 1, 'join', 0, 5n)],
      5n,
      'colored joined',
    ],
    [
      'leaving, stop unknown',
      [state('feat', leaving), fence('feat', 1, 'join', 0, 5n)],
      6n,
      'undecided stop-fence-missing',
    ],
    [
      'leaving, below the stop',
      [state('feat', leaving), fence('feat', 1, 'join', 0, 5n), fence('feat', 1, 'stop', 0, 8n)],
      7n,
      'colored joined',
    ],
    [
      'leaving, at the stop',
      [state('feat', leaving), fence('feat', 1, 'join', 0, 5n), fence('feat', 1, 'stop', 0, 8n)],
      8n,
      'undecided leave-fence-missing',
    ],
    [
      'left, below the leave fence',
      [state('feat', leaving), fence('feat', 1, 'join', 0, 5n), fence('feat', 1, 'leave', 0, 9n)],
      8n,
      'colored left-behind',
    ],
    [
      'left, at the leave fence',
      [state('feat', leaving), fence('feat', 1, 'join', 0, 5n), fence('feat', 1, 'leave', 0, 9n)],
      9n,
      'baseline after-leave',
    ],
    [
      'a partition that is newer than the epoch',
      [state('feat', { kind: 'absent', epoch: 1 })],
      3n,
      'baseline not-joined',
    ],
    [
      'a state that cannot be read',
      [{ key: stateKey(prefix, 'feat'), value: '{"state":"sideways"}', version: '1' }],
      3n,
      'undecided unreadable',
    ],
    [
      'a fence that cannot be read',
      [
        state('feat', { kind: 'active', epoch: 1 }),
        { key: fenceKey(prefix, 'feat', 1, 'join', 0), value: '-7', version: '1' },
      ],
      3n,
      'undecided join-fence-missing',
    ],
    ['a fence of a color without an entry', [fence('feat', 1, 'join', 0, 5n)], 6n, 'baseline not-joined'],
    [
      'a fence ahead of the state that it follows from',
      [state('feat', { kind: 'absent', epoch: 1, since: 2 }), fence('feat', 2, 'join', 0, 5n)],
      6n,
      'colored joined',
    ],
    [
      'what an epoch had that is folded',
      [
        state('feat', {
          kind: 'active',
          epoch: 7,
          since: 7,
          past: new Map([[0, [{ join: 2n, leave: 4n }]]]),
        }),
      ],
      3n,
      'colored left-behind',
    ],
    [
      'a fence of an epoch that is folded',
      [state('feat', { kind: 'absent', epoch: 7, since: 8 }), fence('feat', 7, 'join', 0, 2n)],
      3n,
      'baseline not-joined',
    ],
    [
      'a leave fence without its join fence',
      [state('feat', leaving), fence('feat', 1, 'leave', 0, 9n)],
      8n,
      'undecided view-incomplete',
    ],
  ])('%s', (_name, entries, offset, expected) => {
    expect(decide(tableOf(...entries), offset)).toBe(expected);
  });

  it('decides nothing of a color before the view was refreshed', () => {
    const store = newStore();
    expect(decide(store.unrefreshed(), 0n)).toBe('undecided view-not-refreshed');
    expect(owner(undefined, 0, 0n, store.unrefreshed()).kind).toBe('baseline');
  });

  it('does not take a fence that a watch has not told yet for one that does not exist', () => {
    const store = knowing();
    for (const handover of [leaving, { kind: 'draining', epoch: 1, onLeave: 'drain' } as const])
      store.add(state('feat', handover));
    expect(decide(store.current(), 3n)).toBe('undecided view-incomplete');
    store.refresh([state('feat', { kind: 'draining', epoch: 1, onLeave: 'drain' })]);
    expect(decide(store.current(), 3n)).toBe('baseline not-joined');
  });

  it('knows what lies behind a fence, whatever is missing before it', () => {
    const store = knowing();
    for (const entry of [state('feat', { kind: 'active', epoch: 3 }), fence('feat', 3, 'join', 0, 9n)])
      store.add(entry);
    expect([8n, 9n].map((offset) => decide(store.current(), offset))).toEqual([
      'undecided view-incomplete',
      'colored joined',
    ]);
  });

  it('holds offsets beyond 2^53', () => {
    const far = 2n ** 60n;
    const table = tableOf(state('feat', { kind: 'active', epoch: 1 }), fence('feat', 1, 'join', 0, far));
    expect([decide(table, far - 1n), decide(table, far)]).toEqual(['baseline before-join', 'colored joined']);
  });

  it('equals the formula of the design for any number of epochs', () => {
    const boundaries = fc.array(fc.bigInt(0n, 50n), { minLength: 0, maxLength: 9 });
    fc.assert(
      fc.property(boundaries, fc.bigInt(0n, 55n), (unsorted, offset) => {
        const sorted = [...unsorted].sort((a, b) => Number(a - b));
        const epochs = Math.ceil(sorted.length / 2);
        const entries = sorted.map((at, index) =>
          fence('feat', 1 + (index >> 1), index % 2 ? 'leave' : 'join', 0, at),
        );
        const open = sorted.length % 2 === 1;
        entries.push(state('feat', { kind: open ? 'active' : 'absent', epoch: epochs }));
        let colored = false;
        for (let epoch = 0; epoch < epochs; epoch++) {
          const join = sorted[2 * epoch] as bigint;
          const leave = sorted[2 * epoch + 1];
          colored ||= join <= offset && (leave === undefined || offset < leave);
        }
        expect(owner('feat', 0, offset, tableOf(...entries)).kind).toBe(colored ? 'colored' : 'baseline');
      }),
    );
  });
});

describe('FenceStore', () => {
  const history: StateEntry[] = [
    state('feat', { kind: 'joining', epoch: 1 }),
    fence('feat', 1, 'join', 0, 3n),
    state('feat', { kind: 'active', epoch: 1 }),
    state('feat', leaving),
    fence('feat', 1, 'stop', 0, 4n),
    fence('feat', 1, 'leave', 0, 6n),
    state('feat', { kind: 'draining', epoch: 1, onLeave: 'drain' }),
    state('feat', { kind: 'draining', epoch: 1, onLeave: 'drain', closer: 'a' }),
    state('feat', { kind: 'absent', epoch: 1 }),
    state('feat', { kind: 'joining', epoch: 2 }),
    fence('feat', 2, 'join', 0, 7n),
  ];

  it('comes to the same whatever the order and however often', () => {
    const expected = knowing();
    for (const entry of history) expected.add(entry);
    const shuffled = fc.shuffledSubarray([...history, ...history], {
      minLength: 2 * history.length,
      maxLength: 2 * history.length,
    });
    fc.assert(
      fc.property(shuffled, (entries) => {
        const store = knowing();
        for (const entry of entries) store.add(entry);
        expect(store.current().colors).toEqual(expected.current().colors);
      }),
    );
  });

  it('takes nothing back while the entry stands: not for an older snapshot, not for fences that were removed', () => {
    const store = knowing();
    for (const entry of history) store.add(entry);
    const before = store.current();
    store.apply({ kind: 'snapshot', entries: history.slice(0, 3) });
    const fences = history.filter(({ key }) => key !== stateKey(prefix, 'feat'));
    store.apply({ kind: 'delta', put: [], removed: fences.map(({ key }) => key) });
    expect(store.current()).toBe(before);
  });

  it('makes anew only what changed, and counts versions', () => {
    const store = knowing('other');
    store.apply({
      kind: 'snapshot',
      entries: [...history, state('other', { kind: 'joining', epoch: 1 }), fence('feat', 1, 'join', 1, 0n)],
    });
    const before = store.current();
    store.add(fence('feat', 2, 'join', 1, 9n));
    const after = store.current();
    expect(after.version).toBe(before.version + 1);
    expect(after.colors.get('other')).toBe(before.colors.get('other'));
    expect(after.colors.get('feat')?.partitions.get(0)).toBe(before.colors.get('feat')?.partitions.get(0));
    expect(after.colors.get('feat')?.partitions.get(1)).not.toBe(
      before.colors.get('feat')?.partitions.get(1),
    );
    expect(before.colors.get('feat')?.partitions.get(1)?.epochs).toHaveLength(1);
    expect(decide(after, 9n, 'feat', 1)).toBe('colored joined');
  });

  it('leaves keys of others alone, and reports what it cannot read', () => {
    const unreadable: string[] = [];
    const store = new FenceStore({
      ...NAMES,
      coloredGroup: () => 'g',
      onUnreadable: (why) => unreadable.push(why),
    });
    const before = store.current();
    store.add({ key: 'mq/other/orders/feat', value: 'x', version: '1' });
    store.add({ key: `${prefix}__proto__`, value: 'x', version: '1' });
    store.add({ key: `${prefix}feat/1/join/01`, value: 'x', version: '1' });
    expect(store.current()).toBe(before);
    store.refresh([{ key: `${prefix}feat`, value: 'x', version: '1' }]);
    expect(unreadable).toEqual([expect.stringContaining('not a JSON object')]);
    store.add(state('feat', { kind: 'joining', epoch: 1 }));
    expect(decide(store.current(), 1n)).toBe('undecided join-fence-missing');
  });

  describe('of an entry that is deleted', () => {
    const joining = state('feat', { kind: 'joining', epoch: 5, since: 5 });
    const active = state('feat', { kind: 'active', epoch: 5, since: 5 });
    const gone = state('feat', { kind: 'absent', epoch: 5, since: 6 });
    const removed = { kind: 'delta', put: [], removed: [stateKey(prefix, 'feat')] } as const;
    const told = (entry: StateEntry) => ({ kind: 'delta', put: [entry], removed: [] }) as const;

    it('does not believe a watch that tells of a color which no read has found', () => {
      const store = newStore();
      store.refresh([]);
      for (const entry of [active, fence('feat', 5, 'join', 0, 2n)]) store.apply(told(entry));
      expect(decide(store.current(), 3n)).toBe('undecided view-incomplete');
      expect(store.doubtful()).toEqual(['feat']);
      store.refresh([], store.begin(), 'feat');
      expect(decide(store.current(), 3n)).toBe('baseline not-joined');
      expect(store.current().colors.size).toBe(0);
    });

    it.each(['a watch', 'another read'])(
      'asks again where %s told that it came back while a read was under way that did not find it',
      (who) => {
        const store = newStore();
        store.refresh([gone]);
        const reading = store.begin();
        const again = [
          state('feat', { kind: 'active', epoch: 6, since: 6 }),
          fence('feat', 6, 'join', 0, 2n),
        ];
        if (who === 'another read') store.refresh(again);
        else for (const entry of again) store.apply(told(entry));
        store.refresh([], reading);
        expect(store.doubtful()).toEqual(['feat']);
        expect(decide(store.current(), 3n)).toBe('undecided view-incomplete');
        store.refresh(again);
        expect([store.doubtful(), decide(store.current(), 3n)]).toEqual([[], 'colored joined']);
      },
    );

    it('keeps what a watch told while a read was under way that had begun before', () => {
      const store = newStore();
      const reading = store.begin();
      store.apply(told(joining));
      store.refresh([], reading);
      expect(store.doubtful()).toEqual(['feat']);
      store.refresh([joining, fence('feat', 5, 'join', 0, 2n)]);
      expect([store.doubtful(), decide(store.current(), 3n)]).toEqual([[], 'colored joined']);
    });

    it('knows at once that one is gone which had nothing left, and asks about any other', () => {
      const store = newStore();
      store.refresh([gone]);
      store.apply(removed);
      expect([store.doubtful(), store.current().colors.size]).toEqual([[], 0]);
      store.refresh([active, fence('feat', 5, 'join', 0, 2n)]);
      store.apply(removed);
      expect([store.doubtful(), decide(store.current(), 3n)]).toEqual([
        ['feat'],
        'undecided view-incomplete',
      ]);
    });

    it('takes an answer that a removal overtook for no proof that the color stands', () => {
      const store = newStore();
      store.refresh([active]);
      const reading = store.begin();
      store.apply(removed);
      store.refresh([active], reading);
      expect(store.doubtful()).toEqual(['feat']);
      store.refresh([]);
      expect([store.doubtful(), store.current().colors.size]).toEqual([[], 0]);
    });

    it('is not confused by a watch that tells of the end of an earlier life after a read of the next', () => {
      const store = newStore();
      store.refresh([gone]);
      store.refresh([state('feat', { kind: 'active', epoch: 9, since: 9 }), fence('feat', 9, 'join', 0, 2n)]);
      for (const change of [told(gone), removed]) store.apply(change);
      expect(decide(store.current(), 3n)).toBe('undecided view-incomplete');
      store.refresh([state('feat', { kind: 'active', epoch: 9, since: 9 }), fence('feat', 9, 'join', 0, 2n)]);
      expect(decide(store.current(), 3n)).toBe('colored joined');
    });

    it('believes a read that finds a later life under a lower number', () => {
      const store = newStore();
      store.refresh([gone]);
      store.apply(removed);
      store.refresh([state('feat', { kind: 'joining', epoch: 4, since: 4 })]);
      expect(decide(store.current(), 3n)).toBe('undecided join-fence-missing');
    });
  });
});
