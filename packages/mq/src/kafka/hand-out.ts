import type { BatchMember } from './batch-member.js';
import type { HeldPartition } from './held-partition.js';

/** A handler gets a message that the application commits by itself. In order: the last one says how far it got. */
export function handOut(
  { drains, commits, session }: Pick<BatchMember, 'drains' | 'commits' | 'session'>,
  held: HeldPartition,
  offset: string,
): void {
  held.lastOwn = BigInt(offset);
  if (drains) commits.handOut(held.handover.group, session.groupId, held, held.lastOwn);
  else commits.handOutOwn(held.handover.group, held, held.lastOwn);
}
