import { coloredKafka } from '@colorway/mq/kafka';
import { type IHeaders, Kafka, logLevel } from 'kafkajs';
import type { HostileSubject, HostileSubjectOptions } from './subject.js';

const NO_QUESTIONS = new Set(['Fetch', 'Heartbeat', 'OffsetCommit']);

export async function openKafka(options: HostileSubjectOptions): Promise<HostileSubject> {
  const { url, coloring, accept, count, onHostile, onFriendly } = options;
  const topic = `hostile-${process.pid}-${Date.now().toString(36)}`;
  const friendly = `${topic}.friendly`;
  const raw = new Kafka({ brokers: url.split(','), logLevel: logLevel.NOTHING });
  // What Colorway asks in the background goes through clients that it makes itself.
  const counting = new Proxy(raw, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'admin') return typeof value === 'function' ? value.bind(target) : value;
      return () => {
        const admin = target.admin();
        admin.on('admin.network.request', ({ payload }) => count(`broker ${payload.apiName}`));
        return admin;
      };
    },
  });
  const setup = raw.admin();
  await setup.connect();
  const topics = [topic, friendly].map((name) => ({ topic: name, numPartitions: 1 }));
  await setup.createTopics({ topics, waitForLeaders: true });
  const kafka = coloredKafka(coloring, counting, { accept });
  const consume = async (name: string, onMessage: () => void): Promise<() => Promise<void>> => {
    const consumer = kafka.consumer({ groupId: `GID_${name}` });
    consumer.on('consumer.network.request', ({ payload }) => {
      if (!NO_QUESTIONS.has(payload.apiName)) count(`broker ${payload.apiName}`);
    });
    await consumer.connect();
    await consumer.subscribe({ topic: name, fromBeginning: true });
    await consumer.run({ eachMessage: async () => onMessage() });
    return () => consumer.disconnect();
  };
  const ends = [await consume(topic, onHostile), await consume(friendly, onFriendly)];
  const producer = raw.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  return {
    async sendHostile(all) {
      // The broker takes a megabyte at a time.
      for (let at = 0; at < all.length; at += 100) {
        const some = all.slice(at, at + 100) as IHeaders[];
        await producer.send({ topic, messages: some.map((headers) => ({ value: 'x', headers })) });
      }
    },
    async sendFriendly(many) {
      await producer.send({
        topic: friendly,
        messages: Array.from({ length: many }, () => ({ value: 'x' })),
      });
    },
    async close() {
      for (const end of ends) await end();
      await producer.disconnect();
      await setup.deleteTopics({ topics: [topic, friendly] });
      await setup.disconnect();
    },
  };
}
