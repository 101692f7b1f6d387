import { randomBytes } from 'node:crypto';
import type { Admin } from 'kafkajs';
import type { SomeKafka } from './kafka-messages.js';
import { until } from './support.js';

const TEST_MS = 120_000;

/** A Kafka, or one in memory. */
export interface TopicsUnderTest {
  producer(): ReturnType<SomeKafka['producer']>;
  admin(): Pick<
    Admin,
    | 'connect'
    | 'disconnect'
    | 'createTopics'
    | 'deleteTopics'
    | 'listTopics'
    | 'fetchTopicOffsets'
    | 'fetchOffsets'
    | 'setOffsets'
  >;
}

/** What a broker does with a topic that is deleted, on which the hand-over of colors counts. */
export function describeTopics(name: string, make: () => TopicsUnderTest): void {
  test(
    `a topic that is deleted over ${name} goes with what groups have committed in it, and begins at 0 when it is made again`,
    async () => {
      const kafka = make();
      const unique = randomBytes(4).toString('hex');
      const [topic, groupId] = [`orders-${unique}`, `GID_orders_${unique}`];
      const admin = kafka.admin();
      const producer = kafka.producer();
      await Promise.all([admin.connect(), producer.connect()]);
      const end = async (): Promise<string | undefined> =>
        (await admin.fetchTopicOffsets(topic).catch(() => []))[0]?.high;
      const committed = async (): Promise<string | undefined> =>
        (await admin.fetchOffsets({ groupId, topics: [topic] }).catch(() => []))[0]?.partitions[0]?.offset;
      const create = async (): Promise<void> => {
        await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
        await until('the topic is there, and empty', async () => (await end()) === '0', TEST_MS / 4);
      };
      try {
        await create();
        await producer.send({ topic, messages: ['a', 'b', 'c'].map((value) => ({ value })) });
        await until('the messages are there', async () => (await end()) === '3', TEST_MS / 4);
        await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '2' }] });
        expect(await committed()).toBe('2');
        await admin.deleteTopics({ topics: [topic] });
        await until('it is gone', async () => !(await admin.listTopics()).includes(topic), TEST_MS / 4);
        await create();
        await until('nothing is committed in it', async () => (await committed()) === '-1', TEST_MS / 4);
      } finally {
        await Promise.all([admin.disconnect(), producer.disconnect()]);
      }
    },
    TEST_MS,
  );
}
