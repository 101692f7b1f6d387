import type { Color, Coloring } from '@colorway/core';
import { runInMessageContext } from '../message/index.js';
import type { AmqpChannel, AmqpMessage, ConsumeOptions, OnMessage } from './amqp-channel.js';
import { Deliveries } from './deliveries.js';
import { ForeignAcks } from './foreign-acks.js';
import type { Mode } from './mode.js';

export interface Consumer {
  readonly consumerTag: string;
  /** As the baseline names it. */
  readonly queue: string;
  /** What it reads; another one than `mode.ownQueue` for a baseline that drains a color's queue. */
  readonly name: string;
  readonly cancelled?: boolean;
}

interface Handler {
  readonly onMessage: OnMessage;
  readonly options: ConsumeOptions | undefined;
}

/** What a channel receives: each message in its own context, and no foreign one. */
export class Consumers {
  readonly deliveries = new Deliveries();
  readonly foreign: ForeignAcks;
  readonly #coloring: Coloring;
  readonly #channel: AmqpChannel;
  readonly #mode: Mode;
  readonly #consumers = new Map<string, Consumer>();
  /** The last handler of each queue, by its baseline's name: what drains a color's queue where the color cannot. */
  readonly #handlers = new Map<string, Handler>();

  constructor(coloring: Coloring, channel: AmqpChannel, mode: Mode) {
    this.#coloring = coloring;
    this.#channel = channel;
    this.#mode = mode;
    this.foreign = new ForeignAcks(channel, this.deliveries);
  }

  async consume(
    queue: string,
    onMessage: OnMessage,
    options: ConsumeOptions | undefined,
  ): Promise<{ consumerTag: string }> {
    await this.#mode.join(queue);
    this.#handlers.set(queue, { onMessage, options });
    return await this.#start(
      { queue, name: this.#mode.ownQueue(queue), reader: this.#coloring.color },
      { onMessage, options },
    );
  }

  /** Reads a color's queue with the handler that this channel has for `queue`; `undefined` where it has none. */
  async consumeFor(queue: string, name: string, color: Color): Promise<string | undefined> {
    const handler = this.#handlers.get(queue);
    if (handler === undefined) return undefined;
    const { consumerTag: _taken, ...options } = handler.options ?? {};
    return (await this.#start({ queue, name, reader: color }, { ...handler, options })).consumerTag;
  }

  async get(queue: string, options: { noAck?: boolean } | undefined): Promise<AmqpMessage | false> {
    await this.#mode.join(queue);
    const own = this.#mode.ownQueue(queue);
    for (;;) {
      const message = await this.getPlain(own, options);
      if (message === false || !this.#mode.isForeign(queue, message, this.#coloring.color)) return message;
      if (options?.noAck === true) continue;
      this.deliveries.settle(message.fields.deliveryTag);
      this.#channel.ack(message);
    }
  }

  /** Takes one message from a queue at the broker, whoever it belongs to. */
  async getPlain(name: string, options: { noAck?: boolean } | undefined): Promise<AmqpMessage | false> {
    // amqplib tells of it a turn after it came; what comes in that turn must not be acknowledged together with it.
    const release = this.foreign.singly();
    try {
      const message = await this.#channel.get(name, options);
      if (message !== false && options?.noAck !== true) this.deliveries.add(message.fields.deliveryTag, '');
      return message;
    } finally {
      release();
    }
  }

  /** Consumes a queue that has no colors. */
  async consumePlain(
    name: string,
    onMessage: OnMessage,
    options: ConsumeOptions | undefined,
  ): Promise<{ consumerTag: string }> {
    return await this.#channel.consume(
      name,
      this.#receiver(onMessage, options, () => false),
      options,
    );
  }

  async cancel(consumerTag: string): Promise<object> {
    const reply = await this.#channel.cancel(consumerTag);
    const consumer = this.#consumers.get(consumerTag);
    if (consumer !== undefined) this.#consumers.set(consumerTag, { ...consumer, cancelled: true });
    return reply;
  }

  /** The consumers of a queue at the broker that still receive. */
  reading(name: string): Consumer[] {
    return [...this.#consumers.values()].filter(
      (consumer) => consumer.name === name && consumer.cancelled !== true,
    );
  }

  /** How many messages of a queue at the broker are in the hands of this channel's handlers, cancelled or not. */
  inHand(name: string): number {
    let count = 0;
    for (const consumer of this.#consumers.values()) {
      if (consumer.name === name) count += this.deliveries.outstanding(consumer.consumerTag);
    }
    return count;
  }

  async #start(
    reading: Omit<Consumer, 'consumerTag'> & { readonly reader: Color | undefined },
    { onMessage, options }: Handler,
  ): Promise<{ consumerTag: string }> {
    const { queue, name, reader } = reading;
    const isForeign = (message: AmqpMessage) => this.#mode.isForeign(queue, message, reader);
    const reply = await this.#channel.consume(name, this.#receiver(onMessage, options, isForeign), options);
    this.#consumers.set(reply.consumerTag, { consumerTag: reply.consumerTag, queue, name });
    return reply;
  }

  #receiver(
    onMessage: OnMessage,
    options: ConsumeOptions | undefined,
    isForeign: (message: AmqpMessage) => boolean,
  ): OnMessage {
    const acknowledges = options?.noAck !== true;
    return (message) => {
      if (message === null) return onMessage(null);
      const { deliveryTag, consumerTag = '' } = message.fields;
      if (isForeign(message)) {
        if (acknowledges) this.foreign.add(deliveryTag);
        return undefined;
      }
      if (acknowledges) this.deliveries.add(deliveryTag, consumerTag);
      return runInMessageContext(this.#coloring, message.properties.headers, () => onMessage(message));
    };
  }
}
