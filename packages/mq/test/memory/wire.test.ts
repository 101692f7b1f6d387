import { once } from 'node:events';
import { connect } from 'node:net';
import { type MemoryBroker, memoryBroker } from '@colorway/mq/memory';
import { BrokerCore } from '../../src/memory/broker/broker-core.js';
import { frame } from '../../src/memory/wire/frames.js';
import { cleanUp, cleanUpAll, consume, pause, send, until } from './support.js';

jest.setTimeout(60_000);
afterEach(cleanUpAll);

async function served(): Promise<{ broker: MemoryBroker; url: string; client: () => MemoryBroker }> {
  const broker = memoryBroker();
  cleanUp(() => broker.close());
  const url = await broker.listen();
  const client = (): MemoryBroker => {
    const remote = memoryBroker({ url });
    cleanUp(() => remote.close());
    return remote;
  };
  return { broker, url, client };
}

describe('memory broker over a socket', () => {
  test('two processes share topics and groups', async () => {
    const { broker, client } = await served();
    const one = await consume(client(), ['orders']);
    const two = await consume(client(), ['orders'], { config: { groupId: 'GID_other' } });
    await send(client(), 'orders', 'a', 'b');
    await until('both', () => one.handled.length === 2 && two.handled.length === 2);
    expect((await client().messages('orders')).map(({ value }) => value)).toEqual([
      Buffer.from('a'),
      Buffer.from('b'),
    ]);
    await until('committed', async () => (await broker.lag('GID_order')) === 0);
  });

  test('errors keep what tells them apart', async () => {
    const { client } = await served();
    await expect(client().admin().fetchTopicOffsets('none')).rejects.toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'UNKNOWN_TOPIC_OR_PARTITION',
      retriable: true,
      message: 'There is no topic "none". Create it, or send to it first.',
    });
  });

  test('a client whose connection is gone is a dead member after its session timeout', async () => {
    const { broker, client } = await served();
    await send(broker, 'orders', 'a');
    const gone = client();
    let inHand = 0;
    await consume(gone, ['orders'], {
      config: { sessionTimeout: 300, heartbeatInterval: 50, maxWaitTimeInMs: 50 },
      run: {
        eachMessage: () => {
          inHand++;
          return new Promise((resolve) => cleanUp(() => resolve()));
        },
      },
    });
    await until('in hand', () => inHand === 1);
    await gone.close();
    const next = await consume(client(), ['orders']);
    await until('redelivered', () => next.handled.length === 1);
  });

  test('a consumer comes back after its connection broke', async () => {
    const { broker, url } = await served();
    const sockets: import('node:net').Socket[] = [];
    const { createServer } = await import('node:net');
    const gate = createServer((inner) => {
      const outer = connect(Number(new URL(url).port), '127.0.0.1');
      sockets.push(inner, outer);
      for (const socket of [inner, outer]) socket.on('error', () => {});
      inner.pipe(outer).pipe(inner);
      inner.on('close', () => outer.destroy());
      outer.on('close', () => inner.destroy());
    });
    gate.listen(0, '127.0.0.1');
    await once(gate, 'listening');
    cleanUp(() => {
      gate.close();
      for (const socket of sockets) socket.destroy();
    });
    const { port } = gate.address() as { port: number };
    const remote = memoryBroker({ url: `memory://127.0.0.1:${port}${new URL(url).pathname}` });
    cleanUp(() => remote.close());
    const { handled } = await consume(remote, ['orders']);
    await send(broker, 'orders', 'a');
    await until('the first', () => handled.includes('a'));
    for (const socket of sockets.splice(0)) socket.destroy();
    await send(broker, 'orders', 'b');
    await until('the second', () => handled.includes('b'));
  });

  test('a consumer that is stopped while it joins leaves nobody behind', async () => {
    const { broker, client } = await served();
    const consumer = client().consumer({ groupId: 'GID_order' });
    await consumer.subscribe({ topic: 'orders' });
    const running = consumer.run({ eachMessage: async () => {} });
    await consumer.stop();
    await running;
    // The connection keeps the order: whatever the join still sent was answered before this.
    await consumer.describeGroup();
    await pause(100);
    const { groups } = await broker.admin().describeGroups(['GID_order']);
    expect(groups[0]?.members).toEqual([]);
  });

  test('whoever does not know the secret calls nothing, and a single call cannot fill the memory', async () => {
    const { broker, url, client } = await served();
    // 58 bytes of a stranger: a topic with so many partitions that the process would end.
    const call = frame({ id: 1, method: 'createTopic', args: ['t', 4_000_000_000] });
    expect(call.length).toBeLessThan(64);
    const small = frame({ id: 1, method: 'createTopic', args: ['t', 1] });
    const secret = new URL(url).pathname.slice(1);
    const wrong = secret.replace(/^./, (first) => (first === '0' ? '1' : '0'));
    for (const bytes of [call, small, Buffer.concat([Buffer.from(wrong), small]), Buffer.alloc(100_000)]) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.on('error', () => {}); // what it still sends is refused
      socket.resume().write(bytes);
      await new Promise((resolve) => socket.once('close', resolve));
    }
    expect(await broker.admin().listTopics()).toEqual([]);

    const admin = client().admin();
    for (const numPartitions of [4_000_000_000, 10_001])
      await expect(admin.createTopics({ topics: [{ topic: 't', numPartitions }] })).rejects.toMatchObject({
        type: 'INVALID_PARTITIONS',
      });
    await admin.createTopics({ topics: [{ topic: 't' }] });
    await expect(
      admin.createPartitions({ topicPartitions: [{ topic: 't', count: 4_000_000_000 }] }),
    ).rejects.toMatchObject({ type: 'INVALID_PARTITIONS' });
  });

  test('a secret that comes in pieces is one', async () => {
    const { broker, url } = await served();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    cleanUp(() => socket.destroy());
    const bytes = Buffer.concat([
      Buffer.from(new URL(url).pathname.slice(1)),
      frame({ id: 1, method: 'createTopic', args: ['t', 1] }),
    ]);
    for (const byte of bytes) {
      socket.write(Buffer.from([byte]));
      await pause(1);
    }
    await until('made', async () => (await broker.admin().listTopics()).includes('t'));
  });

  test('bytes that are no call end the connection, and harm nobody', async () => {
    const { broker, url } = await served();
    for (const bytes of [
      'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n',
      `${new URL(url).pathname.slice(1)}\0\0\0\x04junk`,
      Buffer.from([...Buffer.from(new URL(url).pathname.slice(1)), 0, 0, 0, 2, 255, 15, 1]),
    ]) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.on('error', () => {});
      socket.resume().write(bytes);
      await once(socket, 'close');
    }
    expect(await broker.admin().listTopics()).toEqual([]);
  });

  test('where nobody listens it says so', async () => {
    expect(() => memoryBroker({ url: 'http://127.0.0.1:1' })).toThrow('listen()');
    const { broker, url } = await served();
    await broker.close();
    const remote = memoryBroker({ url });
    await expect(remote.admin().listTopics()).rejects.toMatchObject({
      name: 'KafkaJSConnectionError',
      retriable: true,
      message: expect.stringContaining(`memory://127.0.0.1:${new URL(url).port} `),
    });
    await expect(
      broker
        .producer()
        .connect()
        .then(() => send(broker, 'a', 'b')),
    ).rejects.toMatchObject({
      code: 'COLORWAY_CLOSED',
    });
  });

  test('one that was closed takes no change of its topics, and tells none of their ids', async () => {
    const port = new BrokerCore(1);
    await port.createTopic('a', 1);
    port.close();
    const closed = expect.objectContaining({ code: 'COLORWAY_CLOSED' });
    await expect(port.growTopic('a', 2)).rejects.toEqual(closed);
    await expect(port.deleteTopic('a')).rejects.toEqual(closed);
    await expect(port.topicId('a')).rejects.toEqual(closed);
  });
});
