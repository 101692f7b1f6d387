import type { Color } from '@colorway/core';
import type { ColorFences } from './fences.js';
import type { FenceKind } from './handover-keys.js';
import { compareHandovers, type Handover } from './handover-state.js';
import { mergeProgress } from './kept-progress.js';
import { sinceOf } from './past.js';
import { areTwoLogs } from './renewal.js';

/** What a process knows of a color whose entry is gone from the directory. */
export interface Remembered {
  readonly color: Color;
  /** The last state that could be read. */
  readonly state: Handover;
  readonly partitions: ColorFences['partitions'];
}

export interface RememberedFence {
  readonly epoch: number;
  readonly fence: FenceKind;
  readonly partition: number;
  readonly offset: bigint;
}

export interface RestorePlan {
  /** Each to be created if there is none, before the state is written: who reads the state counts on them. */
  readonly fences: readonly RememberedFence[];
  /** To be written over what stands; `undefined`: that stays. */
  readonly state: Handover | undefined;
}

const NOTHING: RestorePlan = Object.freeze({ fences: [], state: undefined });
const KINDS = ['join', 'stop', 'leave'] as const;

/**
 * Pure: what to put back into a directory that was emptied, beside what stands there now.
 *
 * Several processes may do it at once, with views of different age. Fences are facts that were written once, so
 * theirs are the same; of two states the later stays, whoever comes first. So an older state may stand for a
 * while, or for good, with fences of a newer one: `active` with a stop fence, of which nobody decides what lies
 * behind it, and the next leave finds its fence made; or with a leave fence, which counts as it did.
 *
 * A process that knew nothing may have begun another epoch meanwhile. That stays, and it begins where the one
 * before began: the baseline has passed over the color's messages since then, so they are the color's still, and
 * its group reads on from what it has committed. Not so where the topic was made again meanwhile.
 */
export function restorePlan(remembered: Remembered, standing: Handover | undefined): RestorePlan {
  const { state } = remembered;
  if (standing === undefined) return { fences: fencesOf(remembered), state };
  // Of two topics the one with the later epoch is the one that is there now; offsets of the other mean nothing in it.
  if (areTwoLogs(state.log, standing.log))
    return standing.epoch >= state.epoch ? NOTHING : { fences: fencesOf(remembered), state };
  if (standing.kind === 'absent' && standing.epoch >= state.epoch) return NOTHING;
  if (standing.epoch !== state.epoch)
    return { fences: joinFencesIn(standing, remembered), state: withKept(standing, state) };
  const later = isLater(state, standing) ? withProgress(state, standing) : withProgress(standing, state);
  return { fences: fencesOf(remembered), state: later === standing ? undefined : later };
}

/**
 * Pure: the fences that count for the state that stands, and are not there. Who put back a directory that was emptied may
 * not have known them, and a fence is made once: its maker would not make it again.
 */
export function missingFences(
  remembered: Remembered,
  standing: Handover,
  isThere: (fence: RememberedFence) => boolean,
): RememberedFence[] {
  // Of another epoch: that is the whole state's affair.
  if (standing.epoch !== remembered.state.epoch) return [];
  return fencesOf(remembered).filter((fence) => fence.epoch >= sinceOf(standing) && !isThere(fence));
}

function fencesOf({ partitions }: Remembered): RememberedFence[] {
  const found: RememberedFence[] = [];
  for (const [partition, { epochs }] of partitions) {
    for (const known of epochs) {
      for (const fence of KINDS) {
        const offset = known[fence];
        if (offset !== undefined) found.push({ epoch: known.epoch, fence, partition, offset });
      }
    }
  }
  return found;
}

function joinFencesIn({ kind, epoch }: Handover, { state, partitions }: Remembered): RememberedFence[] {
  // What has left already handles nothing from a fence on.
  if (state.kind === 'absent' || kind === 'draining' || kind === 'absent') return [];
  const found: RememberedFence[] = [];
  for (const [partition, { epochs }] of partitions) {
    const offset = epochs.find((known) => known.epoch === state.epoch)?.join;
    if (offset !== undefined) found.push({ epoch, fence: 'join', partition, offset });
  }
  return found;
}

/** What the epoch before had handled, and what it had before that. */
function withKept(standing: Handover, state: Handover): Handover | undefined {
  const { past = standing.past } = standing.past === undefined ? state : standing;
  const kept = withProgress(standing, state);
  if (past === standing.past) return kept === standing ? undefined : kept;
  return Object.freeze({ ...kept, ...(past !== undefined && { past }) });
}

function withProgress(standing: Handover, { progress: more }: Handover): Handover {
  const progress = more && standing.kind !== 'absent' ? mergeProgress(standing.progress, more) : undefined;
  return progress === undefined || progress === standing.progress
    ? standing
    : Object.freeze({ ...standing, progress });
}

/** Neither is a discard that was asked for taken back. */
function isLater(state: Handover, standing: Handover): boolean {
  const order = compareHandovers(state, standing);
  if (order !== 0) return order > 0;
  return 'onLeave' in state && 'onLeave' in standing && state.onLeave !== standing.onLeave
    ? state.onLeave === 'discard'
    : false;
}
