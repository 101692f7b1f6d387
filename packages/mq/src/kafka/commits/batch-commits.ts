import { setTimeout as sleep } from 'node:timers/promises';
import type { EachBatchPayloadLike } from '../client-types.js';
import type { BatchMember } from '../messages/batch-member.js';
import type { HeldPartition } from '../partitions/held-partition.js';
import { troubleOf } from '../partitions/prove.js';
import { offsetBehindPassed } from './commit-offsets.js';

const PAUSE_MS = 20;
const LONG_PAUSE_MS = 1_000;

/** Commits the start of a colored group before its first message, so that a crash before that cannot move it. */
export async function commitStart(
  { session }: Pick<BatchMember, 'session'>,
  held: HeldPartition,
  payload: EachBatchPayloadLike,
): Promise<boolean> {
  const { topic, partition, start } = held;
  if (start === undefined) return true;
  const accepted = await held.committing(() => session.commit(topic, partition, start, payload));
  if (accepted !== undefined && held.current) {
    held.committed = start;
    held.start = undefined;
    held.trouble = undefined;
    return true;
  }
  held.trouble ??= troubleOf(session.refusal, session.groupId, topic);
  // Most likely the group rebalances: the heartbeat tells the client. Where rights are missing it takes longer.
  await payload.heartbeat();
  await sleep(held.trouble === undefined ? PAUSE_MS : LONG_PAUSE_MS, undefined, { ref: false });
  return false;
}

/** Commits what the application never sees, where commits are its own and nothing of its own is open. */
export async function commitPassed(
  { session, commits }: Pick<BatchMember, 'session' | 'commits'>,
  held: HeldPartition,
  payload: EachBatchPayloadLike,
): Promise<void> {
  const { topic, partition } = held;
  if (!held.current || commits.isOpen(session.groupId, topic, partition)) return;
  const offset = held.discarding === undefined ? offsetBehindPassed(held) : held.position;
  if (offset === undefined || offset <= (held.committed ?? -1n)) return;
  const offsets = [{ partition, offset: offset.toString() }];
  await held.committing(() => payload.commitOffsetsIfNecessary({ topics: [{ topic, partitions: offsets }] }));
}
