// What a wrapped channel of RabbitMQ spends itself on a message: amqplib's part is done by a channel that does nothing.
import { EventEmitter } from 'node:events';
import { withColor } from '@colorway/core';
import { coloredChannel } from '@colorway/mq/amqp';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { report } from '../lib/report.mjs';
import { timeOperation } from '../lib/time-operation.mjs';

const QUEUE = 'orders';
const CONTENT = Buffer.alloc(200);
const HEADERS = { DMQ_ENV_TAG: 'red', baggage: 'x-infr-flowtype=CE_red', 'colorway-sent-at': Date.now() };

export async function run() {
  const colorings = [];
  const open = async (color = '') => {
    const coloring = createColoring({
      service: 'order',
      color,
      directory: memoryDirectory(),
      closing: { noticeMs: 0 },
    });
    colorings.push(coloring);
    if (color !== '') await coloring.environments.ensure(color, { owner: 'bench' });
    const idle = new IdleChannel();
    const channel = coloredChannel(coloring, idle, { openChannel: async () => new IdleChannel() });
    await channel.assertQueue(QUEUE);
    await channel.consume(QUEUE, (message) => channel.ack(message));
    return { channel, idle };
  };
  const [baseline, red] = [await open(), await open('red')];
  const send = () => baseline.channel.sendToQueue(QUEUE, CONTENT);
  const rows = [
    ['sends a message without a color', send],
    ['sends one with a color, in whose context it is', () => withColor('red', send)],
    ['receives and acknowledges one without a color', () => baseline.idle.deliver('', undefined)],
    ['receives and acknowledges one of its own color', () => red.idle.deliver(`${QUEUE}.coloring`, HEADERS)],
  ];
  report(
    'RabbitMQ, what the wrapper spends itself on a message',
    rows.map(([what, operation]) => ({ what, measured: timeOperation(operation), unit: ' ns' })),
  );
  await Promise.all(colorings.map((coloring) => coloring.close()));
}

/** A channel of a broker that agrees to everything. */
class IdleChannel extends EventEmitter {
  connection = Object.assign(new EventEmitter(), { stream: {} });
  #onMessage;
  #tag = 0;

  deliver(exchange, headers) {
    const fields = { deliveryTag: ++this.#tag, exchange, routingKey: QUEUE, redelivered: false };
    return this.#onMessage({ fields, properties: { headers }, content: CONTENT });
  }

  async consume(_queue, onMessage, { consumerTag }) {
    this.#onMessage = onMessage;
    return { consumerTag };
  }

  async assertQueue(queue) {
    return { queue, messageCount: 0, consumerCount: 0 };
  }

  async get() {
    return false;
  }

  publish() {
    return true;
  }

  sendToQueue() {
    return true;
  }
}

const ANSWERED = [
  'assertExchange',
  'bindExchange',
  'bindQueue',
  'cancel',
  'checkExchange',
  'checkQueue',
  'close',
];
const ANSWERED_TOO = [
  'deleteExchange',
  'deleteQueue',
  'prefetch',
  'purgeQueue',
  'recover',
  'unbindExchange',
  'unbindQueue',
];
for (const name of [...ANSWERED, ...ANSWERED_TOO])
  IdleChannel.prototype[name] = async (queue) => ({ queue, messageCount: 0, consumerCount: 0 });
for (const name of ['ack', 'ackAll', 'nack', 'nackAll', 'reject']) IdleChannel.prototype[name] = () => {};
