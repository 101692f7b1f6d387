import type { OffsetsLike } from '../../kafka/client-types.js';
import type { BrokerPort, GroupMember, TopicPartition } from '../broker/broker-port.js';
import { CONSUMER_EVENTS, type Events } from './events.js';
import { committedOffsets } from './transaction.js';
import type { MemoryRunConfig } from './types.js';

const LATEST = -1;
const EARLIEST = -2;

interface Position extends TopicPartition {
  /** Where to read on; undefined until it was looked up. */
  next: number | undefined;
  committed: number | undefined;
}

export interface PositionsOptions {
  readonly port: BrokerPort;
  readonly events: Events;
  readonly run: MemoryRunConfig;
  readonly fromBeginning: (topic: string) => boolean;
}

/** Where a member stands in each partition of one generation, what is committed, and where it is to jump to. */
export class Positions {
  readonly #options: PositionsOptions;
  readonly #seeks = new Map<string, TopicPartition & { readonly offset: number }>();
  #member: GroupMember | undefined;
  #positions = new Map<string, Position>();
  #committedAt = performance.now();

  constructor(options: PositionsOptions) {
    this.#options = options;
  }

  assign(member: GroupMember, assignment: ReadonlyMap<string, readonly number[]>): void {
    this.#member = member;
    this.#positions = new Map();
    for (const [topic, partitions] of assignment) {
      for (const partition of [...partitions].sort((a, b) => a - b)) {
        const position = { topic, partition, next: undefined, committed: undefined };
        this.#positions.set(placeOf(topic, partition), position);
      }
    }
  }

  /** With an offset of their own to read from: `prepare` was called. */
  readable(): (TopicPartition & { readonly offset: number })[] {
    const found: (TopicPartition & { offset: number })[] = [];
    for (const { topic, partition, next } of this.#positions.values()) {
      if (next !== undefined) found.push({ topic, partition, offset: next });
    }
    return found;
  }

  partitions(): readonly TopicPartition[] {
    return [...this.#positions.values()];
  }

  seek(topic: string, partition: number, offset: number): void {
    this.#seeks.set(placeOf(topic, partition), { topic, partition, offset });
  }

  isSought(topic: string, partition: number): boolean {
    return this.#seeks.has(placeOf(topic, partition));
  }

  /** Everything up to this message was handled. */
  resolve(topic: string, partition: number, offset: string): void {
    const position = this.#positions.get(placeOf(topic, partition));
    if (position !== undefined) position.next = Number(offset) + 1;
  }

  /** Its offset is not there any more: it starts where a new group would. */
  async reset({ topic, partition }: TopicPartition): Promise<void> {
    const position = this.#positions.get(placeOf(topic, partition));
    if (position !== undefined) position.next = await this.#default(position);
  }

  /** Carries out what was sought, and looks up what is not known yet. */
  async prepare(): Promise<void> {
    for (const [place, { topic, partition, offset }] of [...this.#seeks]) {
      this.#seeks.delete(place);
      const position = this.#positions.get(place);
      if (position === undefined) continue;
      const next = offset < 0 ? await this.#special(position, offset) : offset;
      if (this.#options.run.autoCommit !== false) {
        await this.#commit([{ topic, partitions: [{ partition, offset: String(next) }] }]);
        position.committed = next;
      }
      position.next = next;
    }
    const unknown = [...this.#positions.values()].filter(({ next }) => next === undefined);
    if (unknown.length === 0 || this.#member === undefined) return;
    const committed = await this.#options.port.committed(this.#member.groupId);
    for (const position of unknown) {
      const { topic, partition } = position;
      const own = committed.find((one) => one.topic === topic && one.partition === partition);
      const next = own === undefined || own.offset < 0 ? await this.#default(position) : own.offset;
      position.committed = next;
      position.next ??= next;
    }
  }

  uncommitted(): OffsetsLike {
    const topics = new Map<string, { partition: number; offset: string }[]>();
    for (const { topic, partition, next, committed } of this.#positions.values()) {
      if (next === undefined || next === committed) continue;
      topics.set(topic, [...(topics.get(topic) ?? []), { partition, offset: String(next) }]);
    }
    return { topics: Array.from(topics, ([topic, partitions]) => ({ topic, partitions })) };
  }

  async commit(offsets: OffsetsLike = this.uncommitted()): Promise<void> {
    const { topics } = offsets;
    this.#committedAt = performance.now();
    if (topics.length === 0 || this.#member === undefined) return;
    const { groupId, memberId, generation } = this.#member;
    await this.#commit(topics);
    // Listeners are handed the very array that was given: so they know their own commit again.
    this.#options.events.emit(CONSUMER_EVENTS.COMMIT_OFFSETS, {
      groupId,
      memberId,
      groupGenerationId: generation,
      topics,
    });
    for (const { topic, partitions } of topics) {
      for (const { partition, offset } of partitions) {
        const position = this.#positions.get(placeOf(topic, partition));
        if (position !== undefined) position.committed = Number(offset);
      }
    }
  }

  /** Where interval or threshold of the run say so. */
  async commitIfNecessary(): Promise<void> {
    const { autoCommitInterval, autoCommitThreshold } = this.#options.run;
    const isTime = autoCommitInterval != null && performance.now() >= this.#committedAt + autoCommitInterval;
    const isMuch = autoCommitThreshold != null && this.#uncommittedCount() >= autoCommitThreshold;
    if (isTime || isMuch) await this.commit();
  }

  #uncommittedCount(): number {
    let count = 0;
    for (const { next, committed = 0 } of this.#positions.values()) count += (next ?? committed) - committed;
    return count;
  }

  async #commit(topics: OffsetsLike['topics']): Promise<void> {
    if (this.#member === undefined) return;
    const { groupId, memberId, generation } = this.#member;
    await this.#options.port.commit({
      groupId,
      by: { memberId, generation },
      offsets: committedOffsets({ topics }),
    });
  }

  #default(position: Position): Promise<number> {
    return this.#special(position, this.#options.fromBeginning(position.topic) ? EARLIEST : LATEST);
  }

  async #special({ topic, partition }: TopicPartition, offset: number): Promise<number> {
    const ends = await this.#options.port.ends(topic);
    const end = ends.find((one) => one.partition === partition);
    return (offset === EARLIEST ? end?.low : end?.high) ?? 0;
  }
}

function placeOf(topic: string, partition: number): string {
  return `${partition} ${topic}`;
}
