import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type ColoredChannelOptions, coloredChannel, withdrawQueue } from '@colorway/mq/amqp';
import { type ColoringService, createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { ConsumerOptions, Destination, MessagesUnderTest, Send } from './messages-under-test.js';

const DESTINATIONS: readonly Destination[] = ['orders', 'retries'];

/** RabbitMQ behind the port of the contract: `orders` is sent to through an exchange, `retries` straight to the queue. */
export async function amqpMessages(
  url: string,
  options: ColoredChannelOptions = {},
): Promise<MessagesUnderTest> {
  const unique = randomBytes(4).toString('hex');
  const directory = memoryDirectory();
  const closers: (() => Promise<unknown>)[] = [];
  const exchange = `shop-${unique}`;
  const queueOf = (destination: Destination): string => `GID_${destination}_${unique}`;

  /** A process of its own: a connection, and a channel on which everything is declared. */
  async function instance(color = '', accept: ConsumerOptions['accept'] = 'all') {
    const coloring: ColoringService = createColoring({
      service: 'stock',
      color,
      directory,
      closing: { noticeMs: 0 },
    });
    closers.push(() => coloring.close());
    if (color !== '') await coloring.environments.ensure(color, { owner: 'contract' });
    const connection: ChannelModel = await connect(url);
    connection.on('error', () => {});
    const stream = (connection.connection as unknown as { stream: Socket }).stream;
    // A connection whose socket is gone would wait for an answer for ever.
    closers.push(async () => {
      if (!stream.destroyed) await connection.close().catch(() => {});
    });
    const raw = await connection.createConfirmChannel();
    raw.on('error', () => {});
    await raw.prefetch(1);
    const state = options.mode === 'filter' && { state: directory.state };
    const channel = coloredChannel(coloring, raw, { ...options, ...state, accept });
    await channel.assertExchange(exchange, 'topic');
    for (const destination of DESTINATIONS) await channel.assertQueue(queueOf(destination));
    for (const destination of DESTINATIONS) {
      await channel.bindQueue(queueOf(destination), exchange, `${destination}.*`);
    }
    return { coloring, connection, channel, stream };
  }

  const sender =
    (channel: ConfirmChannel): Send =>
    async (ids, { to = 'orders' } = {}) => {
      for (const id of ids) {
        const content = Buffer.from(id);
        if (to === 'orders') channel.publish(exchange, 'orders.new', content, { timestamp: Date.now() });
        else channel.sendToQueue(queueOf(to), content, { timestamp: Date.now() });
      }
      await channel.waitForConfirms();
    };

  const producer = await instance();
  /** Where a color leaves: on a channel that has the baseline's handler, where there is one. */
  let withdrawing = producer.channel;

  async function start({ color, from = 'orders', accept, handle }: ConsumerOptions) {
    const { coloring, channel, connection, stream } = await instance(color, accept);
    if (color === undefined && from === 'orders') withdrawing = channel;
    const inHand = new Set<Promise<void>>();
    const { consumerTag } = await channel.consume(queueOf(from), (message) => {
      if (message === null) return;
      const handling = handle(String(message.content), sender(channel)).then(
        () => channel.ack(message),
        () => channel.nack(message),
      );
      const done = handling.catch(() => {}).finally(() => inHand.delete(done));
      inHand.add(done);
    });
    let gone = false;
    return {
      status: () => coloring.mq.status(),
      stop: async () => {
        if (gone) return;
        gone = true;
        await channel.cancel(consumerTag);
        await Promise.all(inHand);
        await connection.close();
      },
      crash: async () => {
        gone = true;
        const closed = once(stream, 'close');
        stream.destroy();
        await closed;
      },
    };
  }

  return {
    countsForeign: options.mode === 'filter',
    send: sender(producer.channel),
    sendToBoth: async (ids) => {
      const send = sender(producer.channel);
      await Promise.all(DESTINATIONS.map((to) => send(ids[to], { to })));
    },
    start,
    leave: (color, onLeave) => withdrawQueue(withdrawing, queueOf('orders'), { color, onLeave }),
    dispose: async () => {
      const connection = await connect(url);
      const cleaner = await connection.createChannel();
      for (const close of closers.splice(0).reverse()) await close();
      await directory.close();
      for (const queue of DESTINATIONS.map(queueOf)) {
        for (const name of [
          queue,
          ...['red', 'blue'].map((color) => queue.replace('GID_', `GID_${color}_`)),
        ]) {
          await cleaner.deleteQueue(name);
        }
        const parts = ['', '.colors', '.own', '.own.colors', '.unclaimed', '.unstamped', '.baggage', '.held'];
        const keys = `coloring.keys.topic.${exchange}`;
        for (const part of [...parts.map((part) => `coloring${part}`), keys, 'baseline']) {
          await cleaner.deleteExchange(`${queue}.${part}`);
        }
      }
      await cleaner.deleteExchange(exchange);
      await connection.close();
    },
  };
}
