import type { Handover } from '../../src/ownership/handover-state.js';
import {
  areTwoLogs,
  boundaryIsBehind,
  lookAtLog,
  mustAskForLog,
  renew,
} from '../../src/ownership/renewal.js';

describe('a color in a topic that was made anew', () => {
  const partitions = new Map([
    [
      0,
      {
        past: [{ join: 2n, leave: 4n }],
        epochs: [{ epoch: 7, join: 6n, unreadable: [] }],
        segments: [] as never,
        complete: true,
      },
    ],
  ]);

  it.each<[bigint | undefined, boolean]>([
    [undefined, false],
    [7n, false],
    [6n, false],
    [5n, true],
    [0n, true],
  ])('where the log ends at %s: %s', (end, expected) => {
    expect(boundaryIsBehind({ partitions }, () => end)).toBe(expected);
  });

  it('is known by what an earlier epoch had, too', () => {
    const past = new Map([[0, { ...(partitions.get(0) as never as object), epochs: [] }]]) as never;
    expect(boundaryIsBehind({ partitions: past }, () => 3n)).toBe(true);
    expect(boundaryIsBehind({ partitions: past }, () => 4n)).toBe(false);
  });

  const past = new Map([[0, [{ join: 2n, leave: 4n }]]]);
  it.each<[Handover, unknown]>([
    [
      { kind: 'joining', epoch: 7, since: 7, past },
      { kind: 'joining', epoch: 1_000, since: 1_000 },
    ],
    [
      { kind: 'active', epoch: 7, since: 7, past },
      { kind: 'joining', epoch: 1_000, since: 1_000 },
    ],
    [
      { kind: 'leaving', epoch: 7, onLeave: 'drain' },
      { kind: 'absent', epoch: 7, since: 8 },
    ],
    [
      { kind: 'draining', epoch: 7, onLeave: 'drain', closer: 'a' },
      { kind: 'absent', epoch: 7, since: 8 },
    ],
    [
      { kind: 'absent', epoch: 7, since: 8, past },
      { kind: 'absent', epoch: 7, since: 8 },
    ],
  ])('that was %o', (state, expected) => {
    expect(renew(state, 7, 1_000).state).toEqual(expected);
    expect(renew(state, 6, 1_000)).toMatchObject({ kind: 'refused', reason: 'other-epoch' });
  });
});

describe('a batch that may be of another log', () => {
  it('is the first one of a color that starts', () => {
    expect(lookAtLog(4n, 4n, 1, true)).toBe('ask');
  });

  it('begins before what was read', () => {
    expect(lookAtLog(3n, 4n, 0, false)).toBe('ask');
    expect(lookAtLog(0n, 4n, 0, false)).toBe('ask');
    expect(lookAtLog(4n, 4n, 1, false)).toBe('needless');
    expect(lookAtLog(4n, undefined, 1, false)).toBe('needless');
  });

  it('or at the beginning, where a color has boundaries that could be of the log before', () => {
    expect(lookAtLog(0n, 0n, 1, false)).toBe('ask');
    expect(lookAtLog(0n, undefined, 1, false)).toBe('ask');
    expect(lookAtLog(0n, undefined, 0, false)).toBe('doubt');
  });
});

it('it is asked for before a boundary is made where there is a doubt, or two are known', () => {
  expect(mustAskForLog('a', 'a', false)).toBe(false);
  expect(mustAskForLog('a', 'b', false)).toBe(true);
  expect(mustAskForLog('a', 'a', true)).toBe(true);
  expect(mustAskForLog('a', undefined, false)).toBe(false);
  expect(mustAskForLog(undefined, 'b', true)).toBe(false);
});

it('two logs are two where both ids are known', () => {
  expect(areTwoLogs('a', 'b')).toBe(true);
  expect([areTwoLogs('a', 'a'), areTwoLogs(undefined, 'b'), areTwoLogs('a', undefined)]).toEqual([
    false,
    false,
    false,
  ]);
});
