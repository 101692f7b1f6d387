import type { OffsetsLike, TopicPartitionOffset } from '../client-types.js';
import { activeDrain } from '../leaving/drain-context.js';
import { routeOffsets } from '../producer/route-offsets.js';
import type { ApplicationCommits } from './application-commits.js';

/** Longer than a client tries. */
export const COMMIT_MS = 60_000;

/** A consumer of the client, as far as it commits by hand. */
export interface CommittingConsumer {
  commitOffsets(offsets?: TopicPartitionOffset[]): Promise<void>;
}

/** `consumer.commitOffsets` of the application: each offset reaches the group whose message it stands behind. */
export async function commitByHand(
  commits: ApplicationCommits,
  { group, brokerGroup }: { readonly group: string; readonly brokerGroup: string },
  consumer: CommittingConsumer,
  offsets: TopicPartitionOffset[] | undefined,
): Promise<void> {
  if (!Array.isArray(offsets) || offsets.length === 0) {
    if (activeDrain() === undefined) await consumer.commitOffsets(offsets);
    return;
  }
  for (const route of routeOffsets(commits, group, brokerGroup, offsets)) {
    await committing(commits, route.brokerGroup, byTopic(route.offsets), () =>
      route.drain === undefined ? consumer.commitOffsets(route.offsets) : route.drain.commit(route.offsets),
    );
  }
}

/** A commit that the application makes, with none of the adapter's beside it. */
export async function committing(
  commits: ApplicationCommits,
  brokerGroup: string,
  topics: OffsetsLike['topics'],
  commit: () => Promise<void>,
): Promise<void> {
  const open = await commits.begin(brokerGroup, topics, COMMIT_MS);
  let landed = false;
  try {
    await commit();
    landed = true;
  } finally {
    open.end(landed);
  }
}

export function byTopic(offsets: readonly TopicPartitionOffset[]): OffsetsLike['topics'] {
  const topics = new Map<string, { partition: number; offset: string }[]>();
  for (const { topic, partition, offset, ...rest } of offsets) {
    topics.set(topic, [...(topics.get(topic) ?? []), { ...rest, partition, offset }]);
  }
  return Array.from(topics, ([topic, partitions]) => ({ topic, partitions }));
}

export function flat(topics: OffsetsLike['topics']): TopicPartitionOffset[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((one) => ({ ...one, topic })));
}
