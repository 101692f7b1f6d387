import type { OffsetsLike } from '../../kafka/client-types.js';
import type { BrokerPort, CommittedOffset, PartitionMessages } from '../broker/broker-port.js';
import type { MemoryTransaction, SentRecord, SentTopic } from './types.js';
import { usageError } from './usage-error.js';

/** Keeps everything until `commit`. The control records that Kafka adds are not made: they take no offsets here. */
export function beginTransaction(
  port: BrokerPort,
  entriesOf: (topics: readonly SentTopic[]) => Promise<PartitionMessages[]>,
): MemoryTransaction {
  const entries: PartitionMessages[] = [];
  const offsets: { groupId: string; offsets: CommittedOffset[] }[] = [];
  let active = true;
  const checkActive = (): void => {
    if (!active) throw usageError('Cannot continue to use a transaction once it ended.');
  };
  const sendBatch = async ({
    topicMessages = [],
  }: {
    topicMessages?: readonly SentTopic[];
  }): Promise<SentRecord[]> => {
    checkActive();
    entries.push(...(await entriesOf(topicMessages)));
    return [];
  };
  return {
    send: (record) => sendBatch({ topicMessages: [record] }),
    sendBatch,
    sendOffsets: async ({ consumerGroupId, topics }) => {
      checkActive();
      offsets.push({ groupId: consumerGroupId, offsets: committedOffsets({ topics }) });
    },
    commit: async () => {
      checkActive();
      active = false;
      await port.produce(entries);
      for (const { groupId, offsets: all } of offsets) {
        await port.commit({ groupId, by: 'transaction', offsets: all });
      }
    },
    abort: async () => {
      checkActive();
      active = false;
    },
    isActive: () => active,
  };
}

export function committedOffsets({ topics }: OffsetsLike): CommittedOffset[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map((one) => {
      const { metadata = null } = one as { readonly metadata?: string | null };
      return { topic, partition: one.partition, offset: Number(one.offset), metadata };
    }),
  );
}
