import { randomBytes } from 'node:crypto';
import { quote } from '@colorway/core';
import { BrokerError } from './broker-error.js';
import type { PartitionMessages, PartitionOffset, StoredMessage } from './broker-port.js';
import { PartitionLog } from './partition-log.js';

/** As Kafka has it. */
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

/** Each is an object of its own: one call must not fill the memory. */
export const MAX_PARTITIONS = 10_000;

/** All topics of a broker. */
export class Topics {
  readonly #topics = new Map<string, { readonly id: string; readonly logs: PartitionLog[] }>();
  readonly #partitions: number;
  #sequence = 0;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  names(): string[] {
    return [...this.#topics.keys()];
  }

  counts(topics: readonly string[], create: boolean): Record<string, number> {
    const counts: [string, number][] = [];
    for (const topic of topics) {
      if (create && !this.#topics.has(topic)) this.create(topic, undefined);
      const found = this.#topics.get(topic);
      if (found !== undefined) counts.push([topic, found.logs.length]);
    }
    return Object.fromEntries(counts);
  }

  create(topic: string, partitions = this.#partitions): boolean {
    if (!NAME.test(topic)) {
      throw new BrokerError(
        'INVALID_TOPIC_EXCEPTION',
        `The topic name ${quote(topic)} must be 1 to 249 of A-Z, a-z, 0-9, dot, underscore and hyphen.`,
      );
    }
    if (this.#topics.has(topic)) return false;
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
      throw new BrokerError(
        'INVALID_PARTITIONS',
        `A topic cannot have ${quote(partitions)} partitions: it has 1 to ${MAX_PARTITIONS}.`,
      );
    }
    this.#topics.set(topic, {
      id: randomBytes(16).toString('hex'),
      logs: Array.from({ length: partitions }, (_, partition) => new PartitionLog(partition)),
    });
    return true;
  }

  grow(topic: string, partitions: number): void {
    const logs = this.logs(topic);
    if (!Number.isInteger(partitions) || partitions <= logs.length || partitions > MAX_PARTITIONS) {
      throw new BrokerError(
        'INVALID_PARTITIONS',
        `Topic ${quote(topic)} has ${logs.length} partitions; it can only get more, up to ${MAX_PARTITIONS}, and not ${quote(partitions)}.`,
      );
    }
    while (logs.length < partitions) logs.push(new PartitionLog(logs.length));
  }

  /** Whoever waits for messages of it finds out that it is gone, or another one. */
  delete(topic: string): void {
    const logs = this.logs(topic);
    this.#topics.delete(topic);
    for (const log of logs) log.wake();
  }

  id(topic: string): string | undefined {
    return this.#topics.get(topic)?.id;
  }

  logs(topic: string): PartitionLog[] {
    const found = this.#topics.get(topic);
    if (found !== undefined) return found.logs;
    throw new BrokerError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      `There is no topic ${quote(topic)}. Create it, or send to it first.`,
    );
  }

  log(topic: string, partition: number): PartitionLog {
    const log = this.logs(topic)[partition];
    if (log !== undefined) return log;
    throw new BrokerError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      `Topic ${quote(topic)} has no partition ${quote(partition)}.`,
    );
  }

  /** All or nothing: everything is found before anything is written. */
  append(entries: readonly PartitionMessages[]): PartitionOffset[] {
    const found = entries.map((entry) => ({ ...entry, log: this.log(entry.topic, entry.partition) }));
    const written = found.map(({ topic, partition, messages, log }) => ({
      topic,
      partition,
      offset: log.append(messages, () => this.#sequence++),
    }));
    for (const { log } of found) log.wake();
    return written;
  }

  /** In the order in which they were sent. */
  messages(topic: string): StoredMessage[] {
    return this.logs(topic)
      .flatMap(({ messages }) => messages)
      .sort((a, b) => a.sequence - b.sequence);
  }
}
