import { ColorwayError } from '@colorway/core';
import { askedLast, within } from '@colorway/core/background';
import { parseOffset } from '../ownership/offset.js';
import type { AdminClient } from './client-types.js';
import { subscribedTopics } from './consumer/round-robin.js';

/** A question that has no answer for so long counts as failed. */
const ANSWER_MS = 10_000;

/**
 * What is asked of the broker about groups and topics. One connection, made at the first question. One that
 * does not answer is dropped, and the next question makes another one.
 */
export class GroupAdmin {
  readonly #create: () => AdminClient;
  #users = 0;
  #asking = 0;
  #admin: Promise<AdminClient> | undefined;
  #clusterId: string | undefined;

  readonly #answerMs: number;

  constructor(create: () => AdminClient, options: { readonly answerMs?: number } = {}) {
    this.#create = create;
    this.#answerMs = options.answerMs ?? ANSWER_MS;
  }

  /** Whoever asks says so, for the connection keeps a process alive. Returns how to end it. */
  use(): () => Promise<void> {
    this.#users++;
    let used = true;
    return async () => {
      if (!used) return;
      used = false;
      if (--this.#users > 0) return;
      await this.#drop();
    };
  }

  async topics(): Promise<string[]> {
    return this.#ask('listTopics', (admin) => admin.listTopics());
  }

  /** By partition: where its log begins, and the offset of its next message. */
  async logs(topic: string): Promise<Map<number, { readonly low: bigint; readonly high: bigint }>> {
    const offsets = await this.#offsets(topic);
    return new Map(
      offsets.map(({ partition, low, high }) => [partition, { low: BigInt(low), high: BigInt(high) }]),
    );
  }

  /** The group's committed offsets by partition; a partition without one is left out. */
  async committed(groupId: string, topic: string): Promise<Map<number, bigint>> {
    const fetched = await this.#ask('fetchOffsets', (admin) =>
      admin.fetchOffsets({ groupId, topics: [topic] }),
    );
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
    const { groups } = await this.#ask('describeGroups', (admin) => admin.describeGroups([groupId]));
    const group = groups.find((one) => one.groupId === groupId);
    if (group === undefined || group.members.length === 0)
      return group !== undefined && !isEmptyState(group.state);
    if (topic === undefined || group.state !== 'Stable') return true;
    return group.members.some(
      ({ memberMetadata }) => subscribedTopics(memberMetadata)?.includes(topic) ?? true,
    );
  }

  /** Those of the groups that have no members, asked for at once. */
  async withoutMembers(groupIds: readonly string[]): Promise<Set<string>> {
    const { groups } = await this.#ask('describeGroups', (admin) => admin.describeGroups([...groupIds]));
    const empty = groups.filter(({ members, state }) => members.length === 0 && isEmptyState(state));
    return new Set(empty.map(({ groupId }) => groupId));
  }

  /** Has a group without members begin a topic again, and leaves one with members alone: they notice by themselves. */
  async beginAgain(groupId: string, topic: string): Promise<void> {
    if ((await this.committed(groupId, topic)).size === 0 || (await this.hasMembers(groupId))) return;
    await this.#ask('resetOffsets', async (admin) =>
      admin.resetOffsets?.({ groupId, topic, earliest: true }),
    );
  }

  /** Which cluster this is; `undefined` where the client does not tell. */
  async clusterId(): Promise<string | undefined> {
    this.#clusterId ??= await this.#ask(
      'describeCluster',
      async (admin) => (await admin.describeCluster?.())?.clusterId,
    );
    return this.#clusterId;
  }

  async deleteGroup(groupId: string): Promise<void> {
    try {
      await this.#ask('deleteGroups', (admin) => admin.deleteGroups([groupId]));
    } catch (error) {
      // Nobody ever committed in it, so the broker never made it.
      if (!isUnknownGroup(error)) throw error;
    }
  }

  async #offsets(topic: string): Promise<{ partition: number; high: string; low: string }[]> {
    return this.#ask('fetchTopicOffsets', (admin) => admin.fetchTopicOffsets(topic));
  }

  async #ask<T>(call: string, ask: (admin: AdminClient) => Promise<T>): Promise<T> {
    const asked = this.#connected();
    let isLate = false;
    const silent = (): ColorwayError =>
      new ColorwayError(
        'COLORWAY_BROKER_SILENT',
        `The broker has not answered ${call} within ${this.#answerMs} ms.`,
      );
    const answer = asked.then((admin) => {
      // Given up while the connection was made: whoever asked has gone on, and a change may be wrong by now.
      if (isLate) throw silent();
      return ask(admin);
    });
    this.#asking++;
    try {
      return await within(this.#answerMs, answer, () => {
        isLate = true;
        return silent();
      });
    } finally {
      this.#asking--;
      if (this.#admin === asked) await this.#dropUnused(isLate);
    }
  }

  /** Asked when nobody uses it, as a step does that a closed consumer had begun: nobody else would end the connection. */
  async #dropUnused(isSilent: boolean): Promise<void> {
    if (isSilent) void this.#drop();
    else if (this.#asking === 0 && this.#users === 0) await this.#drop();
  }

  #connected(): Promise<AdminClient> {
    if (this.#admin !== undefined) return this.#admin;
    const admin = this.#connect();
    this.#admin = admin;
    // Who asked is told.
    admin.catch(() => {
      if (this.#admin === admin) this.#admin = undefined;
    });
    return admin;
  }

  async #connect(): Promise<AdminClient> {
    const admin = this.#create();
    await admin.connect();
    return admin;
  }

  /** A connection that is broken already cannot be ended properly, and needs not; nor is one waited for that hangs. */
  async #drop(): Promise<void> {
    const admin = this.#admin;
    this.#admin = undefined;
    if (admin !== undefined) await askedLast(admin.then((connected) => connected.disconnect()));
  }
}

/** Whether the broker says that there is no such topic. */
export function isUnknownTopic(error: unknown): boolean {
  for (let cause = error; typeof cause === 'object' && cause !== null; ) {
    const { type, name, cause: next } = cause as { type?: unknown; name?: unknown; cause?: unknown };
    if (type === 'UNKNOWN_TOPIC_OR_PARTITION' || name === 'KafkaJSTopicMetadataNotLoaded') return true;
    cause = next;
  }
  return false;
}

function isEmptyState(state: string): boolean {
  return state === 'Empty' || state === 'Dead';
}

function isUnknownGroup(error: unknown): boolean {
  const { groups } = error as { groups?: { error?: { type?: string } }[] };
  return groups?.every((group) => group.error?.type === 'GROUP_ID_NOT_FOUND') ?? false;
}
