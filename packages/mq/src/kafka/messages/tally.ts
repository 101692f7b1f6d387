import { type CounterName, count, isCounting } from '@colorway/core';

/** How many messages one consumer's handlers got, and how many it passed over: for status and metrics. */
export class Tally {
  handled = 0;
  skipped = 0;
  readonly #group: string;

  /** @param group as the broker knows it. */
  constructor(group: string) {
    this.#group = group;
  }

  handle(topic: string, messages: number): void {
    if (messages === 0) return;
    this.handled += messages;
    this.#count('coloring.mq.handled', topic, messages);
  }

  skip(topic: string, messages: number): void {
    if (messages === 0) return;
    this.skipped += messages;
    this.#count('coloring.mq.skipped', topic, messages);
  }

  #count(name: CounterName, topic: string, messages: number): void {
    if (isCounting()) count(name, { 'coloring.group': this.#group, 'coloring.topic': topic }, messages);
  }
}
