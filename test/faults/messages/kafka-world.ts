import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { leaveGroup } from '@colorway/mq/kafka';
import { createColoring } from '@colorway/registry';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type Admin,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';
import type { KafkaService } from '../../services/types.js';
import { built } from '../../support/built.js';
import { openDirectory } from './fixtures/open-directory.mjs';
import type { MakeWorld } from './run-scenario.js';
import type { OperatorAct } from './schedule.js';
import { until } from './until.js';

/** What the broker must be started with: sessions as short as these would be refused. */
export const KAFKA_SETTINGS = { 'group.min.session.timeout.ms': '1000' };
/** And so that `deny-deletion` is obeyed. */
export const KAFKA_ACL_SETTINGS = {
  ...KAFKA_SETTINGS,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
  // Else a client that asks for a topic which is being made again makes it, with one partition.
  'auto.create.topics.enable': 'false',
};
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
    await withAdmin(client(5), async (admin) => {
      for (const name of [topic, `${topic}-results`]) await createTopic(admin, name);
    });
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
      operate: (act) => withAdmin(client(5), (admin) => operate(admin, act, topic, group)),
      killBroker: () => server.kill(),
      restartBroker: () => server.restart(),
      close: async () => {
        await producer.disconnect().catch(() => {});
        await coloring.close();
      },
    };
  };
}

async function withAdmin(kafka: Kafka, task: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await task(admin);
  } finally {
    await admin.disconnect();
  }
}

async function createTopic(admin: Admin, topic: string): Promise<void> {
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: false });
  let ready = false;
  let over = false;
  const ask = async (): Promise<void> => {
    while (!ready && !over) {
      const offsets = await admin.fetchTopicOffsets(topic).catch(() => []);
      ready = offsets.length === PARTITIONS;
    }
  };
  const there = until('the topic is there', () => ready, 20_000).finally(() => {
    over = true;
  });
  await Promise.all([ask(), there]);
}

async function operate(admin: Admin, act: OperatorAct, topic: string, group: string): Promise<void> {
  switch (act) {
    case 'remake-topic':
      await admin.deleteTopics({ topics: [topic] });
      // A name is free again a moment after its topic was deleted.
      for (let tries = 0; (await admin.listTopics()).includes(topic) && tries < 100; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return createTopic(admin, topic);
    case 'deny-deletion':
      await admin.createAcls({ acl: [...mayDelete(group, AclPermissionTypes.DENY)] });
      return;
    case 'allow-deletion':
      for (const acl of mayDelete(group, AclPermissionTypes.DENY)) await admin.deleteAcls({ filters: [acl] });
      return;
    default:
      throw new Error(`Kafka has no ${act}`);
  }
}

/** Rules for all groups of the scenario, which end alike. Whatever has a rule at all needs one that allows the rest. */
function* mayDelete(group: string, permissionType: AclPermissionTypes) {
  const of = {
    resourceType: AclResourceTypes.GROUP,
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    resourceName: group.slice(0, 'GID_'.length),
    principal: 'User:ANONYMOUS',
    host: '*',
  };
  yield { ...of, operation: AclOperationTypes.DELETE, permissionType };
  yield { ...of, operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW };
}
