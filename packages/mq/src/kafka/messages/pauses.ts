import type { ConsumerClient, TopicPartitionsLike } from '../client-types.js';

interface TopicPauses {
  all: boolean;
  readonly paused: Set<number>;
  /** Resumed one by one after the whole topic was paused. */
  readonly resumed: Set<number>;
}

/**
 * The pauses of the user and ours on one consumer, told apart: what the user resumes stays paused while we
 * hold it, and `paused()` shows the user's alone. The client knows one pause only.
 */
export class Pauses {
  readonly #consumer: ConsumerClient;
  readonly #users = new Map<string, TopicPauses>();
  readonly #held = new Map<string, Set<number>>();
  /** Grows with each pause of the user. */
  version = 0;

  constructor(consumer: ConsumerClient) {
    this.#consumer = consumer;
  }

  /** A new session of the client begins, without any pause. */
  clear(): void {
    this.#users.clear();
    this.#held.clear();
  }

  hold(topic: string, partition: number): void {
    const held = this.#held.get(topic) ?? new Set();
    this.#held.set(topic, held.add(partition));
    if (this.#users.get(topic)?.all) this.#apply(topic);
    else this.#consumer.pause([{ topic, partitions: [partition] }]);
  }

  release(topic: string, partition: number): void {
    if (!this.#held.get(topic)?.delete(partition)) return;
    if (this.#users.get(topic)?.all) this.#apply(topic);
    else if (!this.isPaused(topic, partition)) this.#consumer.resume([{ topic, partitions: [partition] }]);
  }

  pause(topics: readonly TopicPartitionsLike[] = []): void {
    // The client checks what it is given; it throws before anything is written down here.
    this.#consumer.pause([...topics]);
    this.version++;
    for (const { topic, partitions } of topics) {
      const pauses = this.#topic(topic);
      if (partitions === undefined) {
        pauses.paused.clear();
        pauses.resumed.clear();
      } else {
        for (const partition of partitions) {
          pauses.paused.add(partition);
          pauses.resumed.delete(partition);
        }
      }
      pauses.all = partitions === undefined;
      this.#apply(topic);
    }
  }

  resume(topics: readonly TopicPartitionsLike[] = []): void {
    this.#consumer.resume([...topics]);
    for (const { topic, partitions } of topics) {
      const pauses = this.#topic(topic);
      if (partitions === undefined) {
        pauses.paused.clear();
        pauses.resumed.clear();
        pauses.all = false;
      } else {
        for (const partition of partitions) {
          pauses.paused.delete(partition);
          if (pauses.all) pauses.resumed.add(partition);
        }
      }
      this.#apply(topic);
    }
  }

  /** Whether the user paused it. */
  isPaused(topic: string, partition: number): boolean {
    const pauses = this.#users.get(topic);
    if (pauses === undefined) return false;
    return (pauses.all && !pauses.resumed.has(partition)) || pauses.paused.has(partition);
  }

  /** As `consumer.paused()` would show it without us. */
  paused(): { topic: string; partitions: number[] }[] {
    return this.#consumer
      .paused()
      .map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.filter((one) => this.isPaused(topic, one)),
      }))
      .filter(({ partitions }) => partitions.length > 0);
  }

  #topic(topic: string): TopicPauses {
    let pauses = this.#users.get(topic);
    if (pauses === undefined) {
      pauses = { all: false, paused: new Set(), resumed: new Set() };
      this.#users.set(topic, pauses);
    }
    return pauses;
  }

  /** Pausing single partitions takes back the pause of a whole topic in the client, so both are set anew. */
  #apply(topic: string): void {
    const held = this.#held.get(topic) ?? new Set<number>();
    const { all, paused, resumed } = this.#topic(topic);
    if (all) {
      this.#consumer.pause([{ topic }]);
      const running = [...resumed].filter((partition) => !held.has(partition));
      if (running.length > 0) this.#consumer.resume([{ topic, partitions: running }]);
    } else if (held.size > 0) {
      this.#consumer.resume([{ topic }]);
      this.#consumer.pause([{ topic, partitions: [...new Set([...paused, ...held])] }]);
    }
  }
}
