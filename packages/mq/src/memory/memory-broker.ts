import { ColorwayError, quote } from '@colorway/core';
import { BrokerCore } from './broker/broker-core.js';
import type { BrokerPort } from './broker/broker-port.js';
import { MAX_PARTITIONS } from './broker/topics.js';
import { kafkaMessage } from './client/batch.js';
import { Admin } from './client/memory-admin.js';
import { Consumer } from './client/memory-consumer.js';
import { Producer } from './client/memory-producer.js';
import type {
  MemoryAdmin,
  MemoryConsumer,
  MemoryConsumerConfig,
  MemoryMessage,
  MemoryProducer,
  MemoryProducerConfig,
} from './client/types.js';
import { connectBroker } from './wire/connect-broker.js';
import { type BrokerServer, serveBroker } from './wire/serve-broker.js';

export interface MemoryBrokerOptions {
  /** A broker in another process of this machine: what its `listen()` returned. Default: a broker of its own. */
  readonly url?: string;
  /** How many partitions a topic gets that comes to be by its first use: 1 to 10,000. Default 1. */
  readonly partitions?: number;
}

/** A message as the broker keeps it. */
export interface MemoryRecord extends MemoryMessage {
  readonly partition: number;
}

export interface MemoryBroker {
  producer(config?: MemoryProducerConfig): MemoryProducer;
  consumer(config: MemoryConsumerConfig): MemoryConsumer;
  admin(config?: object): MemoryAdmin;
  /** All messages of a topic in the order in which they were sent; none for a topic that is not there. */
  messages(topic: string): Promise<MemoryRecord[]>;
  /** How many messages a group has not committed yet, in the topics that it has read. */
  lag(groupId: string): Promise<number>;
  /**
   * Serves other processes of this machine, and resolves with the `url` that their `memoryBroker({ url })` takes. It ends with
   * a secret: whoever has it can read and send every message.
   * A process that is gone counts as dead after the session timeout of its consumers. Keeps the process alive until `close`.
   */
  listen(): Promise<string>;
  /** Ends what is served and what waits; with a broker of its own, forgets everything. */
  close(): Promise<void>;
}

/**
 * A broker in memory with the API of KafkaJS, for tests and for trying things out: topics with partitions,
 * offsets, consumer groups that rebalance, redelivery of what was not committed.
 *
 *     const broker = memoryBroker();
 *     const kafka = coloredKafka(coloring, broker);       // the very wrapper that runs on Kafka, with its guarantees
 *     const consumer = kafka.consumer({ groupId: 'GID_order' });
 *     ...
 *     await consumer.kill();                              // what is not committed is delivered again
 *     await broker.messages('orders');
 *
 * What differs from Kafka: nothing is kept on disk or expires, transactions leave no control records and do not
 * time out, there are no static members, compression, quotas or permissions, and a rebalance takes milliseconds.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  const { url, partitions = 1 } = options;
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `partitions: ${quote(partitions)} must be a whole number from 1 to ${MAX_PARTITIONS}.`,
    );
  }
  const broker = url === undefined ? new BrokerCore(partitions) : connectBroker(url);
  const servers: BrokerServer[] = [];
  return {
    producer: (config = {}) => new Producer(broker, config),
    consumer: (config) => new Consumer(broker, config),
    admin: () => new Admin(broker),
    messages: async (topic) => {
      if (!(await broker.topics()).includes(topic)) return [];
      const messages = await broker.messages(topic);
      return messages.map((one) => ({ ...kafkaMessage(one), partition: one.partition }));
    },
    lag: (groupId) => lagOf(broker, groupId),
    listen: async () => {
      const server = await serveBroker(broker);
      servers.push(server);
      return server.url;
    },
    close: async () => {
      await Promise.all(servers.splice(0).map((server) => server.close()));
      broker.close();
    },
  };
}

async function lagOf(broker: BrokerPort, groupId: string): Promise<number> {
  const committed = await broker.committed(groupId);
  let lag = 0;
  for (const topic of new Set(committed.map((one) => one.topic))) {
    for (const { partition, low, high } of await broker.ends(topic)) {
      const own = committed.find((one) => one.topic === topic && one.partition === partition);
      lag += high - (own?.offset ?? low);
    }
  }
  return lag;
}
