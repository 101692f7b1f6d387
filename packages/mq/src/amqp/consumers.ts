import { randomUUID } from 'node:crypto';
import { type Color, type Coloring, ColorwayError, quote } from '@colorway/core';
import type { AmqpChannel, AmqpMessage, ConsumeOptions, OnMessage } from './amqp-channel.js';
import type { AstrayMessages } from './astray-messages.js';
import type { Consumer, Handler } from './consumer.js';
import { Deliveries } from './deliveries.js';
import { ForeignAcks } from './foreign-acks.js';
import type { Mode } from './mode.js';
import { Receiver } from './receiver.js';
import { Tally } from './tally.js';

/** The consumers of a channel, by what the application wants and what the broker does. */
export class Consumers {
  readonly deliveries = new Deliveries();
  readonly foreign: ForeignAcks;
  readonly receiver: Receiver;
  readonly #channel: AmqpChannel;
  readonly #mode: Mode;
  readonly #color: Color | undefined;
  readonly #consumers = new Map<string, Consumer>();
  /** The last handler of each queue, by its baseline's name: what drains a color's queue where the color cannot. */
  readonly #handlers = new Map<string, Handler>();
  readonly #tallies = new Map<string, Tally>();
  #isPaused = false;

  constructor(coloring: Coloring, channel: AmqpChannel, mode: Mode, astray: AstrayMessages) {
    this.#channel = channel;
    this.#mode = mode;
    this.#color = coloring.color;
    this.foreign = new ForeignAcks(channel, this.deliveries);
    this.receiver = new Receiver(coloring, channel, mode, astray, this.deliveries, this.foreign);
  }

  /** A consumer of the application's, to be {@link read} by whoever knows when. */
  want(queue: string, onMessage: OnMessage, options: ConsumeOptions | undefined): Consumer {
    const { consumerTag = newTag() } = options ?? {};
    const handler = { onMessage, options: { ...options, consumerTag } };
    const consumer: Consumer = {
      ...{ ...handler, queue, name: this.#mode.ownQueue(queue), reader: this.#color, consumerTag },
      ...{ wanted: true, reading: false, stopping: false },
    };
    return consumer;
  }

  /** @throws ColorwayError `COLORWAY_CLOSED` after {@link pause}. */
  async read(consumer: Consumer): Promise<void> {
    const { queue, name, consumerTag, options } = consumer;
    if (this.#isPaused) throw closed(queue);
    this.#consumers.set(consumerTag, consumer);
    consumer.reading = true;
    try {
      await this.#channel.consume(name, this.receiver.of(consumer, this.tally(queue, name)), options);
    } catch (error) {
      consumer.reading = false;
      this.#consumers.delete(consumerTag);
      throw error;
    }
  }

  /** Keeps a consumer, also one that cannot read yet, and the handler of what reads for a color. */
  keep(consumer: Consumer): void {
    this.#consumers.set(consumer.consumerTag, consumer);
    this.#handlers.set(consumer.queue, consumer);
  }

  /** As the baseline names it; `undefined` for a consumer of a queue without colors. */
  queueOf(consumerTag: string): string | undefined {
    return this.#consumers.get(consumerTag)?.queue;
  }

  /** Reads a color's queue with the handler that this channel has for `queue`; false where it has none. */
  async readFor(queue: string, name: string, color: Color): Promise<boolean> {
    const handler = this.#handlers.get(queue);
    if (handler === undefined) return false;
    const consumer = this.want(queue, handler.onMessage, { ...handler.options, consumerTag: newTag() });
    await this.read({ ...consumer, name, reader: color, wanted: false });
    return true;
  }

  /** Consumes a queue that has no colors. */
  async consumePlain(
    name: string,
    onMessage: OnMessage,
    options: ConsumeOptions | undefined,
  ): Promise<{ consumerTag: string }> {
    return await this.#channel.consume(name, this.receiver.ofPlain(onMessage, options), options);
  }

  async cancel(consumerTag: string): Promise<object> {
    const consumer = this.#consumers.get(consumerTag);
    const isWaiting = consumer !== undefined && !consumer.reading;
    if (consumer !== undefined) consumer.wanted = false;
    const reply = isWaiting ? { consumerTag } : await this.#channel.cancel(consumerTag);
    if (consumer !== undefined) consumer.reading = false;
    return reply;
  }

  /** Ends all reading of a queue at the broker. What comes until the broker knows goes back, and is not handled. */
  async quiesce(name: string): Promise<void> {
    for (const consumer of this.reading(name)) await this.#stop(consumer);
  }

  /** The same for all queues, for good: nothing is read any more, and `get` finds nothing. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    const reading = [...this.#consumers.values()].filter((consumer) => consumer.reading);
    await Promise.all(reading.map((consumer) => this.#stop(consumer)));
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  async #stop(consumer: Consumer): Promise<void> {
    consumer.stopping = true;
    try {
      await this.#channel.cancel(consumer.consumerTag);
      consumer.reading = false;
    } finally {
      consumer.stopping = false;
    }
  }

  /** The consumers of a queue at the broker that receive. */
  reading(name: string): Consumer[] {
    return [...this.#consumers.values()].filter((consumer) => consumer.name === name && consumer.reading);
  }

  /** Those of the application's, by the baseline's name of the queue. */
  wanted(queue: string): Consumer[] {
    return [...this.#consumers.values()].filter((consumer) => consumer.queue === queue && consumer.wanted);
  }

  /** How many messages of a queue at the broker are in the hands of this channel's handlers, cancelled or not. */
  inHand(name: string): number {
    let count = this.deliveries.outstanding(takenFrom(name));
    for (const consumer of this.#consumers.values()) {
      if (consumer.name === name) count += this.deliveries.outstanding(consumer.consumerTag);
    }
    return count;
  }

  /** {@link inHand} of all queues that have colors. */
  get held(): number {
    return [...this.#tallies.keys()].reduce((sum, name) => sum + this.inHand(name), 0);
  }

  tally(queue: string, name: string): Tally {
    let tally = this.#tallies.get(name);
    if (tally === undefined) {
      tally = new Tally(queue, name);
      this.#tallies.set(name, tally);
    }
    return tally;
  }

  /** Takes one message of a queue that has colors, as its owner. */
  async get(queue: string, options: { noAck?: boolean } | undefined): Promise<AmqpMessage | false> {
    const name = this.#mode.ownQueue(queue);
    const tally = this.tally(queue, name);
    for (;;) {
      if (this.#isPaused) return false;
      const message = await this.getPlain(name, options);
      if (message === false || (await this.receiver.isOurs(queue, message, this.#color, options, tally)))
        return message;
    }
  }

  /** Takes one message from a queue at the broker, whoever it belongs to. */
  async getPlain(name: string, options: { noAck?: boolean } | undefined): Promise<AmqpMessage | false> {
    // amqplib tells of it a turn after it came; what comes in that turn must not be acknowledged together with it.
    const release = this.foreign.singly();
    try {
      const message = await this.#channel.get(name, options);
      if (message !== false && options?.noAck !== true)
        this.deliveries.add(message.fields.deliveryTag, takenFrom(name));
      return message;
    } finally {
      release();
    }
  }
}

/** In place of a consumer's tag, for what `get` took. */
function takenFrom(name: string): string {
  return `get ${name}`;
}

function newTag(): string {
  return `colorway.${randomUUID()}`;
}

function closed(queue: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_CLOSED',
    `The coloring closes: queue ${quote(queue)} is not consumed any more. Make a new coloring, and wrap a channel with it.`,
  );
}
