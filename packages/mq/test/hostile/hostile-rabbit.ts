import { coloredChannel } from '@colorway/mq/amqp';
import { type Channel, connect } from 'amqplib';
import type { HostileSubject, HostileSubjectOptions } from './subject.js';

/** amqplib's connection, as its channels use it. Numbers of methods are those of AMQP 0-9-1. */
interface Sender {
  sendMethod(channel: number, method: number, fields: unknown): unknown;
}

/** `basic.ack`, `basic.nack`, `basic.publish`. */
const NO_QUESTIONS = new Set([(60 << 16) | 80, (60 << 16) | 120, (60 << 16) | 40]);

export async function openRabbit(options: HostileSubjectOptions): Promise<HostileSubject> {
  const { url, coloring, accept, count, onHostile, onFriendly } = options;
  const queue = `hostile-${process.pid}-${Date.now().toString(36)}`;
  const friendly = `${queue}.friendly`;
  const connection = await connect(url);
  const wire = connection.connection as unknown as Sender;
  const { sendMethod } = wire;
  wire.sendMethod = function (this: Sender, channel, method, fields) {
    if (!NO_QUESTIONS.has(method)) count(`broker ${method >> 16}.${method & 0xffff}`);
    return sendMethod.call(this, channel, method, fields);
  };
  const consume = async (name: string, onMessage: () => void): Promise<Channel> => {
    const channel = coloredChannel(coloring, await connection.createConfirmChannel(), { accept });
    await channel.assertExchange(`${name}.x`, 'topic');
    await channel.assertQueue(name);
    await channel.bindQueue(name, `${name}.x`, '#');
    await channel.prefetch(50);
    await channel.consume(name, (message) => {
      if (message === null) return;
      onMessage();
      channel.ack(message);
    });
    return channel;
  };
  await consume(queue, onHostile);
  await consume(friendly, onFriendly);
  const others = await connect(url);
  const sender = await others.createConfirmChannel();
  let sent = 0;
  return {
    async sendHostile(all) {
      for (const headers of all) {
        // By both ways: straight to the queue, past its routing, and through an exchange.
        if (sent++ % 2 === 0) sender.sendToQueue(queue, Buffer.from('x'), { headers });
        else sender.publish(`${queue}.x`, 'k', Buffer.from('x'), { headers });
      }
      await sender.waitForConfirms();
    },
    async sendFriendly(messages) {
      for (let at = 0; at < messages; at++) sender.publish(`${friendly}.x`, 'k', Buffer.from('x'));
      await sender.waitForConfirms();
    },
    async close() {
      for (const name of [queue, friendly]) {
        await sender.deleteQueue(name);
        await sender.deleteExchange(`${name}.x`);
        for (const part of ['coloring', 'coloring.colors', 'coloring.own', 'coloring.own.colors'])
          await sender.deleteExchange(`${name}.${part}`);
        for (const part of ['unclaimed', 'unstamped', 'baggage', 'held', `keys.topic.${name}.x`])
          await sender.deleteExchange(`${name}.coloring.${part}`);
        await sender.deleteExchange(`${name}.baseline`);
      }
      await others.close();
      await connection.close();
    },
  };
}
