import { joinValue, leaveValue } from './fence-values.js';
import type { EpochFences, HandoverHere } from './fences.js';
import type { Handover } from './handover-state.js';
import { type CommitStep, commitStep, type Proof, proves } from './proof.js';

/** Where a baseline consumer stands in a partition that it holds. */
export interface BaselineSituation {
  /** From `handoverHere`: what this process knows now. */
  readonly here: HandoverHere;
  /** The offset of the next message: everything below is handled or skipped. */
  readonly position: bigint;
  /** A message of this partition is being handled. */
  readonly handling: boolean;
  /** The directory was read (linearizable) after the partition was assigned in this generation. */
  readonly refreshed: boolean;
  /** The generation in which the partition was assigned and the position read. */
  readonly generation: number;
  /** The last proof; one of another generation counts for nothing. */
  readonly proof: Proof | undefined;
}

/** What a baseline consumer does next for one color in one partition. Everything else goes on meanwhile. */
export type BaselineStep =
  | { readonly kind: 'none' }
  /** Read the directory below the prefix, linearizable, and begin again. */
  | { readonly kind: 'refresh-view'; readonly reason: 'assigned' | 'view-incomplete' }
  | CommitStep
  /** Create the fence if there is none. Whatever stands then is the fence: add the entry, and begin again. */
  | { readonly kind: 'create-join-fence'; readonly epoch: number; readonly offset: bigint }
  | { readonly kind: 'create-leave-fence'; readonly epoch: number; readonly offset: bigint }
  | { readonly kind: 'wait'; readonly for: 'message-in-hand' | 'stop-fence' | 'readable-entry' };

const NONE: BaselineStep = Object.freeze({ kind: 'none' });

/**
 * Pure. To be asked between two messages, whenever the table, the assignment or the position changed, and
 * from a timer while the partition is idle; the adapter does what it says and asks again.
 */
export function nextStep(situation: BaselineSituation): BaselineStep {
  const { here, refreshed, handling } = situation;
  const { handover, current } = here;
  if (!refreshed) return { kind: 'refresh-view', reason: 'assigned' };
  if (handover.kind === 'unreadable' || current.unreadable.length > 0)
    return { kind: 'wait', for: 'readable-entry' };
  if (!here.complete) return { kind: 'refresh-view', reason: 'view-incomplete' };
  const wanted = wantedFence(handover, current);
  if (wanted === undefined) return NONE;
  if (handling) return { kind: 'wait', for: 'message-in-hand' };
  return wanted === 'join' ? joinStep(situation, handover) : leaveStep(situation, handover);
}

/** In every epoch the join fence comes before the leave fence, also where nobody was ever to read behind it. */
function wantedFence({ kind }: Handover, { join, leave }: EpochFences): 'join' | 'leave' | undefined {
  switch (kind) {
    case 'joining':
    case 'active':
      return join === undefined ? 'join' : undefined;
    case 'leaving':
      return join === undefined ? 'join' : leave === undefined ? 'leave' : undefined;
    // A partition that appeared while the color left, too late for its leave fence to be waited for.
    case 'draining':
    case 'absent':
      return join !== undefined && leave === undefined ? 'leave' : undefined;
  }
}

function joinStep(
  { here, position, generation, proof }: BaselineSituation,
  { epoch, kind }: Handover,
): BaselineStep {
  const { leaveBefore } = here;
  if (!proves(proof, generation, { kind: 'joining', epoch }))
    return commitStep(position, generation, { kind, epoch });
  return { kind: 'create-join-fence', epoch, offset: joinValue(proof.position, leaveBefore) };
}

function leaveStep(
  { here, position, generation, proof }: BaselineSituation,
  { epoch, kind }: Handover,
): BaselineStep {
  const { join = 0n, stop } = here.current;
  if (stop === undefined) return { kind: 'wait', for: 'stop-fence' };
  if (!proves(proof, generation, { kind: 'leaving', epoch }))
    return commitStep(position, generation, { kind, epoch });
  return { kind: 'create-leave-fence', epoch, offset: leaveValue(proof.position, stop, join) };
}
