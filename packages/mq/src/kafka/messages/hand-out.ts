import type { HeldPartition } from '../partitions/held-partition.js';
import type { BatchMember } from './batch-member.js';

/** A handler gets a message that the application commits by itself. In order: the last one says how far it got. */
export function handOut(
  { drains, commits, session }: Pick<BatchMember, 'drains' | 'commits' | 'session'>,
  held: HeldPartition,
  offset: string,
): void {
  const at = BigInt(offset);
  held.handedOut(at);
  if (drains) commits.handOut(held.handover.group, session.groupId, held, at);
  else commits.handOutOwn(held.handover.group, held, at);
}
