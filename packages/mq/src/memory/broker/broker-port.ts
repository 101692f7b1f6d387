/*
 * What a client asks of a broker. Arguments and results are plain data and Buffers, so that the same calls
 * go through a socket. Offsets are numbers here; at the surface they are text, as KafkaJS has them.
 */

export interface StoredHeaders {
  readonly [key: string]: Buffer | Buffer[];
}

export interface ProducedMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: StoredHeaders;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

export interface StoredMessage extends ProducedMessage {
  readonly partition: number;
  readonly offset: number;
  /** Its place among all messages of the broker. */
  readonly sequence: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface PartitionMessages extends TopicPartition {
  readonly messages: readonly ProducedMessage[];
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

export interface CommittedOffset extends PartitionOffset {
  readonly metadata: string | null;
}

export interface GroupMember {
  readonly groupId: string;
  readonly memberId: string;
  readonly generation: number;
}

export interface FetchRequest {
  readonly partitions: readonly (PartitionOffset & { readonly maxBytes: number })[];
  /** How long to wait where there is nothing; 0 for not at all. */
  readonly maxWaitMs: number;
  /** Whoever fetches; the answer comes at once when this member has to join again. */
  readonly member: GroupMember;
}

export interface FetchedPartition extends TopicPartition {
  readonly highWatermark: number;
  readonly messages: readonly StoredMessage[];
}

export interface FetchResult {
  /** Partitions with messages alone. */
  readonly partitions: readonly FetchedPartition[];
  /** The group rebalances: a heartbeat will say so. */
  readonly rejoin: boolean;
}

export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface JoinRequest {
  readonly groupId: string;
  /** Made by the client, so that it can leave before the answer is there. */
  readonly memberId: string;
  /** False for a member that joins again, which the broker must still know. */
  readonly isNew: boolean;
  readonly clientId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocols: readonly GroupProtocol[];
}

export interface JoinResult {
  readonly generation: number;
  readonly leaderId: string;
  readonly protocol: string;
  /** All members, for the leader; empty for the others. */
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

export interface MemberAssignment {
  readonly memberId: string;
  readonly memberAssignment: Buffer;
}

export interface CommitRequest {
  readonly groupId: string;
  /** `admin`: by nobody of the group, which must be empty. */
  readonly by: { readonly memberId: string; readonly generation: number } | 'admin';
  readonly offsets: readonly CommittedOffset[];
}

/** A producer with transactions; of one id the one with the highest epoch counts. */
export interface TransactionalProducer {
  readonly transactionalId: string;
  readonly epoch: number;
}

export type GroupState = 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead' | 'Empty';

export interface GroupDescription {
  readonly groupId: string;
  readonly state: GroupState;
  readonly protocol: string;
  readonly members: readonly (MemberAssignment & {
    readonly clientId: string;
    readonly memberMetadata: Buffer;
  })[];
}

/** A broker, in this process or behind a socket. Failures reject with a `BrokerError`. */
export interface BrokerPort {
  /** Another one for each broker. */
  clusterId(): Promise<string>;
  topics(): Promise<string[]>;
  /** How many partitions each topic has; a topic that is not there is made when `create`, else left out. */
  partitionCounts(topics: readonly string[], create: boolean): Promise<Record<string, number>>;
  /** False when the topic is there already. `partitions`: undefined for the broker's default. */
  createTopic(topic: string, partitions: number | undefined): Promise<boolean>;
  growTopic(topic: string, partitions: number): Promise<void>;
  /** Deletes its messages, and what groups had committed in it; what waits for messages of it is looked at again. */
  deleteTopic(topic: string): Promise<void>;
  /** Of 32 hex digits; a topic that is deleted and made again has another one. `undefined` where there is none. */
  topicId(topic: string): Promise<string | undefined>;
  /** Appends all or nothing. Tells the offset of the first message of each entry. */
  produce(entries: readonly PartitionMessages[]): Promise<PartitionOffset[]>;
  /** Ends whatever producer had this id before, and its transaction. Returns the epoch of the new one. */
  initProducer(transactionalId: string): Promise<number>;
  /** Offsets that are committed when the transaction is. */
  addOffsets(
    producer: TransactionalProducer,
    groupId: string,
    offsets: readonly CommittedOffset[],
  ): Promise<void>;
  /** Appends the messages and commits the offsets, all or nothing; without messages it is given up. */
  endTransaction(
    producer: TransactionalProducer,
    messages: readonly PartitionMessages[] | undefined,
  ): Promise<void>;
  fetch(request: FetchRequest): Promise<FetchResult>;
  ends(topic: string): Promise<{ readonly partition: number; readonly low: number; readonly high: number }[]>;
  messages(topic: string): Promise<StoredMessage[]>;
  join(request: JoinRequest): Promise<JoinResult>;
  /** The leader gives everybody's assignment, the others an empty list; each gets its own. */
  sync(member: GroupMember, assignments: readonly MemberAssignment[]): Promise<Buffer>;
  heartbeat(member: GroupMember): Promise<void>;
  leave(groupId: string, memberId: string): Promise<void>;
  commit(request: CommitRequest): Promise<void>;
  committed(groupId: string): Promise<CommittedOffset[]>;
  groups(): Promise<string[]>;
  describeGroup(groupId: string): Promise<GroupDescription>;
  deleteGroup(groupId: string): Promise<void>;
}
