import type { Color } from '@colorway/core';
import type { Unreadable } from './handover-codec.js';
import type { FenceKind } from './handover-keys.js';
import { type Handover, NEVER_JOINED } from './handover-state.js';
import type { Owner, Segments } from './ownership.js';
import type { PastInterval } from './past.js';

/** What is known of the hand-over of one (group, topic): immutable, made by a `FenceStore`. */
export interface FenceTable {
  /** Grows by one with every change. */
  readonly version: number;
  /** The owner of messages without a color. */
  readonly uncolored: Owner;
  /** The owner of messages of a color that has no hand-over here. */
  readonly unlisted: Owner;
  readonly colors: ReadonlyMap<Color, ColorFences>;
}

export interface ColorFences {
  readonly color: Color;
  /** `unreadable` when the entry was written by something that this version does not understand. */
  readonly handover: Handover | Unreadable;
  readonly partitions: ReadonlyMap<number, PartitionFences>;
  /** For a partition without any fence. */
  readonly unfenced: PartitionFences;
}

export interface PartitionFences {
  /** What belonged to the color in epochs whose fences are folded away; ascending. */
  readonly past: readonly PastInterval[];
  /** Those that count, ascending. */
  readonly epochs: readonly EpochFences[];
  readonly segments: Segments;
  /** Whether no fence of an epoch that is over is missing from the view; else it is to be refreshed. */
  readonly complete: boolean;
}

/** The fences of one epoch in one partition, as far as they are known. Each is written once and never changes. */
export interface EpochFences {
  readonly epoch: number;
  readonly join?: bigint;
  readonly stop?: bigint;
  readonly leave?: bigint;
  /** Those that stand, and cannot be read. */
  readonly unreadable: readonly FenceKind[];
}

/** The hand-over of one color in one partition, as the next step is decided from it. */
export interface HandoverHere {
  readonly handover: Handover | Unreadable;
  readonly current: EpochFences;
  /** Where the last epoch before gave the color's messages back; `undefined` where none did. */
  readonly leaveBefore: bigint | undefined;
  /** How far the color's group had committed in this epoch, as far as that was kept: see `kept-progress.ts`. */
  readonly progress?: bigint | undefined;
  readonly complete: boolean;
}

export function handoverHere(fences: FenceTable, color: Color, partition: number): HandoverHere {
  const known = fences.colors.get(color);
  if (known === undefined)
    return { handover: NEVER_JOINED, current: NO_FENCES, leaveBefore: undefined, complete: true };
  const { handover } = known;
  const { past, epochs, complete } = known.partitions.get(partition) ?? known.unfenced;
  if (handover.kind === 'unreadable')
    return { handover, current: NO_FENCES, leaveBefore: undefined, complete };
  const current = epochs.findLast(({ epoch }) => epoch === handover.epoch);
  const before = epochs.findLast(({ epoch }) => epoch < handover.epoch);
  const leaveBefore = before?.leave ?? past.at(-1)?.leave;
  const progress = handover.progress?.get(partition);
  return { handover, current: current ?? NO_FENCES, leaveBefore, progress, complete };
}

const NO_FENCES: EpochFences = Object.freeze({ epoch: 0, unreadable: [] });
