import { compareHandovers, type HandoverMark } from './handover-state.js';

/**
 * What shows that a position was this process's to give: the broker took a commit of it in the very
 * generation in which the partition was assigned, after the state that calls for the fence was known.
 * A broker checks member and generation of a commit, and not whether the partition is assigned.
 */
export interface Proof {
  readonly generation: number;
  readonly position: bigint;
  /** The state that was known when the commit was sent. */
  readonly known: HandoverMark;
}

/** To commit `position` once, in `generation` and in no other, with no message in hand. */
export interface CommitStep {
  readonly kind: 'commit-in-generation';
  readonly position: bigint;
  readonly generation: number;
  readonly known: HandoverMark;
}

/**
 * The proof that an accepted commit is, if it is one.
 *
 * @param accepted what the broker took, as the client tells it: a client that retries a commit by itself
 *   may have sent it in a newer generation, in which the partition belongs to somebody else.
 */
export function proofOf(
  step: CommitStep,
  accepted: { readonly generation: number; readonly position: bigint },
): Proof | undefined {
  const { generation, position, known } = step;
  return accepted.generation === generation && accepted.position === position
    ? { generation, position, known }
    : undefined;
}

/** A fence may be made of it: it is of this generation, and was made when the wanted state was known. */
export function proves(proof: Proof | undefined, generation: number, wanted: HandoverMark): proof is Proof {
  return (
    proof !== undefined &&
    proof.generation === generation &&
    proof.known.epoch === wanted.epoch &&
    compareHandovers(proof.known, wanted) >= 0
  );
}

export function commitStep(position: bigint, generation: number, known: HandoverMark): CommitStep {
  return {
    kind: 'commit-in-generation',
    position,
    generation,
    known: { kind: known.kind, epoch: known.epoch },
  };
}
