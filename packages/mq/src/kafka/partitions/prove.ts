import type { Color } from '@colorway/core';
import { type CommitStep, proofOf } from '../../ownership/proof.js';
import type { ApplicationCommits } from '../commits/application-commits.js';
import { refusalOf } from '../commits/commit-refusal.js';
import type { GroupSession } from '../consumer/group-session.js';
import type { HeldPartition } from './held-partition.js';
import { NotNow } from './partition-steps.js';

export interface Proving {
  readonly session: GroupSession;
  readonly commits: ApplicationCommits;
  readonly held: HeldPartition;
  readonly color: Color;
  /** Asked again in the gap, where position and state may have moved on; `undefined` for nothing to do. */
  readonly decide: () => CommitStep | undefined;
  /** What is committed for the step. Asked in the gap: nothing else is committed until that is done. */
  readonly offsetOf: (step: CommitStep) => Promise<bigint>;
}

/**
 * Commits with no message in hand, and keeps the proof that it is, if it is one: that this member owned the
 * partition in this generation when it stood at its position. For that any offset will do, and which one is
 * committed is another question (see `commit-offsets.ts`).
 *
 * @returns false when the generation is not known yet: the session tells when it is.
 */
export async function prove({ session, commits, held, color, decide, offsetOf }: Proving): Promise<boolean> {
  const { topic, partition } = held;
  let known = true;
  await held.between(async (payload) => {
    if (!held.current) return;
    const step = decide();
    if (step === undefined) return;
    if (payload === undefined && session.generation === undefined) {
      known = false;
      return;
    }
    const accepted = await held.committing(async () => {
      if (commits.isOpen(session.groupId, topic, partition))
        throw new NotNow('the application is committing in this partition');
      const offset = await offsetOf(step);
      return session.commit(topic, partition, offset, payload);
    });
    if (accepted === undefined || !held.current)
      throw new NotNow('the commit was not accepted in this generation', { cause: session.refusal });
    held.committed = accepted.position;
    held.trouble = undefined;
    // Where it was not known before, the commit itself has told in which generation the assignment stands.
    const { generation } = accepted;
    const proof = proofOf(
      { ...step, generation: session.generation ?? -1 },
      { generation, position: step.position },
    );
    if (proof === undefined) throw new NotNow('the commit was accepted in another generation');
    held.proofs.set(color, proof);
  });
  held.owesFenceSince = known ? undefined : (held.owesFenceSince ?? performance.now());
  return known;
}

/** Why a commit is refused for good, in words for the status; `undefined` where trying again may help. */
export function troubleOf(error: unknown, group: string, topic: string): HeldPartition['trouble'] {
  const refusal = refusalOf(error, group, topic);
  return refusal && { ...refusal, since: performance.now() };
}
