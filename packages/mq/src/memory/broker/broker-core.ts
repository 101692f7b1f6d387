import { randomBytes } from 'node:crypto';
import { ColorwayError, quote } from '@colorway/core';
import { BrokerError } from './broker-error.js';
import type {
  BrokerPort,
  CommitRequest,
  CommittedOffset,
  FetchedPartition,
  FetchRequest,
  FetchResult,
  GroupDescription,
  GroupMember,
  JoinRequest,
  JoinResult,
  MemberAssignment,
  PartitionMessages,
  PartitionOffset,
  StoredMessage,
  TransactionalProducer,
} from './broker-port.js';
import { Group } from './group.js';
import { Topics } from './topics.js';
import { Transactions } from './transactions.js';

/** The broker itself: topics and groups in memory. What it does it does at once; only fetches and joins wait. */
export class BrokerCore implements BrokerPort {
  readonly #id = randomBytes(16).toString('base64url');
  readonly #topics: Topics;
  readonly #groups = new Map<string, Group>();
  readonly #transactions = new Transactions();
  readonly #fetching = new Set<() => void>();
  #closed = false;

  /** @param partitions of a topic that comes to be by its first use. */
  constructor(partitions: number) {
    this.#topics = new Topics(partitions);
  }

  async clusterId(): Promise<string> {
    return this.#id;
  }

  async topics(): Promise<string[]> {
    return this.#topics.names();
  }

  async partitionCounts(topics: readonly string[], create: boolean): Promise<Record<string, number>> {
    this.#checkOpen();
    return this.#topics.counts(topics, create);
  }

  async createTopic(topic: string, partitions: number | undefined): Promise<boolean> {
    this.#checkOpen();
    return this.#topics.create(topic, partitions);
  }

  async growTopic(topic: string, partitions: number): Promise<void> {
    this.#checkOpen();
    this.#topics.grow(topic, partitions);
  }

  async deleteTopic(topic: string): Promise<void> {
    this.#checkOpen();
    this.#topics.delete(topic);
    for (const group of this.#groups.values()) group.forget(topic);
    this.#transactions.forget(topic);
  }

  async topicId(topic: string): Promise<string | undefined> {
    this.#checkOpen();
    return this.#topics.id(topic);
  }

  async produce(entries: readonly PartitionMessages[]): Promise<PartitionOffset[]> {
    this.#checkOpen();
    return this.#topics.append(entries);
  }

  async initProducer(transactionalId: string): Promise<number> {
    this.#checkOpen();
    return this.#transactions.init(transactionalId);
  }

  async addOffsets(
    producer: TransactionalProducer,
    groupId: string,
    offsets: readonly CommittedOffset[],
  ): Promise<void> {
    this.#checkOpen();
    this.#transactions.addOffsets(producer, this.#group(groupId), offsets);
  }

  async endTransaction(
    producer: TransactionalProducer,
    messages: readonly PartitionMessages[] | undefined,
  ): Promise<void> {
    this.#checkOpen();
    this.#transactions.end(producer, messages, (all) => this.#topics.append(all));
  }

  async fetch(request: FetchRequest): Promise<FetchResult> {
    this.#checkOpen();
    const now = this.#look(request);
    if (now.partitions.length > 0 || now.rejoin || request.maxWaitMs <= 0) return now;
    await this.#change(request);
    return this.#look(request);
  }

  async ends(topic: string): Promise<{ partition: number; low: number; high: number }[]> {
    return this.#topics.logs(topic).map(({ end }, partition) => ({ partition, low: 0, high: end }));
  }

  async messages(topic: string): Promise<StoredMessage[]> {
    return this.#topics.messages(topic);
  }

  async join(request: JoinRequest): Promise<JoinResult> {
    this.#checkOpen();
    return this.#group(request.groupId).join(request);
  }

  async sync(member: GroupMember, assignments: readonly MemberAssignment[]): Promise<Buffer> {
    return this.#group(member.groupId).sync(member, assignments);
  }

  async heartbeat(member: GroupMember): Promise<void> {
    this.#group(member.groupId).heartbeat(member);
  }

  async leave(groupId: string, memberId: string): Promise<void> {
    this.#group(groupId).leave(memberId);
  }

  async commit(request: CommitRequest): Promise<void> {
    this.#checkOpen();
    this.#group(request.groupId).commit(request);
  }

  async committed(groupId: string): Promise<CommittedOffset[]> {
    return this.#groups.get(groupId)?.committed() ?? [];
  }

  async groups(): Promise<string[]> {
    return [...this.#groups.keys()];
  }

  async describeGroup(groupId: string): Promise<GroupDescription> {
    return this.#groups.get(groupId)?.describe() ?? { groupId, state: 'Dead', protocol: '', members: [] };
  }

  async deleteGroup(groupId: string): Promise<void> {
    const group = this.#groups.get(groupId);
    if (group === undefined) {
      throw new BrokerError('GROUP_ID_NOT_FOUND', `There is no group ${quote(groupId)}.`);
    }
    if (!group.isEmpty) throw new BrokerError('NON_EMPTY_GROUP', `Group ${quote(groupId)} has members.`);
    this.#groups.delete(groupId);
  }

  /** Ends what waits. Everything is forgotten. */
  close(): void {
    this.#closed = true;
    for (const group of this.#groups.values()) group.close(closed());
    for (const end of [...this.#fetching]) end();
  }

  #group(groupId: string): Group {
    let group = this.#groups.get(groupId);
    if (group === undefined) {
      group = new Group(groupId);
      this.#groups.set(groupId, group);
    }
    return group;
  }

  #look({ partitions, member }: FetchRequest): FetchResult {
    this.#checkOpen();
    const found: FetchedPartition[] = [];
    for (const { topic, partition, offset, maxBytes } of partitions) {
      const log = this.#topics.log(topic, partition);
      const messages = log.read(offset, maxBytes);
      if (messages.length > 0) found.push({ topic, partition, highWatermark: log.end, messages });
    }
    return { partitions: found, rejoin: this.#group(member.groupId).mustRejoin(member) };
  }

  /** Until something is appended, the group rebalances, or the time is over. */
  #change({ partitions, maxWaitMs, member }: FetchRequest): Promise<void> {
    const places = [
      this.#fetching,
      this.#group(member.groupId).waiting,
      ...partitions.map(({ topic, partition }) => this.#topics.log(topic, partition).waiting),
    ];
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        for (const place of places) place.delete(done);
        resolve();
      };
      const timer = setTimeout(done, maxWaitMs).unref();
      for (const place of places) place.add(done);
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw closed();
  }
}

function closed(): ColorwayError {
  return new ColorwayError('COLORWAY_CLOSED', 'The memory broker was closed. Make another one.');
}
