import { memoryBroker } from '@colorway/mq/memory';
import type { Admin, Consumer, Producer } from 'kafkajs';
import { Partitioners } from 'kafkajs';
import { cleanUpAll } from './support.js';

afterEach(cleanUpAll);

/** What a user writes for a Kafka of either make. The compiler is the test. */
interface SomeKafka {
  producer(): Producer;
  consumer(config: { groupId: string }): Consumer;
  admin(): Pick<
    Admin,
    'listTopics' | 'createTopics' | 'deleteTopics' | 'fetchTopicOffsets' | 'describeGroups' | 'setOffsets'
  >;
}

test('it can stand where a Kafka of KafkaJS is used', async () => {
  const kafka: SomeKafka = memoryBroker();
  const consumer = kafka.consumer({ groupId: 'g' });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => payload.memberAssignment);
  await kafka.producer().connect();
  expect(await kafka.admin().listTopics()).toEqual([]);
});

test('a key goes to the partition that Kafka gives it', async () => {
  const broker = memoryBroker({ partitions: 7 });
  const producer = broker.producer();
  await producer.connect();
  const keys = Array.from({ length: 200 }, (_, index) => 'kéy-'.repeat(index % 9) + index);
  await producer.send({ topic: 'orders', messages: keys.map((key) => ({ key, value: key })) });
  const partitioner = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({
    partitionId,
    leader: 0,
    isr: [],
    replicas: [],
    partitionErrorCode: 0,
  }));
  for (const { key, partition } of await broker.messages('orders')) {
    const message = { key: String(key), value: '' };
    expect([String(key), partition]).toEqual([
      String(key),
      partitioner({ topic: 'orders', partitionMetadata, message }),
    ]);
  }
});
