import type { Color, Coloring } from '@colorway/core';
import type { RunConfig } from './client-types.js';
import type { HeldPartition } from './held-partition.js';
import type { PartitionSteps } from './partition-steps.js';
import type { Pauses } from './pauses.js';

/** As much of a group's member as the reading of a batch needs. */
export interface BatchMember {
  readonly coloring: Coloring;
  readonly session: { readonly groupId: string };
  readonly steps: PartitionSteps;
  readonly pauses: Pauses;
  readonly run: RunConfig;
  readonly drains: boolean;
  /** Grows with each seek. */
  readonly seeks: number;
  kick(held: HeldPartition): void;
  passedOver(held: HeldPartition, messages: number): void;
  undecided(held: HeldPartition, color: Color, offset: string): void;
}
