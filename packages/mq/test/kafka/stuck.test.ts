import type { MemoryConsumer } from '@colorway/mq/memory';
import { Kafka, logLevel } from 'kafkajs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { isStuck, STUCK, type WaitedFor } from '../../src/kafka/consumer/stuck-watch.js';
import { MemoryShop } from './memory-shop.js';
import { handoverState, pause, Shop, until, untilThere } from './shop.js';

/** Partition 0 comes to no reader, in one run of the client. */
function deafen(consumer: MemoryConsumer, isDeaf: () => boolean): void {
  let runs = 0;
  const run = consumer.run.bind(consumer);
  consumer.run = (config) => {
    const isFirst = runs++ === 0;
    return run({
      ...config,
      eachBatch: async (payload) => {
        if (!isFirst || payload.batch.partition !== 0 || !isDeaf()) return config?.eachBatch?.(payload);
        await pause(5);
      },
    });
  };
}

/** A client that does not fetch one partition any more, for no reason that anybody knows. */
describe('a consumer that reads nothing, though others wait for it', () => {
  const { afterMs, lookMs } = STUCK;
  let shop: MemoryShop;
  beforeEach(() => {
    shop = new MemoryShop();
    STUCK.afterMs = 1_000;
    STUCK.lookMs = 50;
  });
  afterEach(async () => {
    await shop.close();
    Object.assign(STUCK, { afterMs, lookMs });
  }, 30_000);

  test('of a color that leaves: it is started again, and says so; nothing is lost', async () => {
    const told: string[] = [];
    const listen = (message: string): void => void told.push(message);
    shop.logger = { debug: listen, info: listen, warn: listen, error: listen };
    await shop.start('base');
    let isDeaf = false;
    shop.intercept = (consumer, groupId) => {
      if (groupId === 'GID_red_order') deafen(consumer, () => isDeaf);
    };
    const red = await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    isDeaf = true;
    const ids = await shop.send(12, 'red');
    await until('the other partition is read', () => shop.handled.length === 6);
    await pause(1_500);
    // Nobody waits for it.
    expect(shop.handled).toHaveLength(6);
    const leaving = shop.coloring().environments.withdraw('stock', 'red');
    const partition = () =>
      red.coloring.mq.status().consumers[0]?.partitions.find((one) => one.partition === 0);
    await until('the status says what it waits for', () => partition()?.boundary !== undefined);
    expect(partition()).toMatchObject({
      position: '0',
      boundary: '6',
      waiting: { for: 'messages-below-boundary' },
    });
    await leaving;
    expect(shop.handled.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(told.filter((message) => message.includes('reads nothing in topic'))).toEqual([
      expect.stringContaining('partition 0: it stands at 0, below 6'),
    ]);
  }, 30_000);

  test('that drains: it is begun again', async () => {
    await shop.start('base');
    const red = await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active');
    await red.coloring.close();
    const ids = await shop.send(12, 'red');
    await until('the baseline has passed them', async () => (await shop.broker.lag(shop.group)) === 0);
    let drains = 0;
    shop.intercept = (consumer, groupId) => {
      if (groupId === 'GID_red_order' && drains++ === 0) deafen(consumer, () => true);
    };
    await shop.coloring().environments.withdraw('stock', 'red');
    expect(drains).toBe(2);
    expect(shop.handled.map(({ id }) => id).sort()).toEqual([...ids].sort());
  }, 30_000);
});

/** A client that does not tell of heartbeats, as one does that has not noticed its generation, until it was started again. */
function withoutHeartbeats(kafka: Kafka, groupId: string | undefined): Kafka {
  const make = kafka.consumer.bind(kafka);
  kafka.consumer = (config) => {
    const consumer = make(config);
    if (config?.groupId !== groupId) return consumer;
    let joined = 0;
    consumer.on(consumer.events.GROUP_JOIN, () => void joined++);
    const on = consumer.on.bind(consumer) as (event: string, listener: (told: unknown) => void) => () => void;
    const deaf: typeof on = (event, listener) =>
      on(event, (told) => {
        if (event !== consumer.events.HEARTBEAT || joined > 1) listener(told);
      });
    return Object.assign(consumer, { on: deaf as typeof consumer.on });
  };
  return kafka;
}

describeWithServers(['kafka'], 'a baseline that owes a fence, and does not make it', (servers) => {
  const { afterMs, lookMs } = STUCK;
  afterEach(() => void Object.assign(STUCK, { afterMs, lookMs }));

  test('is started again, and says so: the color joins, and each message is handled once', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { brokers } = servers.kafka;
    let group: string | undefined;
    const shop = new Shop(brokers, undefined, () =>
      withoutHeartbeats(new Kafka({ brokers, logLevel: logLevel.NOTHING }), group),
    );
    group = shop.group;
    Object.assign(STUCK, { afterMs: 4_000, lookMs: 100 });
    try {
      await shop.createTopic(2);
      const base = await shop.start('base');
      const red = await shop.start('red', { color: 'red' });
      await until('red is active', () => handoverState(base.coloring) === 'active', 60_000);
      const told = warned.mock.calls.filter((call) => JSON.stringify(call).includes('COLORWAY_MQ_STUCK'));
      expect(told).toEqual([
        [expect.stringContaining(`"${shop.group}" reads nothing in topic`), expect.anything()],
      ]);
      expect(base.coloring.mq.status().consumers[0]).toMatchObject({ phase: 'running' });
      const ids = [...(await shop.send(6)), ...(await shop.send(6, 'red'))];
      await untilThere('all messages', () => shop.handled.length, ids.length);
      await red.stop();
      await base.stop();
      expect(shop.faults(ids)).toEqual([]);
      expect(shop.ids('red')).toHaveLength(6);
    } finally {
      await shop.close();
      warned.mockRestore();
    }
  }, 120_000);
});

describe('who is stuck', () => {
  const stuck: WaitedFor = {
    ...{ position: 3n, boundary: 8n, idleMs: 30_000, owesFenceMs: undefined },
    ...{ isAssigned: true, isInHand: false, isPaused: false, isOpen: true },
  };
  test.each<[string, Partial<WaitedFor>, boolean]>([
    ['reads nothing below its boundary', {}, true],
    ['has read lately', { idleMs: 29_999 }, false],
    ['is at its boundary', { position: 8n }, false],
    ['has no boundary', { boundary: undefined }, false],
    ['a handler runs', { isInHand: true }, false],
    ['the application paused it', { isPaused: true }, false],
    ['waits for what it can name', { isOpen: false }, false],
    ['the group rebalances', { isAssigned: false }, false],
    ['owes a fence', { boundary: undefined, owesFenceMs: 30_000 }, true],
    ['owes a fence since a moment', { boundary: undefined, owesFenceMs: 2_000 }, false],
    ['owes a fence, a handler runs', { owesFenceMs: 30_000, isInHand: true }, false],
  ])('%s: %j', (_name, facts, expected) => {
    expect(isStuck({ ...stuck, ...facts }, 30_000)).toBe(expected);
  });
});
