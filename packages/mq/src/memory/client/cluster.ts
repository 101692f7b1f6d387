import { quote } from '@colorway/core';
import type { ClusterLike, OffsetsLike } from '../../kafka/client-types.js';
import { BrokerError } from '../broker/broker-error.js';
import type { BrokerPort } from '../broker/broker-port.js';
import { committedOffsets } from './transaction.js';

/** What a partition assigner is given: the partitions as they were last seen, and the way to the group's coordinator. */
export class Cluster implements ClusterLike {
  readonly #port: BrokerPort;
  readonly #maxAgeMs: number;
  #counts: Record<string, number> = {};
  #seenAt = Number.NEGATIVE_INFINITY;

  constructor(port: BrokerPort, maxAgeMs: number) {
    this.#port = port;
    this.#maxAgeMs = maxAgeMs;
  }

  async refresh(topics: readonly string[]): Promise<void> {
    this.#counts = await this.#port.partitionCounts(topics, true);
    this.#seenAt = performance.now();
  }

  /** Whether a topic has more partitions than when it was last looked. */
  async hasGrown(topics: readonly string[]): Promise<boolean> {
    if (performance.now() - this.#seenAt < this.#maxAgeMs) return false;
    const before = this.#counts;
    await this.refresh(topics);
    return topics.some((topic) => (this.#counts[topic] ?? 0) > (before[topic] ?? 0));
  }

  findTopicPartitionMetadata(topic: string): { partitionId: number }[] {
    const count = this.#counts[topic];
    if (count === undefined) {
      throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `Topic ${quote(topic)} was not looked up.`);
    }
    return Array.from({ length: count }, (_, partitionId) => ({ partitionId }));
  }

  async findGroupCoordinator(_group: { groupId: string }): Promise<Coordinator> {
    return {
      topicId: (topic) => this.#port.topicId(topic),
      offsetCommit: ({ groupId, groupGenerationId, memberId, topics }) =>
        this.#port.commit({
          groupId,
          by: { memberId, generation: groupGenerationId },
          offsets: committedOffsets({ topics }),
        }),
    };
  }
}

interface Coordinator {
  topicId(topic: string): Promise<string | undefined>;
  offsetCommit(request: {
    groupId: string;
    groupGenerationId: number;
    memberId: string;
    topics: OffsetsLike['topics'];
  }): Promise<void>;
}
