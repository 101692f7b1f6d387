import type { ColorFences, HandoverHere } from './fences.js';
import { type Handover, handoverOpen, type Transition } from './handover-state.js';
import { type KeptProgress, mergeProgress } from './kept-progress.js';
import { highest } from './offset.js';

/**
 * What counts as the group's committed offset. What the broker has is the newer, also where it is less: an
 * administrator has set it back. Only where it has none, what was kept stands for it.
 */
export function committedOrKept(
  committed: bigint | undefined,
  { progress }: Pick<HandoverHere, 'progress'>,
): bigint | undefined {
  return committed ?? progress;
}

/**
 * What there is to be kept; `undefined` where nothing moved. What lies before the join fence is of an earlier epoch,
 * or not the color's.
 *
 * @param fences known before the broker was asked. @param committed of the colored group, by partition.
 */
export function progressToKeep(
  { handover, partitions }: Pick<ColorFences, 'handover' | 'partitions'>,
  committed: ReadonlyMap<number, bigint>,
): KeptProgress | undefined {
  if (handover.kind === 'unreadable' || !handoverOpen(handover)) return undefined;
  const moved = new Map<number, bigint>();
  for (const [partition, offset] of committed) {
    const { join } = partitions.get(partition)?.epochs.find(({ epoch }) => epoch === handover.epoch) ?? {};
    if (join !== undefined && offset > highest(join, handover.progress?.get(partition)))
      moved.set(partition, offset);
  }
  return moved.size === 0 ? undefined : moved;
}

/** @param epoch in which the group had committed so far. */
export function keepProgress(state: Handover, epoch: number, progress: KeptProgress): Transition {
  if (state.epoch !== epoch) return { kind: 'refused', reason: 'other-epoch', state };
  if (!handoverOpen(state)) return { kind: 'refused', reason: 'wrong-state', state };
  const next = withProgress(state, progress);
  return next === state ? { kind: 'refused', reason: 'not-moved', state } : { kind: 'next', state: next };
}

/** The same state with what another reading of it has said of its epoch. */
export function withProgressOf(state: Handover, known: Handover): Handover {
  if (known.progress === undefined || state.epoch !== known.epoch || state.kind === 'absent') return state;
  return withProgress(state, known.progress);
}

function withProgress(state: Handover, more: KeptProgress): Handover {
  const progress = mergeProgress(state.progress, more);
  return progress === undefined || progress === state.progress
    ? state
    : Object.freeze({ ...state, progress });
}
