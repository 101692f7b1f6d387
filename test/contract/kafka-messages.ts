import { randomBytes } from 'node:crypto';
import { type ColoredKafkaOptions, coloredKafka, leaveGroup } from '@colorway/mq/kafka';
import { type ColoringService, createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import type { Admin, Consumer, ConsumerConfig, Producer } from 'kafkajs';
import type { ConsumerOptions, Destination, MessagesUnderTest, Send } from './messages-under-test.js';
import { until } from './support.js';

/** A Kafka of KafkaJS, or one that is compatible. */
export interface SomeKafka {
  producer(config?: { idempotent: boolean }): Producer;
  consumer(config: ConsumerConfig): Consumer;
  admin(): Pick<Admin, 'connect' | 'disconnect' | 'createTopics' | 'fetchTopicOffsets' | 'describeGroups'>;
}

export interface KafkaUnderTest {
  /** Another client of the same broker, as another process would have it. */
  readonly client: () => SomeKafka;
  /** Ends the raw consumer as a crash does. Default: its handler throws a programming error, which KafkaJS does not survive. */
  readonly kill?: (consumer: Consumer) => Promise<void>;
  readonly dispose?: () => Promise<void>;
}

const DESTINATIONS: readonly Destination[] = ['orders', 'retries'];

/** Kafka, or the memory broker, behind the port of the contract: the wrapper is the same. */
export async function kafkaMessages({ client, kill, dispose }: KafkaUnderTest): Promise<MessagesUnderTest> {
  const unique = randomBytes(4).toString('hex');
  const directory = memoryDirectory();
  const closers: (() => Promise<unknown>)[] = [];
  const topicOf = (destination: Destination): string => `${destination}-${unique}`;
  const groupOf = (destination: Destination): string => `GID_${destination}_${unique}`;

  const instance = (
    color = '',
    options: ColoredKafkaOptions = {},
  ): { coloring: ColoringService; kafka: SomeKafka } => {
    const coloring = createColoring({ service: 'stock', color, directory, closing: { noticeMs: 0 } });
    closers.push(() => coloring.close());
    return { coloring, kafka: coloredKafka(coloring, client(), options) };
  };

  const admin = client().admin();
  await admin.connect();
  const topics = DESTINATIONS.map((destination) => ({ topic: topicOf(destination), numPartitions: 2 }));
  await admin.createTopics({ topics });
  for (const { topic, numPartitions } of topics) {
    const ready = async (): Promise<boolean> =>
      (await admin.fetchTopicOffsets(topic)).length === numPartitions;
    await until('the topic is there', () => ready().catch(() => false), 30_000);
  }
  await admin.disconnect();
  // Where a send is tried again, messages must not stand there twice: the contract takes that for a second delivery.
  const producer = instance().kafka.producer({ idempotent: true });
  await producer.connect();
  closers.push(() => producer.disconnect());

  const sender =
    (from: Producer): Send =>
    async (ids, { to = 'orders', key } = {}) => {
      const messages = ids.map((value) => ({ value, ...(key !== undefined && { key }) }));
      await from.send({ topic: topicOf(to), messages });
    };

  async function start({ color, from = 'orders', accept = 'all', handle }: ConsumerOptions) {
    const { coloring, kafka } = instance(color, { accept });
    if (color !== undefined) await coloring.environments.ensure(color, { owner: 'contract' });
    const own = kafka.producer({ idempotent: true });
    await own.connect();
    const send = sender(own);
    const consumer = kafka.consumer({
      groupId: groupOf(from),
      sessionTimeout: 10_000,
      retry: { initialRetryTime: 50 },
    });
    let crash: (error: Error) => void = () => {};
    const crashed = new Promise<never>((_, reject) => {
      crash = reject;
    });
    crashed.catch(() => {});
    const stop = async (): Promise<void> => {
      await consumer.disconnect();
      await own.disconnect();
    };
    closers.push(stop);
    await consumer.connect();
    await consumer.subscribe({ topics: [topicOf(from)], fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => Promise.race([handle(String(message.value), send), crashed]),
    });
    return {
      stop,
      status: () => coloring.mq.status(),
      crash: async () => {
        if (kill !== undefined) return kill(consumer);
        const gone = new Promise((resolve) => consumer.on('consumer.crash', resolve));
        crash(new TypeError('the process dies'));
        await gone;
      },
    };
  }

  return {
    send: sender(producer),
    sendToBoth: async (ids) => {
      const topicMessages = DESTINATIONS.map((destination) => ({
        topic: topicOf(destination),
        messages: ids[destination].map((value) => ({ value })),
      }));
      await producer.sendBatch({ topicMessages });
    },
    start,
    leave: (color, onLeave) =>
      leaveGroup(instance().coloring, client(), {
        group: groupOf('orders'),
        topics: [topicOf('orders')],
        color,
        onLeave,
      }),
    dispose: async () => {
      for (const close of closers.splice(0).reverse()) await close();
      await directory.close();
      await dispose?.();
    },
  };
}
