import { activeColor, withColor } from '@colorway/core';
import { coloredKafka, inMessageContext } from '@colorway/mq/kafka';
import type { EachBatchPayload } from 'kafkajs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { pause, Shop, until } from './shop.js';

describeWithServers(['kafka'], 'a wrapped consumer keeps the semantics of KafkaJS', (servers) => {
  let shop: Shop;
  beforeEach(() => {
    shop = new Shop(servers.kafka.brokers);
  });
  afterEach(() => shop.close(), 60_000);

  const committed = async (group = shop.group, topic = shop.topic): Promise<Record<number, string>> => {
    const [found] = await shop.admin((admin) => admin.fetchOffsets({ groupId: group, topics: [topic] }));
    return Object.fromEntries((found?.partitions ?? []).map(({ partition, offset }) => [partition, offset]));
  };

  /** Red is active and owns its messages; its consumer is stopped again. */
  const redIsAway = async (): Promise<void> => {
    const red = await shop.start('red', { color: 'red' });
    await until('red is active', () => red.coloring.mq.status().handovers[0]?.state === 'active');
    await red.stop();
  };

  test('each message runs in exactly its color, whatever was active where the consumer was started', async () => {
    await shop.createTopic();
    await withColor('green', () => shop.start('baseline'));
    const ids = [...(await shop.send(2)), ...(await shop.send(2, 'red')), ...(await shop.send(2, 'blue'))];
    await until('all is handled', () => shop.handled.length === 6);
    expect(shop.faults(ids)).toEqual([]);
    expect(activeColor()).toBeUndefined();
  }, 60_000);

  test('color travels: what a handler sends carries it on, also out of batches and transactions', async () => {
    await shop.createTopic();
    const next = `${shop.topic}-next`;
    await shop.createTopic(1, next);
    const coloring = shop.coloring();
    const kafka = coloredKafka(coloring, shop.client());
    const producer = kafka.producer({
      transactionalId: shop.topic,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    const plain = kafka.producer();
    await Promise.all([producer.connect(), plain.connect()]);
    shop.onClose(() => Promise.all([producer.disconnect(), plain.disconnect()]));
    const message = Object.freeze({ value: 'frozen', headers: Object.freeze({ own: 'header' }) });
    await shop.start('first', {
      run: {
        eachMessage: async () => {
          await plain.send({ topic: next, messages: [message as never] });
          await plain.sendBatch({ topicMessages: [{ topic: next, messages: [{ value: 'batch' }] }] });
          const transaction = await producer.transaction();
          await transaction.send({ topic: next, messages: [{ value: 'transaction' }] });
          await transaction.sendBatch({
            topicMessages: [{ topic: next, messages: [{ value: 'transaction batch' }] }],
          });
          await transaction.commit();
          const aborted = await producer.transaction();
          await aborted.send({ topic: next, messages: [{ value: 'aborted' }] });
          await aborted.abort();
        },
      },
    });
    const headers: Record<string, unknown>[] = [];
    const other = new Shop(servers.kafka.brokers, shop.directory);
    shop.onClose(() => other.close());
    await other.start('second', {
      topics: [next],
      run: {
        eachMessage: async ({ partition, message: got }) => {
          headers.push(got.headers ?? {});
          other.note('second', partition, got);
        },
      },
    });
    await shop.send(1, 'red');
    await until('all four came', () => other.handled.length === 4);
    expect(other.handled.map(({ color }) => color)).toEqual(['red', 'red', 'red', 'red']);
    expect(other.ids()).toEqual(['frozen', 'batch', 'transaction', 'transaction batch']);
    expect(String(headers[0]?.own)).toBe('header');
    expect(message.headers).toEqual({ own: 'header' });
    await shop.send(1);
    await until('four without a color', () => other.handled.length === 8);
    expect(other.handled.slice(4).every(({ color }) => color === undefined)).toBe(true);
  }, 60_000);

  test('an error of a handler: what is before it is committed, it comes again, what is behind it is not lost', async () => {
    await shop.createTopic();
    let failed = 0;
    await shop.start('baseline', {
      run: {
        eachMessage: async ({ partition, message }) => {
          if (message.offset === '2' && failed++ < 1) throw new Error('try again');
          shop.note('baseline', partition, message);
        },
      },
    });
    const ids = await shop.send(5);
    await until('all is handled', () => shop.handled.length >= 5);
    expect(shop.ids()).toEqual(ids);
    expect(failed).toBe(2);
    await until('all is committed', async () => (await committed())[0] === '5');
  }, 60_000);

  test('a long run of foreign messages keeps committing, and lag falls', async () => {
    await shop.createTopic();
    await shop.start('baseline');
    await redIsAway();
    for (let turn = 0; turn < 10; turn++) await shop.send(400, 'red');
    await until('the lag is gone', async () => (await committed())[0] === '4000');
    expect(shop.handled).toHaveLength(0);
  }, 60_000);

  test('with autoCommit off only the user commits what is his; foreign runs commit when nothing of his is open', async () => {
    await shop.createTopic();
    const base = await shop.start('baseline', {
      run: {
        autoCommit: false,
        eachMessage: async ({ partition, message }) => shop.note('baseline', partition, message),
      },
    });
    await redIsAway();
    await shop.send(50, 'red');
    await until(
      'passed over',
      () => base.coloring.mq.status().consumers[0]?.partitions[0]?.position === '50',
    );
    await until('and committed', async () => (await committed())[0] === '50');
    await shop.send(1);
    await until('handled', () => shop.handled.length === 1);
    await shop.send(50, 'red');
    await until(
      'passed over',
      () => base.coloring.mq.status().consumers[0]?.partitions[0]?.position === '101',
    );
    await pause(300);
    expect((await committed())[0]).toBe('50');
    await base.consumer.commitOffsets([{ topic: shop.topic, partition: 0, offset: '51' }]);
    await shop.send(1, 'red');
    await until('and goes on', async () => (await committed())[0] === '102');
  }, 60_000);

  test('autoCommitThreshold commits in the middle of a batch', async () => {
    await shop.createTopic();
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await shop.send(10);
    await shop.start('baseline', {
      run: {
        autoCommitThreshold: 3,
        eachMessage: async ({ partition, message }) => {
          if (message.offset === '8') await gate;
          shop.note('baseline', partition, message);
        },
      },
    });
    await until('six are committed', async () => (await committed())[0] === '6');
    open();
    await until('all is committed', async () => (await committed())[0] === '10');
    expect(shop.handled).toHaveLength(10);
  }, 60_000);

  test('pause from a handler, resume, and pause and seek of the consumer', async () => {
    await shop.createTopic(2);
    let resume: (() => void) | undefined;
    const { consumer } = await shop.start('baseline', {
      run: {
        eachMessage: async ({ partition, message, pause: hold }) => {
          shop.note('baseline', partition, message);
          if (partition === 0 && resume === undefined) resume = hold();
        },
      },
    });
    await shop.send(3, undefined, { partition: 0 });
    await shop.send(3, undefined, { partition: 1 });
    await until('one of partition 0, all of 1', () => shop.handled.length === 4);
    expect(consumer.paused()).toEqual([{ topic: shop.topic, partitions: [0] }]);
    await pause(700);
    expect(shop.handled).toHaveLength(4);
    resume?.();
    await until('the rest', () => shop.handled.length === 6);
    consumer.pause([{ topic: shop.topic }]);
    await shop.send(1, undefined, { partition: 1 });
    await pause(700);
    expect(shop.handled).toHaveLength(6);
    consumer.resume([{ topic: shop.topic }]);
    await until('again', () => shop.handled.length === 7);
    consumer.seek({ topic: shop.topic, partition: 0, offset: '1' });
    await until('two again', () => shop.handled.length === 9);
    expect(shop.handled.slice(7).map(({ offset }) => offset)).toEqual(['1', '2']);
  }, 60_000);

  test('a seek from a handler ends the batch', async () => {
    await shop.createTopic();
    let sought = false;
    await shop.send(6);
    const { consumer } = await shop.start('baseline', {
      run: {
        eachMessage: async ({ partition, message }) => {
          shop.note('baseline', partition, message);
          if (message.offset !== '2' || sought) return;
          sought = true;
          consumer.seek({ topic: shop.topic, partition: 0, offset: '5' });
        },
      },
    });
    await until('four', () => shop.handled.length >= 4);
    await pause(300);
    expect(shop.handled.map(({ offset }) => offset)).toEqual(['0', '1', '2', '5']);
  }, 60_000);

  test('partitions are consumed concurrently where that is asked for, and one at a time where not', async () => {
    await shop.createTopic(3);
    let now = 0;
    let most = 0;
    const run = {
      partitionsConsumedConcurrently: 3,
      eachMessage: async ({
        partition,
        message,
      }: {
        partition: number;
        message: { offset: string; value: Buffer | null };
      }) => {
        most = Math.max(most, ++now);
        await pause(30);
        now--;
        shop.note('baseline', partition, message);
      },
    };
    for (const partition of [0, 1, 2]) await shop.send(3, undefined, { partition });
    await shop.start('baseline', { run });
    await until('all is handled', () => shop.handled.length === 9);
    expect(most).toBe(3);
  }, 60_000);

  test('a pattern of topics, and a topic that grows while consumers run', async () => {
    await shop.createTopic(1);
    await shop.createTopic(1, `${shop.topic}-more`);
    const config = { metadataMaxAge: 300, rebalanceTimeout: 3_000 };
    const base = await shop.start('baseline', { topics: [new RegExp(`^${shop.topic}`)], config });
    const red = await shop.start('red', { color: 'red', topics: [new RegExp(`^${shop.topic}`)], config });
    const states = (): string[] => base.coloring.mq.status().handovers.map(({ state }) => state);
    await until('active in both', () => states().join() === 'active,active');
    const ids = [
      ...(await shop.send(2, 'red')),
      ...(await shop.send(2, 'red', { topic: `${shop.topic}-more` })),
    ];
    await until('red has them', () => shop.ids('red').length === 4);
    await shop.admin((admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: shop.topic, count: 3 }] }),
    );
    const seen = (running: typeof red): number =>
      running.coloring.mq.status().consumers[0]?.partitions.filter(({ topic }) => topic === shop.topic)
        .length ?? 0;
    await until('both hold the new ones', () => seen(base) === 3 && seen(red) === 3, 20_000);
    // A producer of its own, which knows the new partitions.
    const sender = new Shop(servers.kafka.brokers, shop.directory);
    shop.onClose(() => sender.close());
    const { topic } = shop;
    for (const partition of [0, 1, 2]) {
      ids.push(
        ...(await sender.send(3, 'red', { topic, partition })),
        ...(await sender.send(3, undefined, { topic, partition })),
      );
    }
    await until('all is handled', () => new Set(shop.ids()).size === ids.length, 20_000);
    await pause(500);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('red')).toHaveLength(13);
  }, 90_000);

  test('eachBatch gets its own messages; what is resolved takes along what was passed over', async () => {
    await shop.createTopic();
    const base = await shop.start('baseline');
    await redIsAway();
    await base.stop();
    const own = await shop.send(2);
    await shop.send(2, 'red');
    own.push(...(await shop.send(2)));
    await shop.send(3, 'red');
    const batches: { offsets: string[]; last: string; lag: string; empty: boolean }[] = [];
    const resolved: unknown[] = [];
    await shop.start('batches', {
      run: {
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, uncommittedOffsets }: EachBatchPayload) => {
          const offsets = batch.messages.map(({ offset }) => offset);
          batches.push({ offsets, last: batch.lastOffset(), lag: batch.offsetLag(), empty: batch.isEmpty() });
          for (const message of batch.messages) {
            inMessageContext(message, () => shop.note('batches', batch.partition, message));
            resolveOffset(message.offset);
            resolved.push(uncommittedOffsets().topics[0]?.partitions[0]?.offset);
          }
        },
      },
    });
    await until('all is committed', async () => (await committed())[0] === '9');
    expect(shop.ids('batches')).toEqual(own);
    expect(batches.flatMap(({ offsets }) => offsets)).toEqual(['0', '1', '4', '5']);
    expect(batches.at(-1)).toMatchObject({ last: '8', lag: '0', empty: false });
    // Never behind an own message that was not resolved. A batch that comes before the directory was read ends before red's.
    expect(resolved).toEqual(['1', expect.stringMatching(/^[24]$/), '5', '9']);
  }, 60_000);

  test('colored consumers with eachBatch: both sides take what is theirs, also while the color joins', async () => {
    await shop.createTopic(2);
    const run = (by: string) => ({
      eachBatch: async ({ batch }: EachBatchPayload) => {
        for (const message of batch.messages) {
          await inMessageContext(message, async () => {
            await pause(1);
            shop.note(by, batch.partition, message);
          });
        }
      },
    });
    const base = await shop.start('baseline', { run: run('baseline') });
    const ids = [...(await shop.send(200, 'red')), ...(await shop.send(200))];
    await shop.start('red', { color: 'red', run: run('red') });
    ids.push(...(await shop.send(100, 'red')), ...(await shop.send(100)));
    await until('active', () => base.coloring.mq.status().handovers[0]?.state === 'active');
    ids.push(...(await shop.send(100, 'red')), ...(await shop.send(100)));
    await until('all is handled', () => shop.handled.length >= 800);
    await pause(300);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('red').length).toBeGreaterThanOrEqual(100);
  }, 60_000);

  test('stop ends it between two messages, and it can run again', async () => {
    await shop.createTopic();
    const { consumer } = await shop.start('baseline', { delayMs: 20 });
    const ids = await shop.send(30);
    await until('a few', () => shop.handled.length > 3);
    await consumer.stop();
    const handled = shop.handled.length;
    expect(handled).toBeLessThan(30);
    await pause(200);
    expect(shop.handled).toHaveLength(handled);
    await consumer.run({
      eachMessage: async ({ partition, message }) => shop.note('baseline', partition, message),
    });
    await until('all is handled', () => shop.handled.length >= 30);
    await pause(200);
    expect(shop.faults(ids)).toEqual([]);
  }, 60_000);
});
