import type { Color } from '@colorway/core';
import type { OwnerReason } from '../ownership/owner.js';
import type { GroupMember } from './group-member.js';

/** `waiting-for-drain`: the color's epoch before still leaves; `left`: the color was withdrawn, and all is drained. */
export type ConsumerPhase = 'stopped' | 'starting' | 'running' | 'waiting-for-drain' | 'left';

export interface ConsumerStatus {
  /** The group as the application names it. */
  readonly group: string;
  /** The group at the broker: `GID_<color>_X` in a colored instance. */
  readonly brokerGroup: string;
  readonly color: Color | undefined;
  readonly phase: ConsumerPhase;
  /** Messages of others that were passed over since it runs. */
  readonly skipped: number;
  readonly partitions: readonly PartitionStatus[];
  /** By color: the reason of the last decision about a message of it. */
  readonly reasons: Readonly<Record<Color, OwnerReason>>;
}

export interface PartitionStatus {
  readonly topic: string;
  readonly partition: number;
  /** The offset of the next message, as text; `undefined` while unknown. */
  readonly position: string | undefined;
  /** What it waits for, and for how long, in milliseconds. */
  readonly waiting?: { readonly for: string; readonly ms: number };
}

export function consumerStatus(
  group: string,
  brokerGroup: string,
  color: Color | undefined,
  phase: ConsumerPhase,
  member: GroupMember | undefined,
): ConsumerStatus {
  const partitions = Array.from(member?.all() ?? [], (held): PartitionStatus => {
    const { topic, partition, position, waiting, waitingSince } = held;
    return {
      topic,
      partition,
      position: position?.toString(),
      ...(waiting !== undefined &&
        !held.open && { waiting: { for: waiting, ms: performance.now() - waitingSince } }),
    };
  });
  const reasons = Object.fromEntries(member?.reasons ?? []);
  return { group, brokerGroup, color, phase, skipped: member?.skipped ?? 0, partitions, reasons };
}
