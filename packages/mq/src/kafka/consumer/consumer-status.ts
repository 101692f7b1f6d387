import type { Color, MqConsumer, MqPartition, MqPhase } from '@colorway/core';
import type { GroupMember } from '../messages/group-member.js';
import type { HeldPartition } from '../partitions/held-partition.js';

export interface ConsumerStanding {
  readonly group: string;
  readonly brokerGroup: string;
  readonly color: Color | undefined;
  readonly phase: MqPhase;
  /** In phase `failed`. */
  readonly failure: string | undefined;
  readonly member: GroupMember | undefined;
}

export function consumerStatus({ member, failure, ...standing }: ConsumerStanding): MqConsumer {
  const partitions = Array.from(member?.all() ?? [], partitionStatus);
  return {
    broker: 'kafka',
    ...standing,
    partitions,
    ...(failure !== undefined && { failure }),
    handled: member?.tally.handled ?? 0,
    skipped: member?.tally.skipped ?? 0,
    unread: partitions.reduce<number | undefined>(
      (sum, { unread }) => (sum === undefined || unread === undefined ? undefined : sum + unread),
      partitions.length > 0 ? 0 : undefined,
    ),
    reasons: Object.fromEntries(member?.reasons ?? []),
  };
}

function partitionStatus({
  topic,
  partition,
  position,
  end,
  open,
  waiting,
  waitingSince,
  trouble,
  until,
  readAt,
}: HeldPartition): MqPartition {
  const isBelow = open && until !== undefined && (position ?? -1n) < until;
  // With a batch in hand it may wait though it is open.
  const waits = waiting !== undefined && waiting !== 'done';
  return {
    ...{ topic, partition, position: position?.toString() },
    unread: unread(position, end),
    ...(until !== undefined && { boundary: until.toString() }),
    ...(trouble !== undefined
      ? { waiting: { for: trouble.why, ms: performance.now() - trouble.since, remedy: trouble.remedy } }
      : waits
        ? { waiting: { for: waiting, ms: performance.now() - waitingSince, ...remedyOf(waiting) } }
        : isBelow && { waiting: { for: 'messages-below-boundary', ms: performance.now() - readAt } }),
  };
}

const REMEDIES: Readonly<Record<string, string>> = {
  'application-commit':
    'The color leaves, and its last messages were handled but not committed. Commit their offsets (the consumer has autoCommit: false), stop the consumer so that they are handled again by the baseline, or leave with discard.',
};

function remedyOf(waiting: string): { readonly remedy?: string } {
  const remedy = REMEDIES[waiting];
  return remedy === undefined ? {} : { remedy };
}

/** From the end of the log when it was last read: an idle or a closed partition may have more. */
function unread(position: bigint | undefined, end: string | undefined): number | undefined {
  if (position === undefined || end === undefined) return undefined;
  const left = BigInt(end) - position;
  return left > 0n ? Number(left) : 0;
}
