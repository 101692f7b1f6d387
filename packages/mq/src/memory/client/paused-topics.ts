import type { TopicPartitionsLike } from '../../kafka/client-types.js';

interface PausedTopic {
  all: boolean;
  readonly paused: Set<number>;
  /** Resumed one by one after the whole topic was paused. */
  readonly resumed: Set<number>;
}

/** What a consumer is told not to read, as KafkaJS keeps it: pausing single partitions takes back the pause of their topic. */
export class PausedTopics {
  readonly #topics = new Map<string, PausedTopic>();

  pause(topics: readonly TopicPartitionsLike[]): void {
    for (const { topic, partitions } of topics) {
      const state = this.#topic(topic);
      state.all = partitions === undefined;
      if (partitions === undefined) {
        state.paused.clear();
        state.resumed.clear();
      }
      for (const partition of partitions ?? []) {
        state.paused.add(partition);
        state.resumed.delete(partition);
      }
    }
  }

  resume(topics: readonly TopicPartitionsLike[]): void {
    for (const { topic, partitions } of topics) {
      const state = this.#topic(topic);
      if (partitions === undefined) {
        state.all = false;
        state.paused.clear();
        state.resumed.clear();
      }
      for (const partition of partitions ?? []) {
        state.paused.delete(partition);
        if (state.all) state.resumed.add(partition);
      }
    }
  }

  has(topic: string, partition: number): boolean {
    const state = this.#topics.get(topic);
    if (state === undefined) return false;
    return (state.all && !state.resumed.has(partition)) || state.paused.has(partition);
  }

  #topic(topic: string): PausedTopic {
    let state = this.#topics.get(topic);
    if (state === undefined) {
      state = { all: false, paused: new Set(), resumed: new Set() };
      this.#topics.set(topic, state);
    }
    return state;
  }
}
