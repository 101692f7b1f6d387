/** The shop's messages: orders that are sent, and consumed by the stock. Which broker that is, its URL says. */
import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import type { ColoringService } from 'colorway';
import { coloredChannel } from 'colorway/amqp';
import { coloredKafka } from 'colorway/kafka';
import { memoryBroker } from 'colorway/testing';
import { Kafka, logLevel } from 'kafkajs';

export interface Messages {
  /** Sends an order in the color that is active. */
  send(order: string): Promise<void>;
  /** Consumes orders as the stock, `GID_stock` or `GID_<color>_stock`. */
  consume(handle: (order: string) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** On a broker that others use too, each run of the shop has names of its own. */
const run = (): string => process.env.SHOP_RUN ?? '';
const topicName = (): string => `orders${run()}`;
const groupName = (): string => `GID_stock${run()}`;
const url = (): string => process.env.SHOP_BROKER ?? '';

/** `memory://…` of the demo's own broker, `kafka://host:port,…` or `amqp://…`. */
export function openMessages(coloring: ColoringService): Promise<Messages> {
  return url().startsWith('amqp') ? openAmqp(coloring) : openKafka(coloring);
}

/** Kafka, and the broker in memory: the code is the same. */
async function openKafka(coloring: ColoringService): Promise<Messages> {
  const kafka = coloredKafka(coloring, kafkaClient());
  const producer = kafka.producer();
  const topic = topicName();
  const consumer = kafka.consumer({ groupId: groupName() });
  await producer.connect();
  return {
    async send(order) {
      await producer.send({ topic, messages: [{ key: order, value: order }] });
    },
    async consume(handle) {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({ eachMessage: ({ message }) => handle(String(message.value)) });
    },
    async close() {
      await consumer.disconnect();
      await producer.disconnect();
    },
  };
}

/** RabbitMQ: the group's name is the queue's. */
async function openAmqp(coloring: ColoringService): Promise<Messages> {
  const [exchange, queue] = [topicName(), groupName()];
  const connection = await connect(url());
  // The baseline's processes start beside the colored ones, and may be last.
  const channel = coloredChannel(coloring, await connection.createConfirmChannel(), {
    baselineWaitMs: 30_000,
  });
  await channel.assertExchange(exchange, 'topic');
  return {
    async send(order) {
      channel.publish(exchange, 'order.new', Buffer.from(order), { messageId: randomUUID() });
      await channel.waitForConfirms();
    },
    async consume(handle) {
      await channel.assertQueue(queue);
      await channel.bindQueue(queue, exchange, 'order.*');
      await channel.consume(queue, (message) => {
        if (message === null) return;
        handle(String(message.content)).then(
          () => channel.ack(message),
          () => channel.nack(message),
        );
      });
    },
    close: () => connection.close(),
  };
}

function kafkaClient(): Kafka {
  if (url().startsWith('memory:')) return memoryBroker({ url: url() }) as unknown as Kafka;
  const brokers = url().replace('kafka://', '').split(',');
  return new Kafka({ clientId: 'shop', brokers, logLevel: logLevel.NOTHING });
}

/** Makes the topic where the broker has to be told; before the services start. */
export async function makeTopic(): Promise<void> {
  if (url().startsWith('amqp')) return;
  const admin = kafkaClient().admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: topicName(), numPartitions: 2 }] });
  await admin.disconnect();
}

/** Takes away what this run has made on a broker of others. */
export async function removeMessages(colors: readonly string[]): Promise<void> {
  const group = groupName();
  const groups = [group, ...colors.map((color) => group.replace('GID_', `GID_${color}_`))];
  if (url().startsWith('amqp')) return removeAmqp(groups);
  if (url().startsWith('memory:')) return;
  const admin = kafkaClient().admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topicName()] });
  // A member that was killed is one until its session is over; the broker forgets an idle group by itself.
  for (const one of groups) await admin.deleteGroups([one]).catch(() => {});
  await admin.disconnect();
}

async function removeAmqp(queues: readonly string[]): Promise<void> {
  const [queue] = queues;
  const connection = await connect(url());
  const channel = await connection.createChannel();
  for (const one of queues) await channel.deleteQueue(one);
  const parts = ['', '.colors', '.own', '.own.colors', '.unclaimed', '.unstamped', '.baggage', '.held'];
  const keys = `coloring.keys.topic.${topicName()}`;
  for (const part of [...parts.map((part) => `coloring${part}`), keys, 'baseline']) {
    await channel.deleteExchange(`${queue}.${part}`);
  }
  await channel.deleteExchange(topicName());
  await connection.close();
}
