import { type BrokerError, errorType } from '../broker/broker-error.js';
import type { BrokerPort } from '../broker/broker-port.js';
import { groupDescription } from './describe-group.js';
import type { MemoryAdmin } from './types.js';
import { usageError } from './usage-error.js';

export class Admin implements MemoryAdmin {
  readonly #port: BrokerPort;

  constructor(port: BrokerPort) {
    this.#port = port;
  }

  async connect(): Promise<void> {
    await this.#port.topics();
  }

  async disconnect(): Promise<void> {}

  async describeCluster(): ReturnType<MemoryAdmin['describeCluster']> {
    return { clusterId: await this.#port.clusterId() };
  }

  listTopics(): Promise<string[]> {
    return this.#port.topics();
  }

  async createTopics({ topics }: Parameters<MemoryAdmin['createTopics']>[0]): Promise<boolean> {
    const created = await Promise.all(
      topics.map(({ topic, numPartitions = -1 }) =>
        this.#port.createTopic(topic, numPartitions === -1 ? undefined : numPartitions),
      ),
    );
    return created.includes(true);
  }

  /** Those that are there are deleted, whatever the others are. */
  async deleteTopics({ topics }: Parameters<MemoryAdmin['deleteTopics']>[0]): Promise<void> {
    const done = await Promise.allSettled(topics.map((topic) => this.#port.deleteTopic(topic)));
    for (const one of done) if (one.status === 'rejected') throw one.reason;
  }

  async createPartitions({
    topicPartitions,
  }: Parameters<MemoryAdmin['createPartitions']>[0]): Promise<boolean> {
    for (const { topic, count } of topicPartitions) await this.#port.growTopic(topic, count);
    return true;
  }

  async fetchTopicOffsets(topic: string): ReturnType<MemoryAdmin['fetchTopicOffsets']> {
    const ends = await this.#port.ends(topic);
    return ends.map(({ partition, low, high }) => ({
      partition,
      offset: String(high),
      high: String(high),
      low: String(low),
    }));
  }

  async fetchOffsets({
    groupId,
    topics,
  }: Parameters<MemoryAdmin['fetchOffsets']>[0]): ReturnType<MemoryAdmin['fetchOffsets']> {
    const committed = await this.#port.committed(groupId);
    const wanted = topics ?? [...new Set(committed.map(({ topic }) => topic))];
    const counts = await this.#port.partitionCounts(wanted, false);
    return wanted.map((topic) => ({
      topic,
      partitions: Array.from({ length: counts[topic] ?? 0 }, (_, partition) => {
        const found = committed.find((one) => one.topic === topic && one.partition === partition);
        return { partition, offset: String(found?.offset ?? -1), metadata: found?.metadata ?? null };
      }),
    }));
  }

  async setOffsets({ groupId, topic, partitions }: Parameters<MemoryAdmin['setOffsets']>[0]): Promise<void> {
    const { state } = await this.#port.describeGroup(groupId);
    if (state !== 'Empty' && state !== 'Dead') {
      throw usageError(`The consumer group must have no running instances, current state: ${state}.`);
    }
    await this.#port.commit({
      groupId,
      by: 'admin',
      offsets: partitions.map(({ partition, offset }) => ({
        topic,
        partition,
        offset: Number(offset),
        metadata: null,
      })),
    });
  }

  async listGroups(): ReturnType<MemoryAdmin['listGroups']> {
    const groups = await this.#port.groups();
    return { groups: groups.map((groupId) => ({ groupId, protocolType: 'consumer' })) };
  }

  async describeGroups(groupIds: readonly string[]): ReturnType<MemoryAdmin['describeGroups']> {
    const groups = await Promise.all(groupIds.map((groupId) => this.#port.describeGroup(groupId)));
    return { groups: groups.map(groupDescription) };
  }

  async deleteGroups(groupIds: readonly string[]): ReturnType<MemoryAdmin['deleteGroups']> {
    const failed: { groupId: string; errorCode: number; error: unknown }[] = [];
    for (const groupId of groupIds) {
      try {
        await this.#port.deleteGroup(groupId);
      } catch (error) {
        if (errorType(error) === undefined) throw error;
        failed.push({ groupId, errorCode: (error as BrokerError).code, error });
      }
    }
    if (failed.length > 0) {
      throw Object.assign(new Error('Error in DeleteGroups'), {
        name: 'KafkaJSDeleteGroupsError',
        groups: failed,
      });
    }
    return groupIds.map((groupId) => ({ groupId, errorCode: 0 }));
  }
}
