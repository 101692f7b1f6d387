/*
 * What the adapter calls on a client, as types of our own: KafkaJS 2 fits, and so does a client that is
 * compatible with it. The users' own types (`Kafka`, `Consumer`, `Producer`) stay theirs.
 */

/** Anything that makes producers, consumers and admins as KafkaJS does. What they take is the client's own affair. */
export interface KafkaClient {
  producer(config?: never): { send(record: never): Promise<unknown>; transaction(): Promise<object> };
  consumer(config: never): { run(config?: never): Promise<void>; on(event: never, listener: never): unknown };
  admin(config?: never): { connect(): Promise<void>; describeGroups(groups: string[]): Promise<unknown> };
}

export interface HeadersLike {
  [key: string]: Buffer | string | (Buffer | string)[] | undefined;
}

export interface MessageLike {
  readonly offset: string;
  readonly headers?: HeadersLike;
}

export interface OutgoingMessage {
  readonly headers?: HeadersLike;
}

export interface TopicMessagesLike {
  readonly topic: string;
  readonly messages: readonly OutgoingMessage[];
}

export interface SenderClient {
  send(record: never): Promise<unknown>;
  sendBatch(batch: never): Promise<unknown>;
}

export interface TransactionClient extends SenderClient {
  sendOffsets(offsets: never): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export interface ProducerConfigLike {
  readonly transactionalId?: string;
  /** Milliseconds. */
  readonly transactionTimeout?: number;
  readonly kafkaJS?: { readonly transactionalId?: string };
}

export interface ProducerClient extends SenderClient {
  transaction(): Promise<TransactionClient>;
}

export interface BatchLike {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: string;
  readonly messages: MessageLike[];
  /** From where it was asked for: KafkaJS says it beside what its types say. The first message may lie behind it. */
  readonly fetchedOffset?: string;
  firstOffset(): string | null;
  lastOffset(): string;
  isEmpty(): boolean;
  offsetLag(): string;
}

export interface OffsetsLike {
  topics: { topic: string; partitions: { partition: number; offset: string }[] }[];
}

export interface EachBatchPayloadLike {
  readonly batch: BatchLike;
  resolveOffset(offset: string): void;
  heartbeat(): Promise<void>;
  pause(): () => void;
  commitOffsetsIfNecessary(offsets?: OffsetsLike): Promise<void>;
  uncommittedOffsets(): OffsetsLike;
  isRunning(): boolean;
  isStale(): boolean;
}

export interface EachMessagePayloadLike {
  readonly topic: string;
  readonly partition: number;
  readonly message: MessageLike;
  heartbeat(): Promise<void>;
  pause(): () => void;
}

export interface RunConfig {
  readonly autoCommit?: boolean;
  readonly autoCommitInterval?: number | null;
  readonly autoCommitThreshold?: number | null;
  readonly eachBatchAutoResolve?: boolean;
  readonly partitionsConsumedConcurrently?: number;
  readonly eachBatch?: ((payload: EachBatchPayloadLike) => Promise<void>) | undefined;
  readonly eachMessage?: ((payload: EachMessagePayloadLike) => Promise<void>) | undefined;
}

export interface TopicPartitionsLike {
  readonly topic: string;
  readonly partitions?: number[];
}

export interface TopicPartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

export interface Subscription {
  readonly topic?: string | RegExp;
  readonly topics?: (string | RegExp)[];
  readonly fromBeginning?: boolean;
}

export interface ConsumerClient {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  stop(): Promise<void>;
  subscribe(subscription: { topics: string[]; fromBeginning?: boolean }): Promise<void>;
  run(config: RunConfig): Promise<void>;
  seek(position: TopicPartitionOffset): void;
  pause(topics: TopicPartitionsLike[]): void;
  resume(topics: TopicPartitionsLike[]): void;
  paused(): { topic: string; partitions: number[] }[];
  on(event: never, listener: (event: { readonly payload: unknown }) => unknown): () => void;
  readonly events: Readonly<Record<string, string>>;
}

export interface ConsumerConfigLike {
  readonly groupId: string;
  readonly partitionAssigners?: AssignerFactory[];
  readonly maxWaitTimeInMs?: number;
  readonly heartbeatInterval?: number;
  readonly sessionTimeout?: number;
  readonly retry?: {
    readonly retries?: number;
    readonly restartOnFailure?: (error: Error) => Promise<boolean>;
  };
}

export interface AdminClient {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  listTopics(): Promise<string[]>;
  fetchTopicOffsets(topic: string): Promise<{ partition: number; high: string; low: string }[]>;
  fetchOffsets(options: {
    groupId: string;
    topics?: string[];
  }): Promise<{ topic: string; partitions: { partition: number; offset: string }[] }[]>;
  describeGroups(groups: string[]): Promise<{ groups: GroupDescriptionLike[] }>;
  deleteGroups(groups: string[]): Promise<unknown>;
  describeCluster?(): Promise<{ readonly clusterId: string }>;
  resetOffsets?(options: { groupId: string; topic: string; earliest: boolean }): Promise<unknown>;
}

export interface GroupDescriptionLike {
  readonly groupId: string;
  readonly state: string;
  readonly members: readonly { readonly memberMetadata: Buffer }[];
}

/** KafkaJS hands its cluster to a partition assigner: the one public way to the group's coordinator. */
export type AssignerFactory = (config: {
  cluster: ClusterLike;
  groupId: string;
  logger: unknown;
}) => AssignerLike;

export interface AssignerLike {
  name: string;
  version: number;
  assign(group: {
    members: { memberId: string; memberMetadata: Buffer }[];
    topics: string[];
  }): Promise<{ memberId: string; memberAssignment: Buffer }[]>;
  protocol(subscription: { topics: string[] }): { name: string; metadata: Buffer };
}

export interface ClusterLike {
  findTopicPartitionMetadata(topic: string): { partitionId: number }[];
  findGroupCoordinator(group: { groupId: string }): Promise<
    BrokerLike & {
      offsetCommit(request: {
        groupId: string;
        groupGenerationId: number;
        memberId: string;
        topics: OffsetsLike['topics'];
      }): Promise<unknown>;
    }
  >;
}

/** A broker that is connected. Not every client has these parts. */
export interface BrokerLike {
  /** Where the client itself tells the id of a topic, as the broker in memory does: then nothing is sent for it. */
  readonly topicId?: (topic: string) => Promise<string | undefined>;
  /** By the number of the request. */
  readonly versions?: Readonly<Record<number, { readonly maxVersion: number }>>;
  readonly connectionPool?: {
    send<Answer>(call: {
      readonly request: {
        readonly apiKey: number;
        readonly apiName: string;
        readonly apiVersion: number;
        readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
      };
      readonly response: {
        readonly decode: (payload: Buffer) => Promise<Buffer>;
        readonly parse: (payload: Buffer) => Promise<Answer>;
      };
    }): Promise<Answer>;
  };
}
