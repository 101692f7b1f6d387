import type { Color } from '@colorway/core';
import { type CommitStep, proofOf } from '../ownership/proof.js';
import type { GroupSession } from './group-session.js';
import type { HeldPartition } from './held-partition.js';
import { NotNow } from './partition-steps.js';

/**
 * Commits the position with no message in hand, and keeps the proof that it is, if it is one.
 *
 * @param decide asked again in the gap, where position and state may have moved on; `undefined` for nothing to do.
 * @returns false when the generation is not known yet: the session tells when it is.
 */
export async function prove(
  session: GroupSession,
  held: HeldPartition,
  color: Color,
  decide: () => CommitStep | undefined,
): Promise<boolean> {
  let known = true;
  await held.between(async (payload) => {
    if (!held.current) return;
    const step = decide();
    if (step === undefined) return;
    if (payload === undefined && session.generation === undefined) {
      known = false;
      return;
    }
    const accepted = await session.commit(held.topic, held.partition, step.position, payload);
    if (accepted === undefined || !held.current)
      throw new NotNow('the commit was not accepted in this generation');
    held.committed = accepted.position;
    // Where it was not known before, the commit itself has told in which generation the assignment stands.
    const proof = proofOf({ ...step, generation: session.generation ?? -1 }, accepted);
    if (proof === undefined) throw new NotNow('the commit was accepted in another generation');
    held.proofs.set(color, proof);
  });
  return known;
}
