import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { Kafka, logLevel } from 'kafkajs';
import { exchange } from './exchange.mjs';
import { describeWithServers } from './jest/describe-with-servers.mjs';
import type { Service } from './types.js';

/*
 * Each server answers a real client, and what it confirmed is still there after `kill -9` and a restart on the same port.
 * `write` and `read` speak to it anew each time.
 */

const TIMEOUT_MS = 180_000;

/** RabbitMQ 3.10 confirms a queue before its definition is on disk (Mnesia's log); lost in 1 of 30 kills right after. */
const RABBITMQ_WRITES_WITHIN_MS = 2_500;

/** r-nacos 0.8 confirms a configuration before it is on disk; lost in 1 of 20 kills right after. Its instances are never on disk. */
const NACOS_WRITES_WITHIN_MS = 1_000;

async function killAndRestart(service: Service): Promise<void> {
  const { pid, url } = service;
  if (pid === undefined) throw new Error(`${service.name} is not running`);
  await service.kill();
  expect(service.pid).toBeUndefined();
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  await service.restart();
  expect(service.pid).not.toBe(pid);
  expect(service.url).toBe(url);
}

describeWithServers(
  ['kafka'],
  'Kafka',
  (servers) => {
    test(
      'keeps its topics and records through kill -9',
      async () => {
        const kafka = new Kafka({ brokers: servers.kafka.brokers, logLevel: logLevel.NOTHING });
        const withAdmin = async <T>(
          use: (admin: ReturnType<typeof kafka.admin>) => Promise<T>,
        ): Promise<T> => {
          const admin = kafka.admin();
          await admin.connect();
          return await use(admin).finally(() => admin.disconnect());
        };
        await withAdmin((admin) =>
          admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }], waitForLeaders: true }),
        );
        const producer = kafka.producer();
        await producer.connect();
        await producer.send({ topic: 'orders', messages: [{ partition: 1, value: 'one' }] });
        await producer.disconnect();

        await killAndRestart(servers.kafka);
        const offsets = await withAdmin((admin) => admin.fetchTopicOffsets('orders'));
        expect(offsets.find(({ partition }) => partition === 1)?.high).toBe('1');
        expect(servers.kafka.version).toMatch(/^\d+\.\d+\.\d+$/);
      },
      TIMEOUT_MS,
    );
  },
  { own: true },
);

describeWithServers(
  ['rabbitmq'],
  'RabbitMQ',
  (servers) => {
    test(
      'keeps its queues and confirmed messages through kill -9',
      async () => {
        const before = await connect(servers.rabbitmq.url);
        before.on('error', () => {}); // the kill below
        const channel = await before.createConfirmChannel();
        await channel.assertQueue('orders', { durable: true });
        channel.sendToQueue('orders', Buffer.from('one'), { persistent: true });
        await channel.waitForConfirms();
        await sleep(RABBITMQ_WRITES_WITHIN_MS);

        await killAndRestart(servers.rabbitmq);
        const after = await connect(servers.rabbitmq.url);
        const message = await (await after.createChannel()).get('orders', { noAck: true });
        await after.close();
        expect(message).toMatchObject({ content: Buffer.from('one') });
        expect(servers.rabbitmq.version).toMatch(/^\d+\.\d+\.\d+$/);
      },
      TIMEOUT_MS,
    );
  },
  { own: true },
);

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function request(url: string, init?: RequestInit): Promise<string> {
  const response = await fetch(url, { ...init, headers: { connection: 'close', ...init?.headers } });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${body}`);
  return body;
}

const redisCommand = async (url: string, line: string) =>
  (await exchange(new URL(url).host, `${line}\r\n`, (bytes) => bytes.toString().endsWith('\r\n'))).toString();

const keyValueStores = {
  etcd: {
    write: (url: string) =>
      request(`${url}/v3/kv/put`, {
        method: 'POST',
        body: JSON.stringify({ key: base64('key'), value: base64('one') }),
      }),
    read: async (url: string) => {
      const answer = await request(`${url}/v3/kv/range`, {
        method: 'POST',
        body: JSON.stringify({ key: base64('key') }),
      });
      return Buffer.from(JSON.parse(answer).kvs[0].value, 'base64').toString();
    },
  },
  consul: {
    write: (url: string) => request(`${url}/v1/kv/key`, { method: 'PUT', body: 'one' }),
    read: (url: string) => request(`${url}/v1/kv/key?raw&consistent`),
  },
  redis: {
    write: (url: string) => redisCommand(url, 'SET key one'),
    read: async (url: string) => (await redisCommand(url, 'GET key')).split('\r\n')[1],
  },
  nacos: {
    write: async (url: string) => {
      const config = new URLSearchParams({ dataId: 'key', group: 'g', content: 'one' });
      await request(`${url}/nacos/v1/cs/configs`, { method: 'POST', body: config });
      await sleep(NACOS_WRITES_WITHIN_MS);
    },
    read: (url: string) => request(`${url}/nacos/v1/cs/configs?dataId=key&group=g`),
  },
} as const;

for (const name of ['etcd', 'consul', 'redis', 'nacos'] as const) {
  const { write, read } = keyValueStores[name];
  describeWithServers(
    [name],
    name,
    (servers) => {
      test(
        'keeps what it confirmed through kill -9',
        async () => {
          await write(servers[name].url);
          await killAndRestart(servers[name]);
          expect(await read(servers[name].url)).toBe('one');
          expect(servers[name].version).toMatch(/^\d+\.\d+\.\d+$/);
        },
        TIMEOUT_MS,
      );
    },
    { own: true },
  );
}
