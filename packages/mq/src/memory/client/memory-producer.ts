import { quote } from '@colorway/core';
import type { HeadersLike } from '../../kafka/client-types.js';
import type { BrokerPort, PartitionMessages, ProducedMessage, StoredHeaders } from '../broker/broker-port.js';
import { Events, type MemoryEventListener, PRODUCER_EVENTS } from './events.js';
import { Partitioner } from './partitioner.js';
import { quietLogger } from './quiet-logger.js';
import { beginTransaction } from './transaction.js';
import type {
  MemoryProducer,
  MemoryProducerConfig,
  MemoryTransaction,
  SentMessage,
  SentRecord,
  SentTopic,
} from './types.js';
import { usageError } from './usage-error.js';

export class Producer implements MemoryProducer {
  readonly events = PRODUCER_EVENTS;
  readonly #port: BrokerPort;
  readonly #config: MemoryProducerConfig;
  readonly #events = new Events();
  readonly #partitioner = new Partitioner();
  #connected = false;
  #epoch: number | undefined;
  #inTransaction = false;

  constructor(port: BrokerPort, config: MemoryProducerConfig) {
    this.#port = port;
    this.#config = config;
  }

  async connect(): Promise<void> {
    await this.#port.topics();
    this.#connected = true;
    this.#events.emit(PRODUCER_EVENTS.CONNECT);
  }

  async disconnect(): Promise<void> {
    this.#connected = false;
    this.#events.emit(PRODUCER_EVENTS.DISCONNECT);
  }

  isIdempotent(): boolean {
    return this.#config.idempotent ?? false;
  }

  on<Payload>(event: string, listener: MemoryEventListener<Payload>): () => void {
    return this.#events.on(event, listener);
  }

  logger(): typeof quietLogger {
    return quietLogger;
  }

  send(record: SentTopic): Promise<SentRecord[]> {
    return this.sendBatch({ topicMessages: [record] });
  }

  async sendBatch({ topicMessages = [] }: { topicMessages?: readonly SentTopic[] }): Promise<SentRecord[]> {
    const written = await this.#port.produce(await this.#entries(topicMessages));
    return written.map(({ topic, partition, offset }) => ({
      topicName: topic,
      partition,
      errorCode: 0,
      baseOffset: String(offset),
    }));
  }

  async transaction(): Promise<MemoryTransaction> {
    const { transactionalId } = this.#config;
    if (transactionalId === undefined) {
      throw usageError('A transaction needs a producer with a transactionalId.');
    }
    if (this.#inTransaction) {
      throw usageError(
        'There is already an ongoing transaction for this producer. End it before beginning another.',
      );
    }
    this.#inTransaction = true;
    try {
      this.#epoch ??= await this.#port.initProducer(transactionalId);
    } catch (error) {
      this.#inTransaction = false;
      throw error;
    }
    return beginTransaction({
      port: this.#port,
      producer: { transactionalId, epoch: this.#epoch },
      entriesOf: (topics) => this.#entries(topics),
      ended: () => {
        this.#inTransaction = false;
      },
    });
  }

  /** What the broker is to append. The caller's objects and bytes are copied: they stay his. */
  async #entries(topicMessages: readonly SentTopic[]): Promise<PartitionMessages[]> {
    if (!this.#connected) throw usageError('The producer is disconnected: call connect() first.');
    for (const { topic, messages } of topicMessages) check(topic, messages);
    const counts = await this.#port.partitionCounts(
      topicMessages.map(({ topic }) => topic),
      true,
    );
    const entries = new Map<string, { topic: string; partition: number; messages: ProducedMessage[] }>();
    for (const { topic, messages } of topicMessages) {
      for (const message of messages) {
        const partition = this.#partitioner.choose(topic, counts[topic] ?? 1, message);
        const place = `${partition} ${topic}`;
        const entry = entries.get(place) ?? { topic, partition, messages: [] };
        entry.messages.push(produced(message));
        entries.set(place, entry);
      }
    }
    return [...entries.values()];
  }
}

function check(topic: unknown, messages: unknown): void {
  if (typeof topic !== 'string' || topic === '') throw usageError(`Invalid topic ${quote(topic)}.`);
  if (!Array.isArray(messages)) {
    throw usageError(`Invalid messages ${quote(messages)} for topic ${quote(topic)}: give an array.`);
  }
  if (messages.some(({ value }: SentMessage) => value === undefined)) {
    throw usageError(`A message for topic ${quote(topic)} has no value. Give null for a tombstone.`);
  }
}

function produced({ key, value, headers, timestamp }: SentMessage): ProducedMessage {
  return {
    key: key == null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: storedHeaders(headers),
    timestamp: timestamp === undefined ? Date.now() : Number(timestamp),
  };
}

/** Bytes, as a broker hands them over. */
function storedHeaders(headers: HeadersLike = {}): StoredHeaders {
  const stored: [string, Buffer | Buffer[]][] = [];
  for (const [key, value] of Object.entries(headers)) {
    if (value == null) continue;
    stored.push([key, Array.isArray(value) ? value.map((one) => Buffer.from(one)) : Buffer.from(value)]);
  }
  return Object.fromEntries(stored);
}
