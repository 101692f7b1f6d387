import type { OffsetsLike } from '../../kafka/client-types.js';
import type {
  BrokerPort,
  CommittedOffset,
  PartitionMessages,
  TransactionalProducer,
} from '../broker/broker-port.js';
import type { MemoryTransaction, SentRecord, SentTopic } from './types.js';
import { usageError } from './usage-error.js';

export interface TransactionOptions {
  readonly port: BrokerPort;
  readonly producer: TransactionalProducer;
  readonly entriesOf: (topics: readonly SentTopic[]) => Promise<PartitionMessages[]>;
  readonly ended: () => void;
}

/** Keeps the messages until `commit`. The control records that Kafka adds are not made: they take no offsets here. */
export function beginTransaction({
  port,
  producer,
  entriesOf,
  ended,
}: TransactionOptions): MemoryTransaction {
  const entries: PartitionMessages[] = [];
  let active = true;
  const checkActive = (): void => {
    if (!active) throw usageError('Cannot continue to use a transaction once it ended.');
  };
  const end = async (messages: readonly PartitionMessages[] | undefined): Promise<void> => {
    checkActive();
    active = false;
    ended();
    await port.endTransaction(producer, messages);
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
      await port.addOffsets(producer, consumerGroupId, committedOffsets({ topics }));
    },
    commit: () => end(entries),
    abort: () => end(undefined),
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
