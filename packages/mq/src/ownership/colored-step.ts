import { stopValue } from './fence-values.js';
import type { HandoverHere } from './fences.js';
import { highest } from './offset.js';
import { committedOrKept } from './progress.js';
import { type CommitStep, commitStep, type Proof, proves } from './proof.js';

/**
 * Where a member of the colored group stands in a partition that it holds: a colored consumer, or a
 * baseline instance that joined the group to drain it.
 */
export interface ColoredSituation {
  readonly here: HandoverHere;
  /** The group's committed offset when the partition was assigned, moving on since; `undefined` for none. */
  readonly position: bigint | undefined;
  /** The group's committed offset, as far as this process knows; `undefined` for none. */
  readonly committed: bigint | undefined;
  /** Where the log of the partition begins, if that was asked: what lay below was deleted, and nobody can handle it. */
  readonly logStart?: bigint | undefined;
  readonly handling: boolean;
  /** As for the baseline: without it, a member that comes back after the color left would go on. */
  readonly refreshed: boolean;
  readonly generation: number;
  readonly proof: Proof | undefined;
}

/** What a member of the colored group does next in one partition. It takes messages in `consume` alone. */
export type ColoredStep =
  | { readonly kind: 'refresh-view'; readonly reason: 'assigned' | 'view-incomplete' }
  | CommitStep
  /** Commit the join fence as the group's start, in `generation`, and go there. */
  | { readonly kind: 'commit-start'; readonly position: bigint; readonly generation: number }
  /** Take messages up to `until` (exclusive; `undefined`: on and on), those that `owner` gives to this group. */
  | { readonly kind: 'consume'; readonly until: bigint | undefined }
  /** Count what this group owns from `from` up to `to`, say so, then commit `to` in `generation`. */
  | { readonly kind: 'discard'; readonly from: bigint; readonly to: bigint; readonly generation: number }
  | { readonly kind: 'create-stop-fence'; readonly epoch: number; readonly offset: bigint }
  | {
      readonly kind: 'wait';
      readonly for: 'message-in-hand' | 'join-fence' | 'leave-fence' | 'readable-entry';
    }
  /** Nothing is left in this partition. A member that has no other work leaves the group. */
  | { readonly kind: 'done' };

/** Pure; to be asked before each message, and whenever the table or the assignment changed. */
export function nextColoredStep(situation: ColoredSituation): ColoredStep {
  const { here, refreshed, handling, generation, logStart } = situation;
  const { handover, current } = here;
  if (!refreshed) return { kind: 'refresh-view', reason: 'assigned' };
  if (handover.kind === 'unreadable' || current.unreadable.length > 0)
    return { kind: 'wait', for: 'readable-entry' };
  if (!here.complete) return { kind: 'refresh-view', reason: 'view-incomplete' };
  if (handling) return { kind: 'wait', for: 'message-in-hand' };
  // While the broker's group is being deleted, its missing offsets do not mean that nothing was handled.
  const closing = handover.kind === 'draining' && handover.closer !== undefined;
  if (closing || handover.kind === 'absent') return { kind: 'done' };
  const { join } = current;
  if (join === undefined) return { kind: 'wait', for: 'join-fence' };
  const position = positionIn(situation);
  if (position === undefined || position < join) {
    // The broker may have forgotten what the group had committed: what was kept of it stands for that.
    const start = highest(join, committedOrKept(position, here), logStart);
    return { kind: 'commit-start', position: start, generation };
  }
  if (handover.kind === 'joining' || handover.kind === 'active') return { kind: 'consume', until: undefined };
  return leavingStep(situation, position, join);
}

/** The offset of the next message that there can be. */
export function positionIn({
  position,
  logStart,
}: Pick<ColoredSituation, 'position' | 'logStart'>): bigint | undefined {
  return position === undefined ? undefined : highest(position, logStart);
}

function leavingStep(situation: ColoredSituation, position: bigint, join: bigint): ColoredStep {
  const { here, committed, generation, proof } = situation;
  const { stop, leave } = here.current;
  const { epoch, kind, onLeave } = here.handover as {
    epoch: number;
    kind: 'leaving' | 'draining';
    onLeave: string;
  };
  if (leave === undefined) {
    if (stop !== undefined) return { kind: 'wait', for: 'leave-fence' };
    if (!proves(proof, generation, { kind: 'leaving', epoch }))
      return commitStep(position, generation, { kind, epoch });
    return { kind: 'create-stop-fence', epoch, offset: stopValue(proof.position, join) };
  }
  if (position < leave) {
    if (onLeave === 'discard') return { kind: 'discard', from: position, to: leave, generation };
    return { kind: 'consume', until: leave };
  }
  if (committed === undefined || committed < leave) return commitStep(position, generation, { kind, epoch });
  return { kind: 'done' };
}
