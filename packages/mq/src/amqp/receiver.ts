import type { Color, Coloring } from '@colorway/core';
import { messageColor, runInMessageContext } from '../message/index.js';
import type { AmqpChannel, AmqpMessage, ConsumeOptions, OnMessage } from './amqp-channel.js';
import type { AstrayMessages } from './astray-messages.js';
import type { Consumer } from './consumer.js';
import type { Deliveries } from './deliveries.js';
import type { ForeignAcks } from './foreign-acks.js';
import { markSpan } from './mark-span.js';
import type { Address, Mode } from './mode.js';
import type { Tally } from './tally.js';

/** What a channel receives: each own message in its context, to its handler; and what is another's, to that one. */
export class Receiver {
  /** The broker has ended a consumer of the application's, by deleting its queue say. */
  onEnd: ((consumer: Consumer) => void) | undefined;
  readonly #coloring: Coloring;
  readonly #channel: AmqpChannel;
  readonly #mode: Mode;
  readonly #astray: AstrayMessages;
  readonly #deliveries: Deliveries;
  readonly #foreign: ForeignAcks;
  #closed = false;

  constructor(
    coloring: Coloring,
    channel: AmqpChannel,
    mode: Mode,
    astray: AstrayMessages,
    deliveries: Deliveries,
    foreign: ForeignAcks,
  ) {
    this.#coloring = coloring;
    this.#channel = channel;
    this.#mode = mode;
    this.#astray = astray;
    this.#deliveries = deliveries;
    this.#foreign = foreign;
    channel.once('close', () => {
      this.#closed = true;
    });
  }

  of(consumer: Consumer, tally: Tally): OnMessage {
    const { queue, name, reader, onMessage, options } = consumer;
    const acknowledges = options?.noAck !== true;
    const inHand = this.#deliveries.of(name);
    return (message) => {
      if (message === null) return this.#ended(consumer);
      const { deliveryTag } = message.fields;
      if (consumer.stopping && acknowledges) return this.#channel.nack(message, false, true);
      const color = this.#colorOf(message);
      const owner = this.#mode.owner(queue, message, reader);
      markSpan(name, color, owner);
      if (owner.kind === 'foreign') {
        tally.foreign(color, owner.reason);
        if (acknowledges) this.#foreign.add(message);
        return undefined;
      }
      if (acknowledges) this.#deliveries.add(deliveryTag, inHand);
      const handle = (): unknown => {
        tally.own(color, owner.reason);
        return runInMessageContext(this.#coloring, message.properties.headers, () => onMessage(message));
      };
      if (owner.kind === 'own') return handle();
      void this.#passOn(message, owner.to, acknowledges).then((isGone) => {
        if (isGone) tally.foreign(color, owner.reason);
        else if (!acknowledges || this.#deliveries.has(deliveryTag)) handle();
      });
      return undefined;
    };
  }

  /** Of a queue that has no colors. */
  ofPlain(onMessage: OnMessage, options: ConsumeOptions | undefined): OnMessage {
    return (message) => {
      if (message === null) return onMessage(null);
      if (options?.noAck !== true)
        this.#deliveries.add(message.fields.deliveryTag, this.#deliveries.of(undefined));
      return runInMessageContext(this.#coloring, message.properties.headers, () => onMessage(message));
    };
  }

  /** Whether a message that was taken by `get` is for the one who took it; what is not is settled here. */
  async isOurs(
    queue: string,
    message: AmqpMessage,
    reader: Color | undefined,
    options: { noAck?: boolean } | undefined,
    tally: Tally,
  ): Promise<boolean> {
    const color = this.#colorOf(message);
    const owner = this.#mode.owner(queue, message, reader);
    const acknowledges = options?.noAck !== true;
    if (owner.kind === 'astray' && (await this.#passOn(message, owner.to, acknowledges))) {
      tally.foreign(color, owner.reason);
      return false;
    }
    if (owner.kind !== 'foreign') {
      tally.own(color, owner.reason);
      return true;
    }
    tally.foreign(color, owner.reason);
    if (acknowledges) this.#settle(message);
    return false;
  }

  /** Resolves to true when nobody has to handle it here. Acknowledged only after the broker has confirmed. */
  async #passOn(message: AmqpMessage, to: Address, acknowledges: boolean): Promise<boolean> {
    const { deliveryTag } = message.fields;
    const release = this.#deliveries.keepBack(deliveryTag);
    const isPassedOn = await this.#astray.passOn(message, to).finally(release);
    // With the connection gone, the broker delivers it again: whoever gets it then decides anew.
    if (acknowledges && this.#closed) return true;
    if (isPassedOn && acknowledges) this.#settle(message);
    return isPassedOn;
  }

  /** An application that acknowledges everything up to a later message has settled this one. */
  #settle(message: AmqpMessage): void {
    const { deliveryTag } = message.fields;
    if (!this.#deliveries.has(deliveryTag)) return;
    this.#deliveries.settle(deliveryTag);
    try {
      this.#channel.ack(message);
    } catch {
      // The channel has closed meanwhile, and the broker delivers it again.
    }
  }

  #ended(consumer: Consumer): unknown {
    consumer.reading = false;
    if (consumer.wanted) this.onEnd?.(consumer);
    return undefined;
  }

  #colorOf({ properties }: AmqpMessage): Color | undefined {
    return messageColor(properties.headers, this.#coloring.carriers);
  }
}
