import { type MemoryBroker, memoryBroker } from '@colorway/mq/memory';
import { assignments, cleanUp, cleanUpAll, consume, pause, send, until } from './support.js';

jest.setTimeout(60_000);
afterEach(cleanUpAll);

type Assigners = NonNullable<Parameters<MemoryBroker['consumer']>[0]['partitionAssigners']>;
type Cluster = Parameters<Assigners[number]>[0]['cluster'];

function make(partitions = 1): MemoryBroker {
  const broker = memoryBroker({ partitions });
  cleanUp(() => broker.close());
  return broker;
}

/** A member that tells its assignments, with what its assigner was given. */
async function member(broker: MemoryBroker, config: object = {}) {
  let cluster: Cluster | undefined;
  const assigner: Assigners[number] = (given) => {
    cluster = given.cluster;
    return {
      name: 'all-to-the-first',
      version: 0,
      // Everything to the member that sorts first, so that a test knows who.
      assign: async ({ members, topics }) => {
        const [first] = members.map(({ memberId }) => memberId).sort();
        const partitions = topics.flatMap((topic) =>
          given.cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ topic, partitionId })),
        );
        return [{ memberId: first ?? '', memberAssignment: encode(partitions) }];
      },
      protocol: ({ topics }) => ({ name: 'all-to-the-first', metadata: Buffer.from(topics.join()) }),
    };
  };
  const joins: { memberId: string; memberAssignment: Record<string, number[]> }[] = [];
  const generations: number[] = [];
  const handled: string[] = [];
  const consumer = broker.consumer({ groupId: 'GID_order', partitionAssigners: [assigner], ...config });
  cleanUp(() => consumer.disconnect());
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }: { payload: (typeof joins)[number] }) =>
    joins.push(payload),
  );
  consumer.on(consumer.events.HEARTBEAT, ({ payload }: { payload: { groupGenerationId: number } }) =>
    generations.push(payload.groupGenerationId),
  );
  await consumer.subscribe({ topic: 'orders', fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      handled.push(String(message.value));
    },
  });
  return {
    consumer,
    handled,
    generations,
    partitions: () => joins.at(-1)?.memberAssignment.orders ?? [],
    memberId: () => joins.at(-1)?.memberId ?? '',
    commit: async (generation: number, memberId = joins.at(-1)?.memberId ?? '') => {
      const coordinator = await cluster?.findGroupCoordinator({ groupId: 'GID_order' });
      await coordinator?.offsetCommit({
        groupId: 'GID_order',
        groupGenerationId: generation,
        memberId,
        topics: [{ topic: 'orders', partitions: [{ partition: 0, offset: '0' }] }],
      });
    },
  };
}

function encode(partitions: { topic: string; partitionId: number }[]): Buffer {
  const topic = Buffer.from(partitions[0]?.topic ?? '');
  const bytes = Buffer.alloc(2 + 4 + 2 + topic.length + 4 + 4 * partitions.length);
  bytes.writeInt32BE(1, 2);
  bytes.writeInt16BE(topic.length, 6);
  topic.copy(bytes, 8);
  bytes.writeInt32BE(partitions.length, 8 + topic.length);
  partitions.forEach(({ partitionId }, index) => {
    bytes.writeInt32BE(partitionId, 12 + topic.length + 4 * index);
  });
  return bytes;
}

describe('memory broker, consumer groups', () => {
  test('members share the partitions, and take over from one that leaves', async () => {
    const broker = make(4);
    const one = await consume(broker, ['orders']);
    const told = assignments(one.consumer);
    const two = await consume(broker, ['orders']);
    await until('two share', () => told.now.orders?.length === 2);
    await send(broker, 'orders', '0:a', '1:b', '2:c', '3:d');
    await until('all', () => one.handled.length + two.handled.length === 4);
    expect([one.handled.length, two.handled.length]).toEqual([2, 2]);
    await two.consumer.disconnect();
    await until('one has all', () => told.now.orders?.length === 4);
    await send(broker, 'orders', '0:e', '1:f', '2:g', '3:h');
    await until('all', () => one.handled.length === 6);
    expect([...one.handled, ...two.handled].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
  });

  test('a killed consumer commits nothing more; what it had in hand comes to another one', async () => {
    const broker = make();
    await send(broker, 'orders', 'a', 'b');
    let finish: () => void = () => {};
    const seen: string[] = [];
    const { consumer } = await consume(broker, ['orders'], {
      run: {
        eachMessage: async ({ message }) => {
          seen.push(String(message.value));
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
        },
      },
    });
    const crashes: unknown[] = [];
    consumer.on(consumer.events.CRASH, ({ payload }) => crashes.push(payload));
    await until('in hand', () => seen.length === 1);
    await consumer.kill();
    expect(crashes).toMatchObject([{ restart: false }]);
    const next = await consume(broker, ['orders']);
    finish();
    await until('both', () => next.handled.length === 2);
    expect(next.handled).toEqual(['a', 'b']);
    expect(seen).toEqual(['a']);
    await consumer.disconnect();
  });

  test('the broker refuses what a killed consumer still commits', async () => {
    const broker = make();
    await send(broker, 'orders', 'a');
    let finish: (() => void) | undefined;
    let refusal: unknown;
    const { consumer } = await consume(broker, ['orders'], {
      run: {
        eachBatch: async ({ batch, commitOffsetsIfNecessary }) => {
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
          const partitions = [{ partition: batch.partition, offset: '1' }];
          await commitOffsetsIfNecessary({ topics: [{ topic: 'orders', partitions }] }).catch((error) => {
            refusal = error;
          });
        },
      },
    });
    await until('in hand', () => finish !== undefined);
    await consumer.kill();
    finish?.();
    await until('refused', () => refusal !== undefined);
    expect(refusal).toMatchObject({ type: 'UNKNOWN_MEMBER_ID' });
  });

  test('a consumer that is stopped while it joins leaves nobody behind', async () => {
    const broker = make();
    const consumer = broker.consumer({ groupId: 'GID_order' });
    await consumer.subscribe({ topic: 'orders' });
    const running = consumer.run({ eachMessage: async () => {} });
    await consumer.stop();
    await running;
    await pause(50);
    expect((await consumer.describeGroup()).members).toEqual([]);
  });

  test('whoever is silent for the session timeout is no member any more, and finds out', async () => {
    const broker = make();
    await send(broker, 'orders', 'a');
    const config = { sessionTimeout: 300, heartbeatInterval: 50 };
    let blocked = 0;
    let release: () => void = () => {};
    await consume(broker, ['orders'], {
      config,
      run: {
        eachMessage: async () => {
          blocked++;
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        },
      },
    });
    await until('in hand', () => blocked === 1);
    cleanUp(() => release());
    const second = await consume(broker, ['orders'], { config });
    await until('the other one has it', () => second.handled.length === 1);
    release();
    // Its commit is refused, and it joins again beside the other one.
    const admin = broker.admin();
    await until('two members', async () => {
      const { groups } = await admin.describeGroups(['GID_order']);
      return groups[0]?.members.length === 2 && groups[0].state === 'Stable';
    });
    await pause(100);
    expect(second.handled).toEqual(['a']);
    expect(blocked).toBe(1);
  });

  test('a commit is taken for the right member in the right generation, whatever is assigned to it', async () => {
    const broker = make();
    const one = await member(broker);
    await until('a heartbeat', () => one.generations.length > 0);
    const first = one.generations.at(-1) as number;
    await one.commit(first);
    const two = await member(broker);
    await until(
      'the next generation',
      () => one.generations.at(-1) === first + 1 && two.generations.length > 0,
    );
    await expect(one.commit(first)).rejects.toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'ILLEGAL_GENERATION',
      code: 22,
    });
    await expect(one.commit(first + 1, 'nobody')).rejects.toMatchObject({
      type: 'UNKNOWN_MEMBER_ID',
      code: 25,
    });
    expect([one.partitions(), two.partitions()].map(({ length }) => length).sort()).toEqual([0, 1]);
    // Neither holds both; both may commit: a broker does not look at that.
    await one.commit(first + 1);
    await two.commit(first + 1);
  });

  test('while the members join the old generation may commit, and between join and assignment nobody', async () => {
    const broker = make();
    const one = await member(broker);
    await until('a heartbeat', () => one.generations.length > 0);
    const generation = one.generations.at(-1) as number;
    const slow = broker.consumer({
      groupId: 'GID_order',
      partitionAssigners: [
        () => ({
          name: 'all-to-the-first',
          version: 0,
          assign: () => new Promise(() => {}),
          protocol: () => ({ name: 'all-to-the-first', metadata: Buffer.alloc(0) }),
        }),
      ],
      rebalanceTimeout: 300,
    });
    cleanUp(() => slow.disconnect());
    await one.consumer.disconnect();
    const leader = slow.run({ eachMessage: async () => {} });
    const admin = broker.admin();
    await until('it leads, and does not assign', async () => {
      const { groups } = await admin.describeGroups(['GID_order']);
      return groups[0]?.state === 'CompletingRebalance';
    });
    const { groups } = await admin.describeGroups(['GID_order']);
    await expect(one.commit(generation + 2, groups[0]?.members[0]?.memberId ?? '')).rejects.toMatchObject({
      type: 'REBALANCE_IN_PROGRESS',
    });
    await slow.disconnect();
    await leader;
  });

  test('partitions that are added are seen and shared', async () => {
    const broker = make(1);
    const one = await consume(broker, ['orders'], { config: { metadataMaxAge: 20, maxWaitTimeInMs: 20 } });
    await broker.admin().createPartitions({ topicPartitions: [{ topic: 'orders', count: 3 }] });
    await send(broker, 'orders', '0:a', '2:c');
    await until('both', () => one.handled.length === 2);
  });

  test('groups are described and deleted as KafkaJS tells it', async () => {
    const broker = make();
    const admin = broker.admin();
    const { consumer } = await consume(broker, ['orders']);
    await until('stable', async () => (await consumer.describeGroup()).state === 'Stable');
    await expect(admin.deleteGroups(['GID_order', 'nobody'])).rejects.toMatchObject({
      name: 'KafkaJSDeleteGroupsError',
      groups: [
        { groupId: 'GID_order', errorCode: 68, error: { type: 'NON_EMPTY_GROUP' } },
        { groupId: 'nobody', errorCode: 69, error: { type: 'GROUP_ID_NOT_FOUND' } },
      ],
    });
    const setting = { groupId: 'GID_order', topic: 'orders', partitions: [{ partition: 0, offset: '0' }] };
    await expect(admin.setOffsets(setting)).rejects.toThrow('no running instances');
    await consumer.disconnect();
    await admin.setOffsets(setting);
    expect(await admin.listGroups()).toEqual({
      groups: [{ groupId: 'GID_order', protocolType: 'consumer' }],
    });
    await admin.deleteGroups(['GID_order']);
    expect(await admin.describeGroups(['GID_order'])).toMatchObject({
      groups: [{ state: 'Dead', members: [] }],
    });
    expect(await admin.fetchOffsets({ groupId: 'GID_order', topics: ['orders'] })).toEqual([
      { topic: 'orders', partitions: [{ partition: 0, offset: '-1', metadata: null }] },
    ]);
  });

  test('topics: made once, with as many partitions as asked, and refused where Kafka refuses', async () => {
    const admin = make().admin();
    expect(await admin.createTopics({ topics: [{ topic: 'a', numPartitions: 3 }] })).toBe(true);
    expect(await admin.createTopics({ topics: [{ topic: 'a' }] })).toBe(false);
    expect(await admin.fetchTopicOffsets('a')).toHaveLength(3);
    await expect(admin.fetchTopicOffsets('b')).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' });
    await expect(admin.createTopics({ topics: [{ topic: 'a b' }] })).rejects.toMatchObject({
      type: 'INVALID_TOPIC_EXCEPTION',
    });
    const less = [{ topic: 'a', count: 2 }];
    await expect(admin.createPartitions({ topicPartitions: less })).rejects.toMatchObject({
      type: 'INVALID_PARTITIONS',
    });
  });

  test('a topic that is deleted goes with its messages and with what was committed in it; another one has another id', async () => {
    const broker = make(2);
    const admin = broker.admin();
    await send(broker, 'orders', '0:a', '1:b', '1:c');
    await send(broker, 'others', '0:d');
    const { handled, consumer } = await consume(broker, ['orders', 'others']);
    const committed = async (): Promise<string[]> => {
      const found = await admin.fetchOffsets({ groupId: 'GID_order', topics: ['orders', 'others'] });
      return found.flatMap(({ topic, partitions }) =>
        partitions
          .filter(({ partition }) => topic === 'orders' || partition === 0)
          .map(({ offset }) => offset),
      );
    };
    await until('all is handled', async () => (await committed()).join() === '1,2,1');
    await consumer.stop();
    await admin.deleteTopics({ topics: ['orders'] });
    expect(await admin.listTopics()).toEqual(['others']);
    expect(await broker.messages('orders')).toEqual([]);
    expect(await broker.lag('GID_order')).toBe(0);
    await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 1 }] });
    expect(await committed()).toEqual(['-1', '1']);
    expect(await admin.fetchTopicOffsets('orders')).toEqual([
      { partition: 0, offset: '0', high: '0', low: '0' },
    ]);
    await send(broker, 'orders', 'e');
    await consume(broker, ['orders'], {
      run: { eachMessage: async ({ message }) => void handled.push(String(message.value)) },
    });
    await until('what came in the new one', () => handled.includes('e'));
    expect(handled.sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('a consumer goes on in a topic that is made again while it runs', async () => {
    const broker = make();
    const admin = broker.admin();
    await send(broker, 'orders', 'a', 'b');
    const { handled } = await consume(broker, ['orders']);
    await until('both are handled', () => handled.length === 2);
    await admin.deleteTopics({ topics: ['orders'] });
    await send(broker, 'orders', 'c');
    await until('the one in the new topic', () => handled.includes('c'));
    await send(broker, 'orders', 'd');
    await until('and the next', () => handled.includes('d'));
    expect(handled).toEqual(['a', 'b', 'c', 'd']);
  });

  test('one of several topics is not there: the others are deleted, and it is told', async () => {
    const admin = make().admin();
    await admin.createTopics({ topics: [{ topic: 'a' }, { topic: 'b' }] });
    await expect(admin.deleteTopics({ topics: ['a', 'none', 'b'] })).rejects.toMatchObject({
      type: 'UNKNOWN_TOPIC_OR_PARTITION',
    });
    expect(await admin.listTopics()).toEqual([]);
  });

  test('offsets of an open transaction go with their topic', async () => {
    const broker = make();
    await send(broker, 'orders', 'a');
    const producer = broker.producer({ transactionalId: 'one' });
    await producer.connect();
    const transaction = await producer.transaction();
    const topics = [{ topic: 'orders', partitions: [{ partition: 0, offset: '1' }] }];
    await transaction.sendOffsets({ consumerGroupId: 'GID_order', topics });
    await broker.admin().deleteTopics({ topics: ['orders'] });
    await send(broker, 'orders', 'b');
    await transaction.commit();
    expect(await broker.admin().fetchOffsets({ groupId: 'GID_order', topics: ['orders'] })).toEqual([
      { topic: 'orders', partitions: [{ partition: 0, offset: '-1', metadata: null }] },
    ]);
  });

  test('the id of a topic is told to whoever asks the coordinator, and is another one once it was made again', async () => {
    const broker = make();
    const admin = broker.admin();
    let cluster: Cluster | undefined;
    const consumer = broker.consumer({
      groupId: 'GID_id',
      partitionAssigners: [
        (given) => {
          cluster = given.cluster;
          return {
            name: 'none',
            version: 0,
            assign: async () => [],
            protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
          };
        },
      ],
    });
    cleanUp(() => consumer.disconnect());
    await consumer.subscribe({ topic: 'others' });
    await consumer.run({ eachMessage: async () => {} });
    const id = async (): Promise<string | undefined> =>
      (await cluster?.findGroupCoordinator({ groupId: 'GID_id' }))?.topicId?.('orders');
    expect(await id()).toBeUndefined();
    await admin.createTopics({ topics: [{ topic: 'orders' }] });
    const first = await id();
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(await id()).toBe(first);
    await admin.deleteTopics({ topics: ['orders'] });
    expect(await id()).toBeUndefined();
    await admin.createTopics({ topics: [{ topic: 'orders' }] });
    expect(await id()).toMatch(/^[0-9a-f]{32}$/);
    expect(await id()).not.toBe(first);
  });
});
