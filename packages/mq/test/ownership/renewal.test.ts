import type { Handover } from '../../src/ownership/handover-state.js';
import { areTwoLogs, boundaryIsBehind, renew } from '../../src/ownership/renewal.js';

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

it('two logs are two where both ids are known', () => {
  expect(areTwoLogs('a', 'b')).toBe(true);
  expect(areTwoLogs('a', 'a')).toBe(false);
  expect(areTwoLogs(undefined, 'b')).toBe(false);
  expect(areTwoLogs('a', undefined)).toBe(false);
});
