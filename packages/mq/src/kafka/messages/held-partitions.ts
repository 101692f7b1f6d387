import type { TopicHandover } from '../handover/topic-handover.js';
import { HeldPartition } from '../partitions/held-partition.js';

/** What one assignment gave to a member of a group. */
export class HeldPartitions implements Iterable<HeldPartition> {
  readonly #held = new Map<string, Map<number, HeldPartition>>();

  get(topic: string, partition: number): HeldPartition | undefined {
    return this.#held.get(topic)?.get(partition);
  }

  of(topic: string): Iterable<HeldPartition> {
    return this.#held.get(topic)?.values() ?? [];
  }

  *[Symbol.iterator](): Iterator<HeldPartition> {
    for (const partitions of this.#held.values()) yield* partitions.values();
  }

  add(handover: TopicHandover, partitions: readonly number[]): Iterable<HeldPartition> {
    const held = partitions.map((partition) => new HeldPartition(handover, partition));
    this.#held.set(handover.topic, new Map(held.map((one) => [one.partition, one])));
    return held;
  }

  /** The assignment is over. Returns what it had given. */
  clear(): readonly HeldPartition[] {
    const all = [...this];
    for (const held of all) held.current = false;
    this.#held.clear();
    return all;
  }
}
