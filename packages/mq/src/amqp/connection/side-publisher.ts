import { ColorwayError } from '@colorway/core';
import { askedLast } from '@colorway/core/background';
import type { AmqpChannel, PublishOptions } from '../amqp-channel.js';
import type { OpenChannel } from './side-channel.js';

/** `confirm.select` and its answer: class 85, methods 10 and 11, in AMQP 0-9-1 as RabbitMQ extends it. */
const CONFIRM_SELECT = 0x0055_000a;
const CONFIRM_SELECT_OK = 0x0055_000b;

interface Pending {
  readonly routingKey: string;
  readonly content: Buffer;
  returned: boolean;
}

/** What amqplib's channels have beside their documented methods, 1.x and 2.x. */
type Confirming = AmqpChannel & {
  rpc(method: number, fields: object, expected: number): Promise<unknown>;
  pushConfirmCallback(onConfirm: (error: unknown) => void): void;
};

/** Publishes on a channel of our own in confirm mode, so that it is known what has arrived. */
export class SidePublisher {
  readonly #open: OpenChannel;
  readonly #pending = new Set<Pending>();
  #channel: Promise<Confirming> | undefined;

  constructor(open: OpenChannel) {
    this.#open = open;
  }

  /** Whether the message is in a queue now: false when none took it. Rejects when the broker refuses, or is away. */
  async publish(
    exchange: string,
    routingKey: string,
    content: Buffer,
    options: PublishOptions,
  ): Promise<boolean> {
    this.#channel ??= this.#opened();
    const channel = await this.#channel;
    const pending: Pending = { routingKey, content, returned: false };
    this.#pending.add(pending);
    try {
      await new Promise<void>((resolve, reject) => {
        // Of the plain class, also where it confirms: it is we who keep the callback.
        const onConfirm = (error: unknown): void => (error ? reject(error) : resolve());
        const isPlain = !('waitForConfirms' in channel);
        channel.publish(
          exchange,
          routingKey,
          content,
          { ...options, mandatory: true },
          ...(isPlain ? [] : [onConfirm]),
        );
        if (isPlain) channel.pushConfirmCallback(onConfirm);
      });
    } finally {
      this.#pending.delete(pending);
    }
    return !pending.returned;
  }

  /** Closes the channel. What is not confirmed yet rejects; whoever publishes later gets a new one. */
  async close(): Promise<void> {
    const channel = this.#channel;
    this.#channel = undefined;
    if (channel !== undefined) await askedLast(channel.then((opened) => opened.close()));
  }

  async #opened(): Promise<Confirming> {
    try {
      const channel = await this.#open();
      const own = this.#channel;
      channel.on('error', () => {}); // whoever published is told by the rejected promise
      channel.once('close', () => {
        if (this.#channel === own) this.#channel = undefined;
      });
      channel.on('return', (message) => this.#onReturn(message));
      if (!canConfirm(channel)) throw unable();
      await channel.rpc(CONFIRM_SELECT, { nowait: false }, CONFIRM_SELECT_OK);
      return channel;
    } catch (error) {
      this.#channel = undefined;
      throw error;
    }
  }

  /** A returned message comes before its confirm. Two that are equal are returned both. */
  #onReturn({ fields, content }: Returned): void {
    for (const pending of this.#pending) {
      if (pending.returned || pending.routingKey !== fields.routingKey || !pending.content.equals(content))
        continue;
      pending.returned = true;
      return;
    }
  }
}

interface Returned {
  readonly fields: { readonly routingKey: string };
  readonly content: Buffer;
}

function canConfirm(channel: AmqpChannel): channel is Confirming {
  return (
    'rpc' in channel &&
    typeof channel.rpc === 'function' &&
    'pushConfirmCallback' in channel &&
    typeof channel.pushConfirmCallback === 'function'
  );
}

function unable(): ColorwayError {
  return new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    'openChannel: the channel cannot be brought into confirm mode, so messages that pass by the routing stay with the baseline. ' +
      "Use amqplib's channels.",
  );
}
