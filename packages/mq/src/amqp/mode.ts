import type { Color } from '@colorway/core';
import type { AmqpMessage, QueueOptions, QueueState } from './amqp-channel.js';

export type ModeName = 'routing' | 'filter';

/** How the messages of a queue are divided between the baseline and the colors. Queues are named as the baseline names them. */
export interface Mode {
  /** The queue that this instance reads; also what is checked, purged and deleted. */
  ownQueue(queue: string): string;
  assertQueue(queue: string, options: QueueOptions | undefined): Promise<QueueState>;
  bindQueue(queue: string, source: string, pattern: string, args: unknown): Promise<object>;
  unbindQueue(queue: string, source: string, pattern: string, args: unknown): Promise<object>;
  /** Before this instance reads the queue for the first time. */
  join(queue: string): Promise<void>;
  /** Whether a message that `reader` (a color, or the baseline) read from its queue belongs to somebody else, who gets it too. */
  isForeign(queue: string, message: AmqpMessage, reader: Color | undefined): boolean;
  /** Resolves when no further message comes to the color's queue. */
  leave(queue: string, color: Color): Promise<void>;
  /** The color's queue is gone. */
  left(queue: string, color: Color): Promise<void>;
}
