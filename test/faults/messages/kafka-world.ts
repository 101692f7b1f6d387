import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { leaveGroup } from '@colorway/mq/kafka';
import { createColoring } from '@colorway/registry';
import { Kafka, logLevel } from 'kafkajs';
import type { KafkaService } from '../../services/types.js';
import { built } from '../../support/built.js';
import { openDirectory } from './fixtures/open-directory.mjs';
import type { MakeWorld } from './run-scenario.js';
import { until } from './until.js';

/** What the broker must be started with: sessions as short as these would be refused. */
export const KAFKA_SETTINGS = { 'group.min.session.timeout.ms': '1000' };
const SESSION_MS = 3_000;
const PARTITIONS = 3;
const LEAVE_MS = 60_000;

/** A topic and a group of their own on a broker that the scenarios may kill. */
export function kafkaWorld(server: KafkaService): MakeWorld {
  return async (directory) => {
    built('packages/mq/dist/kafka.js');
    const unique = randomBytes(4).toString('hex');
    const [topic, group] = [`orders-${unique}`, `GID_stock-${unique}`];
    const client = (retries: number) =>
      new Kafka({
        brokers: server.brokers,
        logLevel: logLevel.NOTHING,
        retry: { initialRetryTime: 50, maxRetryTime: 500, retries },
      });
    await createTopic(client(5), topic);
    // A message that was not confirmed is not sent again: it would be there twice.
    const producer = client(0).producer({ idempotent: false, retry: { retries: 0 } });
    await producer.connect();
    const coloring = createColoring({
      service: 'stock',
      color: '',
      directory: openDirectory(directory),
      closing: { noticeMs: 0 },
    });
    return {
      broker: 'kafka',
      script: join(__dirname, 'fixtures/kafka-consumer.mjs'),
      env: { BROKERS: server.brokers.join(), TOPIC: topic, GROUP: group, SESSION_MS: `${SESSION_MS}` },
      timeoutMs: SESSION_MS,
      rebalances: true,
      environments: coloring.environments,
      send: async (messages) => {
        await producer.send({
          topic,
          acks: -1,
          messages: messages.map(({ id, color }) => ({
            value: id,
            headers: color === undefined ? {} : { DMQ_ENV_TAG: color },
          })),
        });
      },
      leave: async (color) => {
        const signal = AbortSignal.timeout(LEAVE_MS);
        await leaveGroup(coloring, client(5), { group, topics: [topic], color, onLeave: 'drain', signal });
      },
      killBroker: () => server.kill(),
      restartBroker: () => server.restart(),
      close: async () => {
        await producer.disconnect().catch(() => {});
        await coloring.close();
      },
    };
  };
}

async function createTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: false });
    let ready = false;
    const ask = async (): Promise<void> => {
      while (!ready) {
        const offsets = await admin.fetchTopicOffsets(topic).catch(() => []);
        ready = offsets.length === PARTITIONS;
      }
    };
    await Promise.all([ask(), until('the topic is there', () => ready, 20_000)]);
  } finally {
    await admin.disconnect();
  }
}
