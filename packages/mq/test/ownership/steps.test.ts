import { type BaselineSituation, nextStep } from '../../src/ownership/baseline-step.js';
import { type ColoredSituation, nextColoredStep } from '../../src/ownership/colored-step.js';
import { type EmptyGroupEvidence, nextStepForEmptyGroup } from '../../src/ownership/empty-group-step.js';
import { nextEpochStep } from '../../src/ownership/epoch-step.js';
import { FenceStore } from '../../src/ownership/fence-store.js';
import { joinValue, leaveValue, stopValue } from '../../src/ownership/fence-values.js';
import { type FenceTable, type HandoverHere, handoverHere } from '../../src/ownership/fences.js';
import { encodeFence, encodeHandover } from '../../src/ownership/handover-codec.js';
import { fenceKey, stateKey } from '../../src/ownership/handover-keys.js';
import type { Handover, OnLeave } from '../../src/ownership/handover-state.js';
import { type Proof, proofOf } from '../../src/ownership/proof.js';

const NAMES = { group: 'g', topic: 't' };

/** A view: `{ 'join/0': 3n }` of the epoch of the state, `{ 'leave/0@1': 3n }` of another. */
function view(handover: Handover, fences: Record<string, bigint> = {}, complete = true): FenceTable {
  const store = new FenceStore({ ...NAMES, coloredGroup: () => 'c' });
  const entries = Object.entries(fences).map(([name, offset]) => {
    const [, kind, partition, epoch] = /^(join|stop|leave)\/(\d+)(?:@(\d+))?$/.exec(name) as unknown as [
      string,
      'join',
      string,
      string?,
    ];
    const key = fenceKey(store.prefix, 'feat', Number(epoch ?? handover.epoch), kind, Number(partition));
    return { key, value: encodeFence(offset, 'test'), version: '1' };
  });
  const all = [
    ...entries,
    { key: stateKey(store.prefix, 'feat'), value: encodeHandover(handover, NAMES), version: '1' },
  ];
  if (complete) store.refresh(all);
  else {
    // A watch that tells of the color more than the last read did.
    const value = encodeHandover({ kind: 'absent', epoch: 0 }, NAMES);
    store.refresh([{ key: stateKey(store.prefix, 'feat'), value, version: '0' }]);
    for (const entry of all) store.add(entry);
  }
  return store.current();
}
const here = (...args: Parameters<typeof view>): HandoverHere => handoverHere(view(...args), 'feat', 0);

const joining = { kind: 'joining', epoch: 2 } as const;
const active = { kind: 'active', epoch: 2 } as const;
const leaving = (onLeave: OnLeave = 'drain'): Handover => ({ kind: 'leaving', epoch: 2, onLeave });
const draining = (closer?: string): Handover => ({
  kind: 'draining',
  epoch: 2,
  onLeave: 'drain',
  ...(closer && { closer }),
});
const absent = { kind: 'absent', epoch: 2 } as const;
const BEFORE = { 'join/0@1': 1n, 'leave/0@1': 4n };
const proof = (known: Proof['known'], position = 7n, generation = 5): Proof => ({
  generation,
  position,
  known,
});

describe('the values of fences', () => {
  it('are the highest of what they must not fall behind', () => {
    expect([joinValue(3n, undefined), joinValue(3n, 5n), joinValue(6n, 5n)]).toEqual([3n, 5n, 6n]);
    expect([stopValue(undefined, 2n), stopValue(1n, 2n), stopValue(3n, 2n)]).toEqual([2n, 2n, 3n]);
    expect([leaveValue(3n, 1n, 0n), leaveValue(3n, 5n, 0n), leaveValue(3n, 5n, 9n)]).toEqual([3n, 5n, 9n]);
  });
});

describe('a proof', () => {
  it('is an accepted commit of the same position in the same generation', () => {
    const step = { kind: 'commit-in-generation', position: 7n, generation: 5, known: joining } as const;
    expect(proofOf(step, { generation: 5, position: 7n })).toEqual(proof(joining));
    expect(proofOf(step, { generation: 6, position: 7n })).toBeUndefined();
    expect(proofOf(step, { generation: 5, position: 8n })).toBeUndefined();
  });
});

describe('the next step of a baseline consumer', () => {
  const step = (situation: Partial<BaselineSituation> & Pick<BaselineSituation, 'here'>) =>
    nextStep({
      position: 7n,
      handling: false,
      refreshed: true,
      generation: 5,
      proof: undefined,
      ...situation,
    });
  const commit = (known: Proof['known']) => ({
    kind: 'commit-in-generation',
    position: 7n,
    generation: 5,
    known,
  });

  it.each<[string, Partial<BaselineSituation> & Pick<BaselineSituation, 'here'>, unknown]>([
    [
      'reads the directory after an assignment',
      { here: here(active, { 'join/0': 3n, ...BEFORE }), refreshed: false },
      { kind: 'refresh-view', reason: 'assigned' },
    ],
    [
      'reads it again when an older fence is missing',
      { here: here(joining, {}, false) },
      { kind: 'refresh-view', reason: 'view-incomplete' },
    ],
    ['does nothing without a hand-over', { here: handoverHere(view(joining), 'other', 0) }, { kind: 'none' }],
    [
      'does not commit with a message in hand',
      { here: here(joining, BEFORE), handling: true },
      { kind: 'wait', for: 'message-in-hand' },
    ],
    ['commits before it makes a join fence', { here: here(joining, BEFORE) }, commit(joining)],
    ['also in a partition that is new to an active color', { here: here(active, BEFORE) }, commit(active)],
    [
      'does not take a proof of another generation',
      { here: here(joining, BEFORE), proof: proof(joining, 7n, 4) },
      commit(joining),
    ],
    [
      'does not take a proof of another epoch',
      { here: here(joining, BEFORE), proof: proof({ kind: 'active', epoch: 1 }) },
      commit(joining),
    ],
    [
      'makes the join fence where the proof was made',
      { here: here(joining, BEFORE), proof: proof(joining, 6n) },
      { kind: 'create-join-fence', epoch: 2, offset: 6n },
    ],
    [
      'and not before the last leave fence',
      { here: here(joining, BEFORE), proof: proof(joining, 2n) },
      { kind: 'create-join-fence', epoch: 2, offset: 4n },
    ],
    [
      'in a new partition there is none',
      { here: here(joining), proof: proof(joining, 2n) },
      { kind: 'create-join-fence', epoch: 2, offset: 2n },
    ],
    [
      'is done when the join fence stands',
      { here: here(joining, { ...BEFORE, 'join/0': 6n }) },
      { kind: 'none' },
    ],
    [
      'makes the join fence first when the color leaves before',
      { here: here(leaving(), BEFORE), proof: proof(joining) },
      { kind: 'create-join-fence', epoch: 2, offset: 7n },
    ],
    [
      'waits for the stop fence',
      { here: here(leaving(), { ...BEFORE, 'join/0': 6n }) },
      { kind: 'wait', for: 'stop-fence' },
    ],
    [
      'does not take the proof of the join for the leave',
      { here: here(leaving(), { ...BEFORE, 'join/0': 6n, 'stop/0': 9n }), proof: proof(active) },
      commit({ kind: 'leaving', epoch: 2 }),
    ],
    [
      'makes the leave fence behind the stop',
      {
        here: here(leaving(), { ...BEFORE, 'join/0': 6n, 'stop/0': 9n }),
        proof: proof({ kind: 'leaving', epoch: 2 }),
      },
      { kind: 'create-leave-fence', epoch: 2, offset: 9n },
    ],
    [
      'or where it stands itself',
      {
        here: here(leaving(), { ...BEFORE, 'join/0': 6n, 'stop/0': 6n }),
        proof: proof({ kind: 'leaving', epoch: 2 }),
      },
      { kind: 'create-leave-fence', epoch: 2, offset: 7n },
    ],
    [
      'is done when the leave fence stands',
      { here: here(draining(), { ...BEFORE, 'join/0': 6n, 'leave/0': 9n }) },
      { kind: 'none' },
    ],
    [
      'has nothing to do in a partition that is newer than the epoch',
      { here: here(absent, BEFORE) },
      { kind: 'none' },
    ],
  ])('%s', (_name, situation, expected) => {
    expect(step(situation)).toEqual(expected);
  });

  it('waits for an entry that it cannot read', () => {
    const store = new FenceStore({ ...NAMES, coloredGroup: () => 'c' });
    store.refresh([{ key: stateKey(store.prefix, 'feat'), value: '?', version: '1' }]);
    expect(step({ here: handoverHere(store.current(), 'feat', 0) })).toEqual({
      kind: 'wait',
      for: 'readable-entry',
    });
  });
});

describe('the next step of a member of the colored group', () => {
  const step = (situation: Partial<ColoredSituation> & Pick<ColoredSituation, 'here'>) =>
    nextColoredStep({
      position: 7n,
      committed: 7n,
      handling: false,
      refreshed: true,
      generation: 5,
      proof: undefined,
      ...situation,
    });
  const joined = { ...BEFORE, 'join/0': 6n };
  const stopped = { ...joined, 'stop/0': 7n };
  const left = { ...stopped, 'leave/0': 9n };

  it.each<[string, Partial<ColoredSituation> & Pick<ColoredSituation, 'here'>, unknown]>([
    [
      'reads the directory after an assignment',
      { here: here(active, joined), refreshed: false },
      { kind: 'refresh-view', reason: 'assigned' },
    ],
    ['waits for the join fence', { here: here(joining, BEFORE) }, { kind: 'wait', for: 'join-fence' }],
    [
      'commits the join fence as its start',
      { here: here(joining, joined), position: undefined, committed: undefined },
      { kind: 'commit-start', position: 6n, generation: 5 },
    ],
    [
      'also over what an older epoch left',
      { here: here(joining, joined), position: 4n },
      { kind: 'commit-start', position: 6n, generation: 5 },
    ],
    ['does not go back to the fence', { here: here(joining, joined) }, { kind: 'consume', until: undefined }],
    [
      'stops when the color leaves: commits',
      { here: here(leaving(), joined) },
      { kind: 'commit-in-generation', position: 7n, generation: 5, known: { kind: 'leaving', epoch: 2 } },
    ],
    [
      'not with a message in hand',
      { here: here(leaving(), joined), handling: true },
      { kind: 'wait', for: 'message-in-hand' },
    ],
    [
      'then says where',
      { here: here(leaving(), joined), proof: proof({ kind: 'leaving', epoch: 2 }) },
      { kind: 'create-stop-fence', epoch: 2, offset: 7n },
    ],
    [
      'then waits for the leave fence',
      { here: here(leaving(), stopped) },
      { kind: 'wait', for: 'leave-fence' },
    ],
    ['then drains', { here: here(leaving(), left) }, { kind: 'consume', until: 9n }],
    [
      'or discards',
      { here: here(leaving('discard'), left) },
      { kind: 'discard', from: 7n, to: 9n, generation: 5 },
    ],
    [
      'commits what it drained',
      { here: here(draining(), left), position: 9n },
      { kind: 'commit-in-generation', position: 9n, generation: 5, known: { kind: 'draining', epoch: 2 } },
    ],
    ['then is done', { here: here(draining(), left), position: 9n, committed: 9n }, { kind: 'done' }],
    [
      'does not wait for what retention has deleted',
      { here: here(draining(), left), logStart: 9n },
      { kind: 'commit-in-generation', position: 9n, generation: 5, known: { kind: 'draining', epoch: 2 } },
    ],
    [
      'drains what retention has left',
      { here: here(draining(), left), logStart: 8n },
      { kind: 'consume', until: 9n },
    ],
    [
      'starts where the log begins, if that is behind the join fence',
      { here: here(draining(), left), position: undefined, committed: undefined, logStart: 8n },
      { kind: 'commit-start', position: 8n, generation: 5 },
    ],
    [
      'does not begin again while the group is being deleted',
      { here: here(draining('a'), left), position: undefined, committed: undefined },
      { kind: 'done' },
    ],
    ['is done when the epoch is over', { here: here(absent, left), position: undefined }, { kind: 'done' }],
  ])('%s', (_name, situation, expected) => {
    expect(step(situation)).toEqual(expected);
  });
});

describe('the next step for a group without members', () => {
  const step = (at: HandoverHere, evidence?: EmptyGroupEvidence) =>
    nextStepForEmptyGroup({ here: at, evidence });
  const seen = (
    group: 'baseline' | 'colored',
    known: Proof['known'],
    committed?: bigint,
  ): EmptyGroupEvidence => ({ group, known, committed });
  const joined = { ...BEFORE, 'join/0': 6n };

  it('sees it empty first, after the state that calls for the fence', () => {
    const ask = { kind: 'see-group-empty', group: 'baseline', known: joining };
    expect(step(here(joining, BEFORE))).toEqual(ask);
    expect(step(here(joining, BEFORE), seen('colored', joining, 3n))).toEqual(ask);
    expect(step(here(joining, BEFORE), seen('baseline', { kind: 'absent', epoch: 1 }, 3n))).toEqual(ask);
    expect(step(here(leaving(), joined), seen('colored', active, 8n))).toEqual({
      ...ask,
      group: 'colored',
      known: { kind: 'leaving', epoch: 2 },
    });
  });

  it('then makes the fence from its committed offset', () => {
    expect(step(here(joining, BEFORE), seen('baseline', joining, 8n))).toEqual({
      kind: 'create-join-fence',
      epoch: 2,
      offset: 8n,
    });
    expect(step(here(joining, BEFORE), seen('baseline', joining, 3n))).toEqual({
      kind: 'create-join-fence',
      epoch: 2,
      offset: 4n,
    });
    const known = { kind: 'leaving', epoch: 2 } as const;
    expect(step(here(leaving(), joined), seen('colored', known, 8n))).toEqual({
      kind: 'create-stop-fence',
      epoch: 2,
      offset: 8n,
    });
    expect(step(here(leaving(), joined), seen('colored', known))).toEqual({
      kind: 'create-stop-fence',
      epoch: 2,
      offset: 6n,
    });
    expect(step(here(leaving(), { ...joined, 'stop/0': 9n }), seen('baseline', known, 8n))).toEqual({
      kind: 'create-leave-fence',
      epoch: 2,
      offset: 9n,
    });
  });

  it('does nothing where nothing is missing, and refreshes an incomplete view', () => {
    expect(step(here(active, joined))).toEqual({ kind: 'none' });
    expect(step(here(absent, joined))).toEqual({ kind: 'none' });
    expect(step(here(leaving(), { ...joined, 'stop/0': 9n, 'leave/0': 9n }))).toEqual({ kind: 'none' });
    expect(step(here(joining, {}, false))).toEqual({ kind: 'refresh-view' });
  });
});

describe('the next step of an epoch', () => {
  const step = (fences: FenceTable, { committed = {} as Record<number, bigint>, members = false } = {}) =>
    nextEpochStep({
      fences,
      color: 'feat',
      partitions: [0, 1],
      committed: (partition) => committed[partition],
      members: () => members,
      closer: 'a',
    });
  const joins = { 'join/0': 6n, 'join/1': 2n };
  const leaves = { ...joins, 'leave/0': 9n, 'leave/1': 2n };

  it.each<[string, ReturnType<typeof step>, unknown]>([
    ['is nothing without an epoch', step(view(absent)), { kind: 'none' }],
    ['waits for every join fence', step(view(joining, { 'join/0': 6n })), { kind: 'wait', for: 'fences' }],
    ['then activates', step(view(joining, joins)), { kind: 'activate', epoch: 2 }],
    [
      'waits for every leave fence',
      step(view(leaving(), { ...joins, 'leave/0': 9n })),
      { kind: 'wait', for: 'fences' },
    ],
    ['then begins to drain', step(view(leaving(), leaves)), { kind: 'start-draining', epoch: 2 }],
    [
      'lets members drain',
      step(view(draining(), leaves), { members: true, committed: { 0: 7n } }),
      { kind: 'drain', epoch: 2, by: 'members', left: [{ partition: 0, from: 7n, to: 9n }] },
    ],
    [
      'else the baseline, from the join fence where nothing was committed',
      step(view(draining(), leaves)),
      { kind: 'drain', epoch: 2, by: 'baseline', left: [{ partition: 0, from: 6n, to: 9n }] },
    ],
    [
      'waits for the members to go',
      step(view(draining(), leaves), { members: true, committed: { 0: 9n } }),
      { kind: 'wait', for: 'members-to-leave' },
    ],
    [
      'claims the closing',
      step(view(draining(), leaves), { committed: { 0: 9n } }),
      { kind: 'claim-closing', epoch: 2 },
    ],
    [
      'leaves it to whoever claimed it',
      step(view(draining('b'), leaves)),
      { kind: 'wait', for: 'other-closer' },
    ],
    [
      'closes, though the offsets are gone',
      step(view(draining('a'), leaves)),
      { kind: 'delete-group-and-close', epoch: 2 },
    ],
    [
      'not while there are members',
      step(view(draining('a'), leaves), { members: true }),
      { kind: 'wait', for: 'members-to-leave' },
    ],
  ])('%s', (_name, found, expected) => {
    expect(found).toEqual(expected);
  });
});
