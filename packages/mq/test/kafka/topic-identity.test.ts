import { randomBytes } from 'node:crypto';
import { withColor } from '@colorway/core';
import { memoryBroker } from '@colorway/mq/memory';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { Kafka, logLevel } from 'kafkajs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { groupNameKey } from '../../src/kafka/colored-group.js';
import { GroupSession } from '../../src/kafka/consumer/group-session.js';
import { roundRobin } from '../../src/kafka/consumer/round-robin.js';
import type { GroupAdmin } from '../../src/kafka/group-admin.js';
import { coloredKafka } from '../../src/kafka/index.js';
import { runtimeOf } from '../../src/kafka/mq-runtime.js';

const unique = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`;

describeWithServers(['kafka'], 'the id of a topic', (servers) => {
  test('a topic that was deleted and made again has another id; one that is not there has none', async () => {
    const kafka = new Kafka({ brokers: servers.kafka.brokers, logLevel: logLevel.NOTHING });
    const session = new GroupSession(unique('GID_id'));
    const consumer = kafka.consumer({
      groupId: session.groupId,
      partitionAssigners: session.assigners([roundRobin]) as never,
    });
    const admin = kafka.admin();
    await Promise.all([consumer.connect(), admin.connect()]);
    try {
      const topic = unique('orders');
      expect(await session.topicId(topic)).toBeUndefined();
      await admin.createTopics({ topics: [{ topic }] });
      const first = await session.topicId(topic);
      expect(first).toMatch(/^[0-9a-f]{32}$/);
      expect(await session.topicId(topic)).toBe(first);
      await admin.deleteTopics({ topics: [topic] });
      while ((await admin.listTopics()).includes(topic)) await new Promise((done) => setTimeout(done, 50));
      expect(await session.topicId(topic)).toBeUndefined();
      await admin.createTopics({ topics: [{ topic }] });
      const second = await session.topicId(topic);
      expect(second).toMatch(/^[0-9a-f]{32}$/);
      expect(second).not.toBe(first);
    } finally {
      await Promise.all([consumer.disconnect(), admin.disconnect()]);
    }
  }, 60_000);
});

test('groups and topics of the same names in two clusters are told apart: a color of one is none of the other', async () => {
  const directory = memoryDirectory();
  const clusters = [memoryBroker(), memoryBroker()] as const;
  const handled: string[] = [];
  const colorings: { close(): Promise<void> }[] = [];
  const consume = async (index: 0 | 1, color: string, by: string): Promise<void> => {
    const coloring = createColoring({ service: 'order', color, directory, closing: { noticeMs: 0 } });
    colorings.push(coloring);
    if (color !== '') await coloring.environments.ensure(color, { owner: 'ada' });
    const kafka = coloredKafka(coloring, clusters[index]);
    const consumer = kafka.consumer({ groupId: 'GID_order' });
    await consumer.connect();
    await consumer.subscribe({ topic: 'orders', fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => void handled.push(`${by}: ${message.value}`),
    });
  };
  const send = async (index: 0 | 1, value: string, color?: string): Promise<void> => {
    const coloring = createColoring({ service: 'gateway', color: '', directory: memoryDirectory() });
    colorings.push(coloring);
    const producer = coloredKafka(coloring, clusters[index]).producer();
    await producer.connect();
    await withColor(color, () => producer.send({ topic: 'orders', messages: [{ value }] }));
  };
  const until = async (count: number): Promise<void> => {
    for (const end = Date.now() + 10_000; handled.length < count && Date.now() < end; )
      await new Promise((done) => setTimeout(done, 20));
  };
  try {
    await consume(0, '', 'first base');
    await consume(1, '', 'second base');
    await consume(0, 'red', 'first red');
    await new Promise((done) => setTimeout(done, 1_500));
    for (const index of [0, 1] as const) {
      await send(index, `plain ${index}`);
      await send(index, `red ${index}`, 'red');
    }
    await until(4);
    await new Promise((done) => setTimeout(done, 300));
    expect(handled.sort()).toEqual([
      'first base: plain 0',
      'first red: red 0',
      'second base: plain 1',
      'second base: red 1',
    ]);
  } finally {
    await Promise.all(colorings.map((coloring) => coloring.close()));
  }
}, 60_000);

test('the name of a group keeps what others have written beside its cluster, and is left alone where it cannot be read', async () => {
  const directory = memoryDirectory();
  const coloring = createColoring({ service: 'order', color: '', directory });
  const runtime = runtimeOf(coloring);
  const admin = { clusterId: async () => 'first' } as unknown as GroupAdmin;
  try {
    const claim = { group: 'GID_order', since: '1-a', later: true };
    await runtime.state.create(groupNameKey('GID_order'), JSON.stringify(claim));
    expect(await runtime.clusterOf('GID_order', admin)).toBeUndefined();
    const kept = await runtime.state.get(groupNameKey('GID_order'));
    expect(JSON.parse(kept?.value ?? '')).toEqual({ ...claim, cluster: 'first' });
    await runtime.state.create(groupNameKey('GID_stock'), 'not JSON');
    expect(await runtime.clusterOf('GID_stock', admin)).toBe('first');
    expect((await runtime.state.get(groupNameKey('GID_stock')))?.value).toBe('not JSON');
  } finally {
    await coloring.close();
  }
});
