import { setTimeout as sleep } from 'node:timers/promises';
import type { EachBatchPayloadLike } from './client-types.js';
import type { GroupSession } from './group-session.js';
import type { HeldPartition } from './held-partition.js';

/** Commits the start of a colored group before its first message, so that a crash before that cannot move it. */
export async function commitStart(
  session: GroupSession,
  held: HeldPartition,
  payload: EachBatchPayloadLike,
): Promise<boolean> {
  const { topic, partition, start } = held;
  if (start === undefined) return true;
  const accepted = await session.commit(topic, partition, start, payload);
  if (accepted !== undefined && held.current) {
    held.committed = start;
    held.start = undefined;
    return true;
  }
  // Most likely the group rebalances: the heartbeat tells the client.
  await payload.heartbeat();
  await sleep(20, undefined, { ref: false });
  return false;
}

/**
 * Where commits are the user's own, messages that he never sees would hold the group back for ever. They are
 * committed when nothing of his is open: a commit behind a message of his would be his to make.
 */
export async function commitPassed(held: HeldPartition, payload: EachBatchPayloadLike): Promise<void> {
  const { topic, partition, position, committed = 0n, lastOwn } = held;
  if (!held.current || position === undefined || position <= committed) return;
  if (lastOwn !== undefined && committed <= lastOwn) return;
  const offsets = [{ partition, offset: position.toString() }];
  await payload.commitOffsetsIfNecessary({ topics: [{ topic, partitions: offsets }] });
}
