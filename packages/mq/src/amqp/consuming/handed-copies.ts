import type { Coloring } from '@colorway/core';
import { type AcceptPolicy, type MessagePolicy, messagePolicy } from '../../message/index.js';
import type { AmqpMessage } from '../amqp-channel.js';

export type AmqpPolicy = MessagePolicy<AmqpMessage>;

/** How single messages are settled. */
interface Settlements {
  ack(message: AmqpMessage, allUpTo?: boolean): void;
  nack(message: AmqpMessage, allUpTo?: boolean, requeue?: boolean): void;
  reject(message: AmqpMessage, requeue?: boolean): void;
}

/**
 * The policy of a channel, and the copies that its handlers are given in the place of messages whose flow type does not count.
 * What is settled is the message itself: whoever patched the client, an instrumentation say, knows that one.
 */
export class HandedCopies {
  readonly policy: AmqpPolicy | undefined;
  readonly #originals = new WeakMap<AmqpMessage, AmqpMessage>();

  /** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
  constructor(coloring: Coloring, accept: AcceptPolicy<AmqpMessage> | undefined) {
    this.policy = messagePolicy<AmqpMessage>(coloring, accept, {
      headersOf: ({ properties }) => properties.headers,
      withHeaders: (message, headers) => {
        const copy = { ...message, properties: { ...message.properties, headers } };
        this.#originals.set(copy, message);
        return copy;
      },
    });
  }

  /** The same methods, for messages as handlers know them. */
  settlements<Methods extends Settlements>(methods: Methods): Methods {
    if (this.policy === undefined) return methods;
    const { ack, nack, reject } = methods;
    const original = (message: AmqpMessage): AmqpMessage => this.#originals.get(message) ?? message;
    return {
      ...methods,
      ack: (message, ...rest) => ack(original(message), ...rest),
      nack: (message, ...rest) => nack(original(message), ...rest),
      reject: (message, ...rest) => reject(original(message), ...rest),
    };
  }
}
