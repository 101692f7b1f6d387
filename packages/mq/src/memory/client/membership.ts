import { randomUUID } from 'node:crypto';
import type { AssignerLike } from '../../kafka/client-types.js';
import { errorType } from '../broker/broker-error.js';
import type { BrokerPort, GroupMember, MemberAssignment } from '../broker/broker-port.js';
import type { Assigning } from './assigning.js';
import { decodeAssignment } from './assignment.js';
import type { Cluster } from './cluster.js';
import { CONSUMER_EVENTS, type Events } from './events.js';
import type { MemoryConsumerConfig } from './types.js';
import { usageError } from './usage-error.js';

/** A consumer's place in its group: joining, the generation that stands, heartbeats, leaving. */
export class Membership {
  readonly cluster: Cluster;
  readonly #port: BrokerPort;
  readonly #config: MemoryConsumerConfig;
  readonly #topics: readonly string[];
  readonly #events: Events;
  readonly #assigners: readonly AssignerLike[];
  #memberId = '';
  #generation = -1;
  #beatAt = Number.NEGATIVE_INFINITY;
  #beating: Promise<void> | undefined;
  #left = false;

  constructor(
    port: BrokerPort,
    config: MemoryConsumerConfig,
    { cluster, assigners }: Assigning,
    topics: readonly string[],
    events: Events,
  ) {
    this.#port = port;
    this.#config = config;
    this.#topics = topics;
    this.#events = events;
    this.cluster = cluster;
    this.#assigners = assigners;
  }

  get member(): GroupMember {
    return { groupId: this.#config.groupId, memberId: this.#memberId, generation: this.#generation };
  }

  /** Joins, and resolves with what this member is to read. Rejects as the broker does; then it is tried again. */
  async join(): Promise<Map<string, number[]>> {
    const started = Date.now();
    const { groupId, sessionTimeout = 30_000, rebalanceTimeout = 60_000 } = this.#config;
    const isNew = this.#memberId === '';
    if (isNew) this.#memberId = `colorway-${randomUUID()}`;
    try {
      await this.cluster.refresh(this.#topics);
      if (this.#left) throw usageError('The consumer was stopped while it joined.');
      const joined = await this.#port.join({
        groupId,
        memberId: this.#memberId,
        isNew,
        clientId: 'colorway',
        sessionTimeoutMs: sessionTimeout,
        rebalanceTimeoutMs: rebalanceTimeout,
        protocols: this.#assigners.map((one) => one.protocol({ topics: [...this.#topics] })),
      });
      this.#generation = joined.generation;
      const isLeader = joined.leaderId === this.#memberId;
      const parts = isLeader ? await this.#assign(joined.protocol, joined.members) : [];
      const assignment = decodeAssignment(await this.#port.sync(this.member, parts));
      for (const topic of assignment.keys()) {
        if (!this.#topics.includes(topic)) assignment.delete(topic);
      }
      // The first heartbeat is due: it tells listeners the generation.
      this.#beatAt = Number.NEGATIVE_INFINITY;
      this.#events.emit(CONSUMER_EVENTS.GROUP_JOIN, {
        groupId,
        memberId: this.#memberId,
        leaderId: joined.leaderId,
        isLeader,
        memberAssignment: Object.fromEntries(assignment),
        groupProtocol: joined.protocol,
        duration: Date.now() - started,
      });
      return assignment;
    } catch (error) {
      if (errorType(error) === 'UNKNOWN_MEMBER_ID') this.#memberId = '';
      throw error;
    }
  }

  /** The broker does not know this member any more, or it is to be forgotten: it joins as a new one. */
  forget(): void {
    this.#memberId = '';
  }

  get isHeartbeatDue(): boolean {
    return performance.now() >= this.#beatAt + (this.#config.heartbeatInterval ?? 3_000);
  }

  /** The broker said that the group rebalances: the next heartbeat is due at once. */
  hurry(): void {
    this.#beatAt = Number.NEGATIVE_INFINITY;
  }

  heartbeat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  /** For good: a join under way comes to nothing. */
  async leave(): Promise<void> {
    this.#left = true;
    const memberId = this.#memberId;
    if (memberId === '') return;
    this.#memberId = '';
    await this.#port.leave(this.#config.groupId, memberId);
  }

  async #beat(): Promise<void> {
    if (!this.isHeartbeatDue || this.#memberId === '') return;
    const { member } = this;
    await this.#port.heartbeat(member);
    const { groupId, memberId, generation } = member;
    this.#beatAt = performance.now();
    this.#events.emit(CONSUMER_EVENTS.HEARTBEAT, { groupId, memberId, groupGenerationId: generation });
  }

  async #assign(
    protocol: string,
    members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[],
  ): Promise<MemberAssignment[]> {
    const assigner = this.#assigners.find(({ name }) => name === protocol);
    if (assigner === undefined) throw usageError(`There is no partition assigner "${protocol}".`);
    await this.cluster.refresh(this.#topics);
    return assigner.assign({ members: [...members], topics: [...this.#topics] });
  }
}
