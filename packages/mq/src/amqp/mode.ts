import type { Color } from '@colorway/core';
import type { AmqpMessage, QueueOptions, QueueState } from './amqp-channel.js';

export type ModeName = 'routing' | 'filter';

/** Whose a message is that was read from a queue, and why; `reason` is told in the status and on the span. */
export type Owner =
  | { readonly kind: 'own'; readonly reason: string }
  /** Somebody else's, who gets it too. */
  | { readonly kind: 'foreign'; readonly reason: string }
  /** A color's, and it came to the baseline's queue alone: to be published again, where it finds its owner. */
  | { readonly kind: 'astray'; readonly reason: string; readonly to: Address };

export interface Address {
  readonly exchange: string;
  readonly routingKey: string;
  /** The queue of the color; where it is not there, the message stays where it is. */
  readonly queue: string;
  /** The color has joined, as far as is known, so that its queue need not be asked for. */
  readonly isJoined?: boolean;
  /** The message says its color where the exchange does not look: it is written where it does. */
  readonly stamp?: Color;
}

/** What {@link Mode.restore} found missing and has put back, and what it cannot put back by itself. */
export interface Restored {
  readonly mended: readonly string[];
  readonly waitingFor?: string;
}

/** How the messages of a queue are divided between the baseline and the colors. Queues are named as the baseline names them. */
export interface Mode {
  /** The queue that this instance reads; also what is checked, purged and deleted. */
  ownQueue(queue: string): string;
  assertQueue(queue: string, options: QueueOptions | undefined): Promise<QueueState>;
  bindQueue(queue: string, source: string, pattern: string, args: unknown): Promise<object>;
  unbindQueue(queue: string, source: string, pattern: string, args: unknown): Promise<object>;
  /** Before this instance reads the queue: for the first time, again after it left, or by one consumer more. */
  join(queue: string): Promise<void>;
  /** Puts back what was taken away at the broker since this instance has joined. */
  restore?(queue: string): Promise<Restored>;
  /** Whose a message of that color is that `reader` (a color, or the baseline) read from its queue. */
  owner(queue: string, message: AmqpMessage, color: Color | undefined, reader: Color | undefined): Owner;
  /** Resolves when no further message comes to the color's queue. */
  leave(queue: string, color: Color, signal?: AbortSignal): Promise<void>;
  /** The color's queue is gone. */
  left(queue: string, color: Color): void;
}
