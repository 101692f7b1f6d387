import { setTimeout as sleep } from 'node:timers/promises';
import type { Color } from '@colorway/core';
import type { EachBatchPayloadLike } from '../client-types.js';
import type { HeldPartition } from '../partitions/held-partition.js';
import type { BatchMember } from './batch-member.js';

const PATIENCE_MS = 100;

/**
 * Whether the owner of a message is settled in a moment, as it is as a rule. A pause and a fetch anew cost more:
 * while all its partitions are paused the client sleeps for `maxWaitTimeInMs`.
 */
export async function settles(
  member: BatchMember,
  held: HeldPartition,
  color: Color,
  offset: string,
  payload: EachBatchPayloadLike,
): Promise<boolean> {
  // A colored consumer that is in doubt is to leave: it stops at once.
  if (member.steps.color !== undefined) return false;
  const at = BigInt(offset);
  member.kick(held);
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; ) {
    await sleep(2, undefined, { ref: false });
    if (held.wantsGap) await held.gap(payload);
    if (!held.current || !payload.isRunning()) return false;
    if (member.steps.owner(held, color, at).kind !== 'undecided') return true;
  }
  return false;
}
