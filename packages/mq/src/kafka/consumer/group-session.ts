import { ColorwayError, quote } from '@colorway/core';
import { within } from '@colorway/core/background';
import type { AssignerFactory, ClusterLike, ConsumerClient, EachBatchPayloadLike } from '../client-types.js';
import { agreedTopicId } from './agreed-topic-id.js';
import { roundRobin } from './round-robin.js';

/** A question that has no answer for so long counts as failed: the client tries for as long as it is told to, and longer. */
const ANSWER_MS = 10_000;

/** The broker took a commit of this very position, in this generation of the group. */
export interface AcceptedCommit {
  readonly generation: number;
  readonly position: bigint;
}

interface CommitEvent {
  readonly groupGenerationId: number;
  readonly topics: unknown;
}

/**
 * A consumer's membership of its group: in which generation it is, and commits made in it and in no other.
 *
 * How KafkaJS lets that be known (2.2.4):
 * - `protocol()` of the partition assigner is called just before a JoinGroup is sent, and nowhere else: from
 *   then on the old generation may be over. `GROUP_JOIN` is told when the new assignment stands.
 * - In between nothing is believed. Else a heartbeat with the new generation, which the broker takes before
 *   the assignment is known, would be read as the generation of the old assignment: a false proof.
 * - A generation that is too old is harmless: the broker refuses the commit.
 * - `HEARTBEAT` and `COMMIT_OFFSETS` carry the generation; `GROUP_JOIN` does not.
 */
export class GroupSession {
  readonly groupId: string;
  /** Told when the generation becomes known. */
  onGeneration: () => void = () => {};
  /** Why the last commit was not taken, where somebody said so. */
  refusal: unknown;
  #cluster: ClusterLike | undefined;
  #memberId: string | undefined;
  #generation: number | undefined;
  #joined = false;
  readonly #expected = new Map<unknown, (generation: number) => void>();
  readonly #answerMs: number;

  /** @param options.answerMs how long the broker may take to answer. Default 10 s. */
  constructor(groupId: string, options: { readonly answerMs?: number } = {}) {
    this.groupId = groupId;
    this.#answerMs = options.answerMs ?? ANSWER_MS;
  }

  /** The generation of the assignment that stands; `undefined` until it is known, and while the group rebalances. */
  get generation(): number | undefined {
    return this.#generation;
  }

  /** An assignment stands, and the group does not rebalance. */
  get isAssigned(): boolean {
    return this.#memberId !== undefined;
  }

  /** The user's assigners, or KafkaJS's default, watched. */
  assigners(factories: readonly AssignerFactory[] = [roundRobin]): AssignerFactory[] {
    return factories.map((factory) => (config) => {
      this.#cluster = config.cluster;
      const assigner = factory(config);
      const protocol: typeof assigner.protocol = (subscription) => {
        this.leave();
        return assigner.protocol(subscription);
      };
      return Object.assign(Object.create(assigner) as typeof assigner, { protocol });
    });
  }

  /** @throws ColorwayError `COLORWAY_CLIENT_UNSUPPORTED` for a client that does not tell what is needed. */
  watch(consumer: ConsumerClient): void {
    for (const name of NEEDED_EVENTS) {
      if (typeof consumer.events?.[name] !== 'string') throw unsupported(`has no consumer event ${name}`);
    }
    const { HEARTBEAT, COMMIT_OFFSETS, STOP, CRASH, DISCONNECT } = consumer.events;
    consumer.on(HEARTBEAT as never, ({ payload }) => this.#learn((payload as CommitEvent).groupGenerationId));
    consumer.on(COMMIT_OFFSETS as never, ({ payload }) => {
      const { groupGenerationId, topics } = payload as CommitEvent;
      this.#expected.get(topics)?.(groupGenerationId);
      this.#learn(groupGenerationId);
    });
    for (const over of [STOP, CRASH, DISCONNECT]) consumer.on(over as never, () => this.leave());
  }

  /**
   * To be called when the client says that it runs. One that hands its cluster to no assigner could not hand
   * over idle partitions, and would not tell when a rebalance begins: a color would wait, maybe for ever.
   * @throws ColorwayError `COLORWAY_CLIENT_UNSUPPORTED`
   */
  mustCommit(): void {
    // Where it crashed, or was stopped, before it had joined, that is what the client tells of.
    if (!this.#joined || typeof this.#cluster?.findGroupCoordinator === 'function') return;
    throw unsupported('does not hand its cluster to the partition assigners of a consumer');
  }

  /** The assignment of a new generation stands. */
  join(memberId: string): void {
    this.#joined = true;
    this.#memberId = memberId;
    this.#generation = undefined;
  }

  /**
   * The id of a topic, once the consumer is connected; `undefined` where it is not known (see `agreedTopicId`).
   * @throws ColorwayError `COLORWAY_BROKER_SILENT`
   */
  async topicId(topic: string, known: ReadonlySet<string> = new Set()): Promise<string | undefined> {
    const cluster = this.#cluster;
    if (cluster === undefined) return undefined;
    return this.#answered(
      `said within ${this.#answerMs} ms which topic this is, for group ${quote(this.groupId)}.`,
      async () =>
        agreedTopicId(cluster, await cluster.findGroupCoordinator({ groupId: this.groupId }), topic, known),
    );
  }

  leave(): void {
    this.#memberId = undefined;
    this.#generation = undefined;
  }

  /**
   * Commits once, in the generation of the assignment that stands; `undefined` when that was not taken, or when
   * nobody can tell. Never through `consumer.commitOffsets`: that tries again by itself, also in a newer generation.
   *
   * @param payload of the batch that is being handled, if there is one. Its `commitOffsetsIfNecessary(offsets)`
   *   sends one request, and its event hands back the very array that was given, so no other commit is taken for it.
   *   Without a batch the request goes to the coordinator directly, with member and generation in it.
   */
  async commit(
    topic: string,
    partition: number,
    position: bigint,
    payload?: EachBatchPayloadLike,
  ): Promise<AcceptedCommit | undefined> {
    const member = this.#memberId;
    const topics = [{ topic, partitions: [{ partition, offset: position.toString() }] }];
    try {
      const generation =
        payload === undefined
          ? await this.#commitDirectly(topics)
          : await this.#commitInBatch(topics, payload);
      // A new assignment meanwhile: the position that it begins with is not this one.
      if (generation === undefined || member === undefined || member !== this.#memberId) {
        this.refusal = undefined;
        return undefined;
      }
      this.refusal = undefined;
      return { generation, position };
    } catch (error) {
      // As a rule the group rebalances. Whoever asked tries again, and says why where that goes on.
      this.refusal = error;
      return undefined;
    }
  }

  /**
   * Without a limit of ours: the client would send it all the same, maybe after a later one, and takes no other batch
   * of the partition meanwhile. It gives up by itself.
   */
  async #commitInBatch(topics: Topics, payload: EachBatchPayloadLike): Promise<number | undefined> {
    let accepted: number | undefined;
    this.#expected.set(topics, (generation) => {
      accepted = generation;
    });
    try {
      await payload.commitOffsetsIfNecessary({ topics });
      return accepted;
    } finally {
      this.#expected.delete(topics);
    }
  }

  async #commitDirectly(topics: Topics): Promise<number | undefined> {
    const memberId = this.#memberId;
    const generation = this.#generation;
    if (this.#cluster === undefined || memberId === undefined || generation === undefined) return undefined;
    const { groupId } = this;
    const cluster = this.#cluster;
    return this.#answered(
      `answered a commit within ${this.#answerMs} ms, for group ${quote(this.groupId)}.`,
      async (isGivenUp) => {
        const coordinator = await cluster.findGroupCoordinator({ groupId });
        // The coordinator takes what comes, in the order in which it comes: a later commit may be there already.
        if (isGivenUp() || generation !== this.#generation) return undefined;
        await coordinator.offsetCommit({ groupId, memberId, groupGenerationId: generation, topics });
        return generation;
      },
    );
  }

  #answered<T>(what: string, ask: (isGivenUp: () => boolean) => Promise<T>): Promise<T> {
    let isGivenUp = false;
    return within(
      this.#answerMs,
      ask(() => isGivenUp),
      () => {
        isGivenUp = true;
        return new ColorwayError('COLORWAY_BROKER_SILENT', `The broker has not ${what}`);
      },
    );
  }

  #learn(generation: number): void {
    if (this.#memberId === undefined || this.#generation === generation) return;
    this.#generation = generation;
    this.onGeneration();
  }
}

type Topics = { topic: string; partitions: { partition: number; offset: string }[] }[];

const NEEDED_EVENTS = [
  ...['GROUP_JOIN', 'HEARTBEAT', 'COMMIT_OFFSETS', 'END_BATCH_PROCESS'],
  ...['STOP', 'CRASH', 'DISCONNECT'],
] as const;

function unsupported(why: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_CLIENT_UNSUPPORTED',
    `This Kafka client ${why}, which the hand-over of messages between baseline and colors needs. Use kafkajs 2, or a client that does as it does.`,
  );
}
