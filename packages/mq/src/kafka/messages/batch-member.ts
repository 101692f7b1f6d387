import type { Color, Coloring } from '@colorway/core';
import type { RunConfig } from '../client-types.js';
import type { ApplicationCommits } from '../commits/application-commits.js';
import type { GroupSession } from '../consumer/group-session.js';
import type { KafkaPolicy } from '../options.js';
import type { Discarding, HeldPartition } from '../partitions/held-partition.js';
import type { PartitionSteps } from '../partitions/partition-steps.js';
import type { Pauses } from './pauses.js';
import type { Tally } from './tally.js';
import type { Turns } from './turns.js';

/** As much of a group's member as the reading of a batch needs. */
export interface BatchMember {
  readonly coloring: Coloring;
  readonly session: Pick<GroupSession, 'groupId' | 'commit' | 'refusal'>;
  readonly commits: ApplicationCommits;
  readonly steps: PartitionSteps;
  readonly pauses: Pauses;
  readonly run: RunConfig;
  readonly drains: boolean;
  readonly turns: Turns;
  /** Who may set a flow type; `undefined` for everybody. */
  readonly policy: KafkaPolicy | undefined;
  readonly tally: Tally;
  /** Grows with each seek. */
  readonly seeks: number;
  kick(held: HeldPartition): void;
  /** Says that so many messages more are about to be given up. */
  discarding(held: HeldPartition, discarding: Discarding, more: number): Promise<void>;
  /** A handler has thrown this. */
  threw(held: HeldPartition, error: unknown): void;
  undecided(held: HeldPartition, color: Color, offset: string): void;
}
