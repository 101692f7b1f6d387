import { type MemoryBroker, memoryBroker } from '@colorway/mq/memory';
import { cleanUp, cleanUpAll, consume, pause, send, until } from './support.js';

jest.setTimeout(60_000);
afterEach(cleanUpAll);

function make(partitions = 1): MemoryBroker {
  const broker = memoryBroker({ partitions });
  cleanUp(() => broker.close());
  return broker;
}

describe('memory broker, one consumer', () => {
  test('messages with key, headers and timestamp arrive in order, as bytes', async () => {
    const broker = make();
    const producer = broker.producer();
    await producer.connect();
    const headers = { a: 'x', b: Buffer.from('y'), c: ['1', '2'], none: undefined };
    const sent = await producer.send({
      topic: 'orders',
      messages: [{ key: 'k', value: 'one', headers, timestamp: '1700000000000' }, { value: null }],
    });
    expect(sent).toEqual([{ topicName: 'orders', partition: 0, errorCode: 0, baseOffset: '0' }]);
    const [first, second] = await broker.messages('orders');
    expect(first).toEqual({
      key: Buffer.from('k'),
      value: Buffer.from('one'),
      headers: { a: Buffer.from('x'), b: Buffer.from('y'), c: [Buffer.from('1'), Buffer.from('2')] },
      timestamp: '1700000000000',
      attributes: 0,
      offset: '0',
      partition: 0,
    });
    expect(second).toMatchObject({ key: null, value: null, headers: {}, offset: '1' });
    expect(headers).toEqual({ a: 'x', b: Buffer.from('y'), c: ['1', '2'], none: undefined });
    expect(await broker.messages('unknown')).toEqual([]);
  });

  test('a group goes on where it committed, and another one starts anew', async () => {
    const broker = make();
    await send(broker, 'orders', 'a', 'b');
    const first = await consume(broker, ['orders']);
    await until('both', () => first.handled.length === 2);
    await until('committed', async () => (await broker.lag('GID_order')) === 0);
    await first.consumer.disconnect();
    await send(broker, 'orders', 'c');
    const again = await consume(broker, ['orders']);
    const other = await consume(broker, ['orders'], { config: { groupId: 'GID_other' } });
    const late = await consume(broker, ['orders'], { config: { groupId: 'late' }, fromBeginning: false });
    await until('all', () => again.handled.length === 1 && other.handled.length === 3);
    await send(broker, 'orders', 'd');
    await until('the last', () => late.handled.length > 0 && again.handled.length === 2);
    expect(again.handled).toEqual(['c', 'd']);
    expect(late.handled).toEqual(['d']);
  });

  test('what a handler throws at comes again, and nothing before it', async () => {
    const broker = make();
    await send(broker, 'orders', 'a', 'b', 'c');
    const seen: string[] = [];
    let failures = 2;
    await consume(broker, ['orders'], {
      run: {
        eachMessage: async ({ message }) => {
          seen.push(String(message.value));
          if (String(message.value) === 'b' && failures-- > 0) throw new Error('not now');
        },
      },
    });
    await until('all', () => seen.includes('c'));
    expect(seen).toEqual(['a', 'b', 'b', 'b', 'c']);
  });

  test('after too many failures the consumer crashes, says so, and starts again by itself', async () => {
    const broker = make();
    await send(broker, 'orders', 'a');
    const crashes: unknown[] = [];
    let failures = 3;
    const { consumer } = await consume(broker, ['orders'], {
      config: { retry: { retries: 1, initialRetryTime: 5 } },
      run: {
        eachMessage: async () => {
          if (failures-- > 0) throw new Error('not now');
        },
      },
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => crashes.push(payload));
    await until('handled at last', async () => failures < 0 && (await broker.lag('GID_order')) === 0);
    expect(crashes).toEqual([
      { error: expect.objectContaining({ message: 'not now' }), groupId: 'GID_order', restart: true },
    ]);
  });

  test('a programming error ends it for good, as in KafkaJS', async () => {
    const broker = make();
    await send(broker, 'orders', 'a');
    const crashes: unknown[] = [];
    let calls = 0;
    const consumer = broker.consumer({ groupId: 'GID_order' });
    cleanUp(() => consumer.disconnect());
    consumer.on(consumer.events.CRASH, ({ payload }) => crashes.push(payload));
    await consumer.subscribe({ topic: 'orders', fromBeginning: true });
    await consumer.run({
      eachMessage: async () => {
        calls++;
        throw new TypeError('x is not a function');
      },
    });
    await until('the crash', () => crashes.length === 1);
    expect(crashes).toMatchObject([{ restart: false }]);
    await pause(200);
    expect(calls).toBe(1);
    expect(await consumer.describeGroup()).toMatchObject({ state: 'Empty', members: [] });
  });

  test('eachBatch resolves and commits by hand; without, nothing is committed', async () => {
    const broker = make();
    await send(broker, 'orders', 'a', 'b', 'c');
    const batches: string[][] = [];
    const { consumer } = await consume(broker, ['orders'], {
      run: {
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, uncommittedOffsets }) => {
          batches.push(batch.messages.map(({ value }) => String(value)));
          resolveOffset(batch.firstOffset() ?? '0');
          if (batches.length === 2) await commitOffsetsIfNecessary(uncommittedOffsets());
        },
      },
    });
    await until('three', () => batches.length === 3);
    await consumer.disconnect();
    expect(batches).toEqual([['a', 'b', 'c'], ['b', 'c'], ['c']]);
    expect(await broker.lag('GID_order')).toBe(1);
  });

  test('pause, resume and seek', async () => {
    const broker = make(2);
    await send(broker, 'orders', '0:a', '1:b');
    const { consumer, handled } = await consume(broker, ['orders']);
    await until('both', () => handled.length === 2);
    consumer.pause([{ topic: 'orders', partitions: [1] }]);
    expect(consumer.paused()).toEqual([{ topic: 'orders', partitions: [1] }]);
    await send(broker, 'orders', '0:c', '1:d');
    await until('the other partition', () => handled.includes('c'));
    await pause(100);
    expect(handled).not.toContain('d');
    consumer.resume([{ topic: 'orders' }]);
    await until('resumed', () => handled.includes('d'));
    consumer.seek({ topic: 'orders', partition: 0, offset: '0' });
    await until('again', () => handled.length === 6);
    expect(handled.slice(4)).toEqual(['a', 'c']);
    consumer.seek({ topic: 'orders', partition: 1, offset: '99' });
    await pause(50);
    await send(broker, 'orders', '1:e');
    // Behind the end there is nothing: it starts where a new group would.
    await until('the last', () => handled.includes('e'));
  });

  test('threshold and interval commit while a batch is handled', async () => {
    const broker = make();
    await send(broker, 'orders', 'a', 'b', 'c', 'd');
    let lag = -1;
    await consume(broker, ['orders'], {
      run: {
        autoCommitThreshold: 2,
        eachMessage: async ({ message }) => {
          if (String(message.value) === 'd') lag = await broker.lag('GID_order');
        },
      },
    });
    await until('the last', () => lag >= 0);
    expect(lag).toBe(2);
  });

  test('topic patterns, and topics that come to be by their first use', async () => {
    const broker = make();
    await send(broker, 'orders-eu', 'a');
    await send(broker, 'orders-us', 'b');
    await send(broker, 'other', 'c');
    const { handled } = await consume(broker, [/^orders-/, 'new']);
    await send(broker, 'new', 'd');
    await until('three', () => handled.length === 3);
    expect(handled.sort()).toEqual(['a', 'b', 'd']);
    expect(await broker.admin().listTopics()).toEqual(['orders-eu', 'orders-us', 'other', 'new']);
  });

  test('a transaction is seen whole, or not at all', async () => {
    const broker = make();
    const producer = broker.producer({ transactionalId: 'tx' });
    await producer.connect();
    const { handled } = await consume(broker, ['orders']);
    const aborted = await producer.transaction();
    await aborted.send({ topic: 'orders', messages: [{ value: 'no' }] });
    await aborted.abort();
    expect(aborted.isActive()).toBe(false);
    await expect(aborted.commit()).rejects.toMatchObject({ name: 'KafkaJSNonRetriableError' });
    const kept = await producer.transaction();
    await kept.send({ topic: 'orders', messages: [{ value: 'yes' }] });
    const offsets = [{ partition: 0, offset: '7' }];
    await kept.sendOffsets({ consumerGroupId: 'copier', topics: [{ topic: 'orders', partitions: offsets }] });
    await pause(50);
    expect(handled).toEqual([]);
    await kept.commit();
    await until('the message', () => handled.length === 1);
    expect(await broker.admin().fetchOffsets({ groupId: 'copier' })).toEqual([
      { topic: 'orders', partitions: [{ partition: 0, offset: '7', metadata: null }] },
    ]);
  });

  test('of one transactional id there is one producer: the second ends the first', async () => {
    const broker = make();
    const [first, second] = [broker, broker].map((one) => one.producer({ transactionalId: 'tx' }));
    await Promise.all([first?.connect(), second?.connect()]);
    const lost = await first?.transaction();
    await lost?.send({ topic: 'orders', messages: [{ value: 'no' }] });
    const topics = [{ topic: 'orders', partitions: [{ partition: 0, offset: '7' }] }];
    await lost?.sendOffsets({ consumerGroupId: 'copier', topics });
    await expect(first?.transaction()).rejects.toThrow('already an ongoing transaction');
    const kept = await second?.transaction();
    await kept?.send({ topic: 'orders', messages: [{ value: 'yes' }] });
    await expect(lost?.commit()).rejects.toMatchObject({ type: 'INVALID_PRODUCER_EPOCH', retriable: false });
    await kept?.commit();
    expect((await broker.messages('orders')).map(({ value }) => String(value))).toEqual(['yes']);
    expect(await broker.admin().fetchOffsets({ groupId: 'copier' })).toEqual([]);
  });

  test('a commit while a transaction is open wins over it, as on a real broker', async () => {
    const broker = make();
    await send(broker, 'orders', 'a', 'b', 'c');
    const producer = broker.producer({ transactionalId: 'tx' });
    await producer.connect();
    const { consumer, handled } = await consume(broker, ['orders'], {
      run: {
        autoCommit: false,
        eachMessage: async ({ message }) => void handled.push(String(message.value)),
      },
    });
    await until('all', () => handled.length === 3);
    const transaction = await producer.transaction();
    const topics = [{ topic: 'orders', partitions: [{ partition: 0, offset: '3' }] }];
    await transaction.sendOffsets({ consumerGroupId: 'GID_order', topics });
    await consumer.commitOffsets([{ topic: 'orders', partition: 0, offset: '1' }]);
    await transaction.commit();
    expect(await broker.lag('GID_order')).toBe(2);
  });

  test('wrong use is told as KafkaJS tells it', async () => {
    const broker = make();
    const wrong = { name: 'KafkaJSNonRetriableError', retriable: false };
    expect(() => broker.consumer({ groupId: '' })).toThrow(expect.objectContaining(wrong));
    expect(() => broker.consumer({ groupId: 'g', heartbeatInterval: 9, sessionTimeout: 9 })).toThrow(
      expect.objectContaining(wrong),
    );
    const { consumer } = await consume(broker, ['orders']);
    await expect(consumer.subscribe({ topic: 'more' })).rejects.toMatchObject(wrong);
    expect(() => consumer.seek({ topic: 'orders', partition: 0, offset: '-3' })).toThrow('Invalid offset');
    await expect(
      consumer.commitOffsets([{ topic: 'orders', partition: 0, offset: 'x' }]),
    ).rejects.toMatchObject(wrong);
    await consumer.disconnect();
    expect(() => consumer.pause()).toThrow('consumer#run must be called first');
    const producer = broker.producer();
    await expect(producer.send({ topic: 'orders', messages: [{ value: 'x' }] })).rejects.toThrow('connect()');
    expect(() => memoryBroker({ partitions: 0 })).toThrow('partitions');
  });
});
