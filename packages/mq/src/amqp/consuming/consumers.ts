import { randomUUID } from 'node:crypto';
import { type Color, type Coloring, ColorwayError, quote } from '@colorway/core';
import type { Scope } from '@colorway/core/background';
import type { AmqpChannel, AmqpMessage, ConsumeOptions, OnMessage } from '../amqp-channel.js';
import type { ConnectionState } from '../connection/connection-state.js';
import type { Mode } from '../mode.js';
import type { Consumer, Handler } from './consumer.js';
import { Deliveries } from './deliveries.js';
import { ForeignAcks } from './foreign-acks.js';
import { GiveBacks } from './give-backs.js';
import type { AmqpPolicy } from './handed-copies.js';
import { Presences } from './presences.js';
import { Receiver } from './receiver.js';
import { Tally } from './tally.js';

/** The consumers of a channel, by what the application wants and what the broker does. */
export class Consumers {
  readonly deliveries = new Deliveries();
  readonly foreign: ForeignAcks;
  readonly receiver: Receiver;
  readonly presences: Presences;
  readonly giveBacks: GiveBacks;
  readonly #channel: AmqpChannel;
  readonly #mode: Mode;
  readonly #color: Color | undefined;
  readonly #consumers = new Map<string, Consumer>();
  /** The last handler of each queue, by its baseline's name: what drains a color's queue where the color cannot. */
  readonly #handlers = new Map<string, Handler>();
  readonly #tallies = new Map<string, Tally>();
  #isPaused = false;
  #isAbandoned = false;

  /**
   * @param scope the channel's: what goes on here in the background ends with it.
   * @param policy who may set a flow type; `undefined` for everybody.
   */
  constructor(
    coloring: Coloring,
    channel: AmqpChannel,
    mode: Mode,
    state: ConnectionState,
    scope: Scope,
    policy?: AmqpPolicy,
  ) {
    this.#channel = channel;
    this.#mode = mode;
    this.#color = coloring.color;
    const { deliveries } = this;
    this.giveBacks = new GiveBacks(deliveries, scope);
    this.foreign = new ForeignAcks(channel, deliveries, scope);
    this.receiver = new Receiver(coloring, {
      channel,
      mode,
      astray: state.astray,
      deliveries,
      foreign: this.foreign,
      scope,
      policy,
    });
    this.presences = new Presences(coloring, state.open, channel, deliveries, scope);
    channel.once('close', () => this.giveBacks.drop());
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
    // Several may stand in at once, and the broker would close the channel of whoever comes beside an exclusive one.
    const options = { ...handler.options, exclusive: false, consumerTag: newTag() };
    const consumer = this.want(queue, handler.onMessage, options);
    this.deliveries.of(name).isDrained = true;
    await this.read({ ...consumer, name, reader: color, wanted: false });
    return true;
  }

  /** Consumes a queue that has no colors. */
  async consumePlain(
    name: string,
    onMessage: OnMessage,
    options: ConsumeOptions | undefined,
  ): Promise<{ consumerTag: string }> {
    return await this.#channel.consume(name, this.receiver.ofPlain(name, onMessage, options), options);
  }

  async cancel(consumerTag: string): Promise<object> {
    const consumer = this.#consumers.get(consumerTag);
    if (consumer === undefined) return await this.#channel.cancel(consumerTag);
    consumer.wanted = false;
    const reply = consumer.reading ? await this.#end(consumer) : { consumerTag };
    this.#forget(consumer);
    this.presences.releaseSoon(consumer.name);
    return reply;
  }

  /** Ends all reading of a queue at the broker. What comes until the broker knows goes back, and is not handled. */
  async quiesce(name: string): Promise<void> {
    for (const consumer of this.reading(name)) await this.#stop(consumer);
  }

  /** The same for what reads in a color's place ({@link readFor}) alone. */
  async endStandIns(name: string): Promise<void> {
    for (const consumer of this.reading(name)) if (!consumer.wanted) await this.#stop(consumer);
  }

  /** {@link quiesce} for all queues, for good: nothing is read any more, and `get` finds nothing. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    this.presences.hurry();
    this.giveBacks.end();
    const reading = [...this.#consumers.values()].filter((consumer) => consumer.reading);
    await Promise.all(reading.map((consumer) => this.#stop(consumer)));
  }

  /** The broker does not answer: should it come back, what it still sends goes back, and is not handled. */
  abandon(): void {
    this.#isAbandoned = true;
    for (const consumer of this.#consumers.values()) consumer.stopping = true;
  }

  /** What is read, as the broker names it. */
  get queues(): readonly string[] {
    const reading = [...this.#consumers.values()].filter((consumer) => consumer.reading);
    return [...new Set(reading.map(({ name }) => name))];
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  async #stop(consumer: Consumer): Promise<void> {
    try {
      await this.#end(consumer, () => {
        consumer.stopping = true;
      });
      // It comes to nobody here any more.
      this.giveBacks.flush();
    } finally {
      consumer.stopping = this.#isAbandoned;
    }
    this.#forget(consumer);
    await this.presences.release(consumer.name);
  }

  /** Cancels it. From before that on, until the last of its messages is settled, others see that somebody holds some. */
  async #end(consumer: Consumer, onBegin?: () => void): Promise<object> {
    const { name, reader, options } = consumer;
    const cancel = async (): Promise<object> => {
      onBegin?.();
      const reply = await this.#channel.cancel(consumer.consumerTag);
      consumer.reading = false;
      return reply;
    };
    if (reader === undefined || options?.noAck === true) return await cancel();
    if (options?.exclusive !== true) return await this.presences.during(name, cancel);
    // Beside an exclusive consumer there can be no other; right after it there can.
    const reply = await cancel();
    return await this.presences.during(name, async () => reply);
  }

  /** One that neither reads nor is to read again. */
  #forget({ consumerTag, wanted, reading, name, queue }: Consumer): void {
    if (wanted || reading) return;
    this.#consumers.delete(consumerTag);
    if (name === this.#mode.ownQueue(queue) || this.reading(name).length > 0) return;
    this.#tallies.delete(name);
    this.deliveries.forget(name);
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
    return this.deliveries.inHand(name);
  }

  /** How many messages of a queue its handlers gave back one after the other, and handled none. */
  givenBack(name: string): number {
    return this.deliveries.of(name).givenBack;
  }

  /** {@link inHand} of all queues that have colors. */
  get held(): number {
    return this.deliveries.held;
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
    if (this.#color === undefined || options?.noAck === true) return await this.#getOwn(queue, name, options);
    try {
      return await this.presences.during(name, () => this.#getOwn(queue, name, options));
    } finally {
      this.presences.releaseLater(name);
    }
  }

  async #getOwn(
    queue: string,
    name: string,
    options: { noAck?: boolean } | undefined,
  ): Promise<AmqpMessage | false> {
    const tally = this.tally(queue, name);
    for (;;) {
      if (this.#isPaused) return false;
      const message = await this.#take(name, options, name);
      if (message === false) return false;
      if (await this.receiver.isOurs(queue, message, this.#color, options, tally))
        return this.receiver.given(queue, message);
    }
  }

  /** Takes one message from a queue that has no colors. */
  async getPlain(name: string, options: { noAck?: boolean } | undefined): Promise<AmqpMessage | false> {
    const message = await this.#take(name, options, undefined);
    return message && this.receiver.given(name, message);
  }

  async #take(
    name: string,
    options: { noAck?: boolean } | undefined,
    group: string | undefined,
  ): Promise<AmqpMessage | false> {
    // amqplib tells of it a turn after it came; what comes in that turn must not be acknowledged together with it.
    const release = this.foreign.singly();
    try {
      const message = await this.#channel.get(name, options);
      if (message !== false && options?.noAck !== true)
        this.deliveries.add(message.fields.deliveryTag, this.deliveries.of(group));
      return message;
    } finally {
      release();
    }
  }
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
