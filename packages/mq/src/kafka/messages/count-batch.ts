import type { EachBatchPayloadLike } from '../client-types.js';
import type { Discarding, HeldPartition } from '../partitions/held-partition.js';
import type { BatchMember } from './batch-member.js';
import { ColorReader } from './color-reader.js';

/** Counts what is to be given up, says so, and only then lets it be committed. No handler is called. */
export async function countBatch(
  member: BatchMember,
  held: HeldPartition,
  payload: EachBatchPayloadLike,
  discarding: Discarding,
): Promise<void> {
  const { batch } = payload;
  const colors = new ColorReader(member.coloring.carriers);
  let last: string | undefined;
  let ended = false;
  let own = 0;
  for (const { offset, headers } of batch.messages) {
    const verdict = member.steps.verdict(held, colors.read(headers), offset);
    ended = verdict === 'stop' || verdict === 'undecided';
    if (ended) break;
    if (verdict === 'own') own++;
    last = offset;
  }
  if (own > 0) {
    discarding.messages += own;
    await member.discarding(held, discarding, own);
  }
  if (!held.current) return;
  const upTo = ended ? last : batch.lastOffset();
  if (upTo !== undefined) {
    payload.resolveOffset(upTo);
    held.passed(upTo);
  }
  if (ended) held.reached();
}
