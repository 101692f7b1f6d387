/*
 * The client's types: what KafkaJS's own are, for the part that is there. A `MemoryConsumer` can stand where
 * a `Consumer` of KafkaJS is asked for, and a `MemoryProducer` for a `Producer` (a test holds them together).
 */
import type {
  AssignerFactory,
  HeadersLike,
  OffsetsLike,
  TopicPartitionOffset,
  TopicPartitionsLike,
} from '../../kafka/client-types.js';
import type { GroupState } from '../broker/broker-port.js';
import type { CONSUMER_EVENTS, ConsumerEventName, MemoryEventListener, PRODUCER_EVENTS } from './events.js';
import type { QuietLogger } from './quiet-logger.js';

export interface MemoryMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Milliseconds since 1970, as text. */
  readonly timestamp: string;
  readonly attributes: number;
  readonly offset: string;
  readonly headers: { [key: string]: Buffer | Buffer[] };
}

export interface SentMessage {
  readonly key?: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly partition?: number;
  readonly headers?: HeadersLike;
  /** Milliseconds since 1970, as text. Default: now. */
  readonly timestamp?: string;
}

export interface SentTopic {
  readonly topic: string;
  readonly messages: readonly SentMessage[];
}

export interface SentRecord {
  topicName: string;
  partition: number;
  errorCode: number;
  /** The offset of the first message that went into this partition. */
  baseOffset: string;
}

export interface MemorySender {
  /** Without a partition: by the key as Kafka's default partitioner does it, else in turns. */
  send(record: SentTopic): Promise<SentRecord[]>;
  sendBatch(batch: { readonly topicMessages?: readonly SentTopic[] }): Promise<SentRecord[]>;
}

export interface MemoryTransaction extends MemorySender {
  sendOffsets(offsets: OffsetsLike & { readonly consumerGroupId: string }): Promise<void>;
  /** Until then nothing can be read; then all of it at once. */
  commit(): Promise<void>;
  abort(): Promise<void>;
  isActive(): boolean;
}

export interface MemoryProducerConfig {
  readonly transactionalId?: string;
  readonly idempotent?: boolean;
}

export interface MemoryProducer extends MemorySender {
  readonly events: typeof PRODUCER_EVENTS;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isIdempotent(): boolean;
  on<Payload>(event: string, listener: MemoryEventListener<Payload>): () => void;
  transaction(): Promise<MemoryTransaction>;
  logger(): QuietLogger;
}

export interface MemoryBatch {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: string;
  readonly messages: MemoryMessage[];
  /** From where it was asked for. */
  readonly fetchedOffset: string;
  isEmpty(): boolean;
  firstOffset(): string | null;
  lastOffset(): string;
  offsetLag(): string;
  offsetLagLow(): string;
}

export interface MemoryEachMessagePayload {
  readonly topic: string;
  readonly partition: number;
  readonly message: MemoryMessage;
  heartbeat(): Promise<void>;
  pause(): () => void;
}

export interface MemoryEachBatchPayload {
  readonly batch: MemoryBatch;
  resolveOffset(offset: string): void;
  heartbeat(): Promise<void>;
  pause(): () => void;
  commitOffsetsIfNecessary(offsets?: OffsetsLike): Promise<void>;
  uncommittedOffsets(): OffsetsLike;
  isRunning(): boolean;
  isStale(): boolean;
}

export interface MemoryRunConfig {
  readonly autoCommit?: boolean;
  readonly autoCommitInterval?: number | null;
  readonly autoCommitThreshold?: number | null;
  readonly eachBatchAutoResolve?: boolean;
  readonly partitionsConsumedConcurrently?: number;
  readonly eachBatch?: (payload: MemoryEachBatchPayload) => Promise<void>;
  readonly eachMessage?: (payload: MemoryEachMessagePayload) => Promise<void>;
}

export interface MemoryConsumerConfig {
  readonly groupId: string;
  /** Default: KafkaJS's round robin. */
  readonly partitionAssigners?: AssignerFactory[];
  /** After so long a silence a member is dead, in milliseconds. Default 30,000. */
  readonly sessionTimeout?: number;
  /** How long a rebalance waits for members that do not come, in milliseconds. Default 60,000. */
  readonly rebalanceTimeout?: number;
  /** Milliseconds. Default 3,000; a member that joined or has to join again does not wait for it. */
  readonly heartbeatInterval?: number;
  /** Default 1 MiB. */
  readonly maxBytesPerPartition?: number;
  /** How long an idle fetch waits, in milliseconds. Default 5,000; `stop`, `resume` and `seek` end it. */
  readonly maxWaitTimeInMs?: number;
  /** How soon new partitions are seen, in milliseconds. Default 1,000 (KafkaJS: 300,000). */
  readonly metadataMaxAge?: number;
  readonly retry?: {
    /** How often a failing handler is called again before the consumer crashes, and starts again. Default 5. */
    readonly retries?: number;
    /** Milliseconds, twice as long each time up to a second. Default 50 (KafkaJS: 300). */
    readonly initialRetryTime?: number;
    readonly restartOnFailure?: (error: Error) => Promise<boolean>;
  };
}

export interface MemoryGroupDescription {
  groupId: string;
  protocol: string;
  protocolType: string;
  state: GroupState;
  members: {
    memberId: string;
    clientId: string;
    clientHost: string;
    memberMetadata: Buffer;
    memberAssignment: Buffer;
  }[];
}

export interface MemoryConsumer {
  readonly events: typeof CONSUMER_EVENTS;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  stop(): Promise<void>;
  /**
   * As `kill -9` of its process, once the broker has noticed: no commit, no farewell, and the group goes on
   * without it at once. A handler that runs cannot be stopped; what it does no longer reaches the broker.
   */
  kill(): Promise<void>;
  subscribe(subscription: {
    readonly topic?: string | RegExp;
    readonly topics?: readonly (string | RegExp)[];
    readonly fromBeginning?: boolean;
  }): Promise<void>;
  run(config?: MemoryRunConfig): Promise<void>;
  commitOffsets(offsets?: (TopicPartitionOffset & { readonly metadata?: string | null })[]): Promise<void>;
  seek(position: TopicPartitionOffset): void;
  pause(topics?: readonly TopicPartitionsLike[]): void;
  resume(topics?: readonly TopicPartitionsLike[]): void;
  paused(): { topic: string; partitions: number[] }[];
  describeGroup(): Promise<MemoryGroupDescription>;
  on<Payload>(event: ConsumerEventName, listener: MemoryEventListener<Payload>): () => void;
  logger(): QuietLogger;
}

export interface MemoryAdmin {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  describeCluster(): Promise<{ readonly clusterId: string }>;
  listTopics(): Promise<string[]>;
  /** False when all of them are there already. */
  createTopics(options: {
    readonly topics: readonly { readonly topic: string; readonly numPartitions?: number }[];
  }): Promise<boolean>;
  /**
   * Deletes topics, and with each what groups have committed in it. Who makes a topic of the name again makes another one, which
   * begins at offset 0; a consumer that is subscribed makes it when it looks for its partitions (`metadataMaxAge`), as with
   * a broker that creates topics by itself. A consumer that stands behind the end of the new topic starts in it as a new group
   * does (`fromBeginning`); one that stands before its end reads on, as on Kafka.
   *
   * @throws `UNKNOWN_TOPIC_OR_PARTITION` (the error's `type`) for a topic that is not there; the others are deleted.
   */
  deleteTopics(options: { readonly topics: readonly string[] }): Promise<void>;
  createPartitions(options: {
    readonly topicPartitions: readonly { readonly topic: string; readonly count: number }[];
  }): Promise<boolean>;
  fetchTopicOffsets(
    topic: string,
  ): Promise<{ partition: number; offset: string; high: string; low: string }[]>;
  /** Offset `-1` where nothing was committed. Without topics: those in which something was. */
  fetchOffsets(options: {
    readonly groupId: string;
    readonly topics?: readonly string[];
  }): Promise<
    { topic: string; partitions: { partition: number; offset: string; metadata: string | null }[] }[]
  >;
  /** For a group without members. */
  setOffsets(options: {
    readonly groupId: string;
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
  }): Promise<void>;
  listGroups(): Promise<{ groups: { groupId: string; protocolType: string }[] }>;
  describeGroups(groupIds: readonly string[]): Promise<{ groups: MemoryGroupDescription[] }>;
  /** Rejects with an error whose `groups` say what was wrong, as KafkaJS does: `GROUP_ID_NOT_FOUND`, `NON_EMPTY_GROUP`. */
  deleteGroups(groupIds: readonly string[]): Promise<{ groupId: string; errorCode: number }[]>;
}
