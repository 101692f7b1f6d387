import fc from 'fast-check';
import {
  offsetBehindPassed,
  offsetOfProof,
  owesCommit,
  type Progress,
} from '../../src/kafka/commits/commit-offsets.js';
import { refusalOf } from '../../src/kafka/commits/commit-refusal.js';
import { DecisionReasons } from '../../src/kafka/messages/decision-reasons.js';
import { NotNow } from '../../src/kafka/partitions/partition-steps.js';

/** One message of a partition, and whether the application commits behind it before the next one comes. */
interface Message {
  readonly own: boolean;
  readonly commits: boolean;
}

const partition: fc.Arbitrary<Message[]> = fc.array(fc.record({ own: fc.boolean(), commits: fc.boolean() }), {
  maxLength: 30,
});

describe('what the adapter commits where commits are the application’s', () => {
  test('never passes over an own message that the application has not committed', () => {
    fc.assert(
      fc.property(partition, fc.array(fc.boolean()), (messages, proofs) => {
        let progress: Progress = { position: 0n, committed: undefined, lastOwn: undefined };
        let promised = 0n;
        let firstOpen: bigint | undefined;
        const commit = (offset: bigint): void => {
          // Everything below is promised to be handled: no own message that is open may be among it.
          if (firstOpen !== undefined) expect(offset <= firstOpen).toBe(true);
          promised = offset;
          progress = { ...progress, committed: offset };
        };
        messages.forEach(({ own, commits }, at) => {
          const offset = BigInt(at);
          if (own) {
            progress = { ...progress, lastOwn: offset };
            firstOpen ??= offset;
            if (commits) {
              firstOpen = undefined;
              promised = offset + 1n;
              progress = { ...progress, committed: promised };
            }
          }
          progress = { ...progress, position: offset + 1n };
          expect(owesCommit(progress)).toBe(firstOpen !== undefined);
          if (proofs[at]) commit(offsetOfProof(true, offset + 1n, promised));
          const passed = offsetBehindPassed(progress);
          if (passed !== undefined) commit(passed);
        });
      }),
    );
  });

  test('keeps up with what is passed over while nothing is open', () => {
    expect(offsetBehindPassed({ position: 9n, committed: 5n, lastOwn: 4n })).toBe(9n);
    expect(offsetBehindPassed({ position: 9n, committed: 4n, lastOwn: 4n })).toBeUndefined();
    expect(offsetBehindPassed({ position: 9n, committed: 9n, lastOwn: undefined })).toBeUndefined();
    expect(offsetBehindPassed({ position: 9n, committed: undefined, lastOwn: undefined })).toBe(9n);
    expect(offsetBehindPassed({ position: undefined, committed: 5n, lastOwn: undefined })).toBeUndefined();
  });

  test('a proof repeats what stands, also ahead of the position, or is the position where the client commits', () => {
    expect(offsetOfProof(true, 10n, 4n)).toBe(4n);
    expect(offsetOfProof(true, 10n, 12n)).toBe(12n);
    expect(offsetOfProof(true, 10n, undefined)).toBe(10n);
    expect(offsetOfProof(false, 10n, 4n)).toBe(10n);
  });
});

test('a commit that is refused for lack of rights says which right is missing; others may be tried again', () => {
  const refused = Object.assign(new Error('no'), { type: 'GROUP_AUTHORIZATION_FAILED' });
  expect(refusalOf(new NotNow('not taken', { cause: refused }), 'GID_red_order', 'orders')).toEqual({
    why: 'commit-refused',
    remedy: 'Give the client the right READ on group "GID_red_order".',
  });
  expect(
    refusalOf(Object.assign(new Error('no'), { type: 'REBALANCE_IN_PROGRESS' }), 'g', 't'),
  ).toBeUndefined();
  expect(refusalOf('text', 'g', 't')).toBeUndefined();
});

test('however many colors are made up, the reasons of a few hundred are kept: the latest', () => {
  const reasons = new DecisionReasons();
  reasons.set('red', 'joined');
  for (let at = 0; at < 10_000; at++) {
    reasons.set(`c${at}`, 'not-joined');
    if (at % 100 === 0) reasons.set('blue', at % 200 === 0 ? 'joined' : 'before-join');
  }
  expect([...reasons]).toHaveLength(200);
  expect(reasons.get('c9999')).toBe('not-joined');
  expect(reasons.get('blue')).toBe('before-join');
  expect(reasons.get('red')).toBeUndefined();
});
