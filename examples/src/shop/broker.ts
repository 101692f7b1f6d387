/** Which broker the shop's messages go over: the demo's own, or a real one that the arguments name. */
import { randomBytes } from 'node:crypto';
import { memoryBroker } from 'colorway/testing';
import { makeTopic, removeMessages } from './messages.js';

export interface ShopBroker {
  /** For people. */
  readonly title: string;
  /** Takes away what the shop has made, once its processes are gone. */
  close(): Promise<void>;
}

/** `--kafka HOST:PORT[,…]`, `--amqp URL`, or none of them. What it finds is in the environment of processes started later. */
export async function openBroker(args: readonly string[], colors: readonly string[]): Promise<ShopBroker> {
  const kafka = addressAfter(args, '--kafka');
  const amqp = addressAfter(args, '--amqp');
  if (kafka === undefined && amqp === undefined) {
    const broker = memoryBroker();
    process.env.SHOP_BROKER = await broker.listen();
    await makeTopic();
    return { title: 'the embedded broker', close: () => broker.close() };
  }
  process.env.SHOP_BROKER = amqp ?? `kafka://${kafka}`;
  process.env.SHOP_RUN = `-${randomBytes(3).toString('hex')}`;
  await makeTopic();
  return { title: amqp === undefined ? 'Kafka' : 'RabbitMQ', close: () => removeMessages(colors) };
}

function addressAfter(args: readonly string[], option: string): string | undefined {
  const at = args.indexOf(option);
  if (at === -1) return undefined;
  const value = args[at + 1];
  if (value !== undefined && !value.startsWith('--')) return value;
  throw new Error(`${option} needs an address, as "npm run services -- kafka rabbitmq" prints it.`);
}
