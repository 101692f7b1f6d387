import { joinValue, leaveValue, stopValue } from './fence-values.js';
import type { HandoverHere } from './fences.js';
import { compareHandovers, type HandoverMark } from './handover-state.js';
import { committedOrKept } from './progress.js';

/** What a process saw of a group without members; it stands in for the group's commits as a proof. */
export interface EmptyGroupEvidence {
  readonly group: 'baseline' | 'colored';
  /** The state that was known *before* the broker was asked for members. */
  readonly known: HandoverMark;
  /**
   * Read *after* the group was seen empty: its committed offset, and where it has none, the place where the
   * group would start (its reset policy); `undefined` for a colored group without one.
   */
  readonly committed: bigint | undefined;
}

export interface EmptyGroupSituation {
  readonly here: HandoverHere;
  readonly evidence: EmptyGroupEvidence | undefined;
}

export type EmptyGroupStep =
  | { readonly kind: 'none' }
  | { readonly kind: 'refresh-view' }
  /** Ask the broker whether the group has members; if it has none, read its committed offset; keep both as evidence. */
  | { readonly kind: 'see-group-empty'; readonly group: 'baseline' | 'colored'; readonly known: HandoverMark }
  | { readonly kind: 'create-join-fence'; readonly epoch: number; readonly offset: bigint }
  | { readonly kind: 'create-stop-fence'; readonly epoch: number; readonly offset: bigint }
  | { readonly kind: 'create-leave-fence'; readonly epoch: number; readonly offset: bigint };

const NONE: EmptyGroupStep = Object.freeze({ kind: 'none' });

/**
 * What anybody (a colored consumer, a baseline one, an operator's tool) does for a group that has no
 * members and cannot make its own fence. A member that appears later reads the directory after it was
 * assigned, finds the state, and waits for the fence. Pure; per partition.
 */
export function nextStepForEmptyGroup({ here, evidence }: EmptyGroupSituation): EmptyGroupStep {
  const { handover, current, leaveBefore } = here;
  if (handover.kind === 'unreadable' || handover.kind === 'absent' || current.unreadable.length > 0)
    return NONE;
  if (!here.complete) return { kind: 'refresh-view' };
  const { kind, epoch } = handover;
  const { join, stop, leave } = current;
  const leaving = kind === 'leaving' || kind === 'draining';
  const ask = (group: 'baseline' | 'colored'): EmptyGroupStep => ({
    kind: 'see-group-empty',
    group,
    known: { kind, epoch },
  });

  if (join === undefined) {
    if (kind === 'draining') return NONE;
    if (!shows(evidence, 'baseline', { kind: 'joining', epoch })) return ask('baseline');
    return { kind: 'create-join-fence', epoch, offset: joinValue(evidence.committed ?? 0n, leaveBefore) };
  }
  if (!leaving || leave !== undefined) return NONE;
  if (stop === undefined) {
    if (!shows(evidence, 'colored', { kind: 'leaving', epoch })) return ask('colored');
    const committed = committedOrKept(evidence.committed, here);
    return { kind: 'create-stop-fence', epoch, offset: stopValue(committed, join) };
  }
  if (!shows(evidence, 'baseline', { kind: 'leaving', epoch })) return ask('baseline');
  return { kind: 'create-leave-fence', epoch, offset: leaveValue(evidence.committed ?? 0n, stop, join) };
}

function shows(
  evidence: EmptyGroupEvidence | undefined,
  group: 'baseline' | 'colored',
  wanted: HandoverMark,
): evidence is EmptyGroupEvidence {
  return (
    evidence !== undefined &&
    evidence.group === group &&
    evidence.known.epoch === wanted.epoch &&
    compareHandovers(evidence.known, wanted) >= 0
  );
}
