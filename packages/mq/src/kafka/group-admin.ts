import { parseOffset } from '../ownership/offset.js';
import type { AdminClient } from './client-types.js';
import { subscribedTopics } from './round-robin.js';

/** What is asked of the broker about groups and topics. One connection, made at the first question. */
export class GroupAdmin {
  readonly #create: () => AdminClient;
  #users = 0;
  #admin: Promise<AdminClient> | undefined;

  constructor(create: () => AdminClient) {
    this.#create = create;
  }

  /** Whoever asks says so, for the connection keeps a process alive. Returns how to end it. */
  use(): () => Promise<void> {
    this.#users++;
    let used = true;
    return async () => {
      if (!used) return;
      used = false;
      if (--this.#users > 0) return;
      const admin = this.#admin;
      this.#admin = undefined;
      await admin?.then((connected) => connected.disconnect()).catch(() => {});
    };
  }

  async topics(): Promise<string[]> {
    return (await this.#connected()).listTopics();
  }

  async partitions(topic: string): Promise<number[]> {
    return (await this.#offsets(topic)).map(({ partition }) => partition);
  }

  /** The group's committed offsets by partition; a partition without one is left out. */
  async committed(groupId: string, topic: string): Promise<Map<number, bigint>> {
    const fetched = await (await this.#connected()).fetchOffsets({ groupId, topics: [topic] });
    const found = new Map<number, bigint>();
    for (const { partition, offset } of fetched.find((one) => one.topic === topic)?.partitions ?? []) {
      const parsed = parseOffset(offset);
      if (parsed !== undefined) found.set(partition, parsed);
    }
    return found;
  }

  /** Where a group without a committed offset would start. */
  async starts(topic: string, fromBeginning: boolean): Promise<Map<number, bigint>> {
    const offsets = await this.#offsets(topic);
    return new Map(
      offsets.map(({ partition, low, high }) => [partition, BigInt(fromBeginning ? low : high)]),
    );
  }

  /** The offset behind the last message of each partition. */
  ends(topic: string): Promise<Map<number, bigint>> {
    return this.starts(topic, false);
  }

  /**
   * Whether the group has members that may hold partitions of this topic. Members of a stable group that
   * subscribe to other topics alone cannot: to get one of this topic they would have to join anew.
   */
  async hasMembers(groupId: string, topic?: string): Promise<boolean> {
    const { groups } = await (await this.#connected()).describeGroups([groupId]);
    const group = groups.find((one) => one.groupId === groupId);
    if (group === undefined || group.members.length === 0)
      return group !== undefined && !isEmptyState(group.state);
    if (topic === undefined || group.state !== 'Stable') return true;
    return group.members.some(
      ({ memberMetadata }) => subscribedTopics(memberMetadata)?.includes(topic) ?? true,
    );
  }

  async deleteGroup(groupId: string): Promise<void> {
    try {
      await (await this.#connected()).deleteGroups([groupId]);
    } catch (error) {
      // Nobody ever committed in it, so the broker never made it.
      if (!isUnknownGroup(error)) throw error;
    }
  }

  async #offsets(topic: string): Promise<{ partition: number; high: string; low: string }[]> {
    return (await this.#connected()).fetchTopicOffsets(topic);
  }

  #connected(): Promise<AdminClient> {
    this.#admin ??= this.#connect();
    return this.#admin;
  }

  async #connect(): Promise<AdminClient> {
    const admin = this.#create();
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      this.#admin = undefined;
      throw error;
    }
  }
}

function isEmptyState(state: string): boolean {
  return state === 'Empty' || state === 'Dead';
}

function isUnknownGroup(error: unknown): boolean {
  const { groups } = error as { groups?: { error?: { type?: string } }[] };
  return groups?.every((group) => group.error?.type === 'GROUP_ID_NOT_FOUND') ?? false;
}
