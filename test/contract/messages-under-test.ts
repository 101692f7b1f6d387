import type { MqStatus } from '@colorway/core';

/** Where a message is sent to: each is a topic with its group, or a queue. */
export type Destination = 'orders' | 'retries';

export interface SendOptions {
  /** Default `orders`. */
  readonly to?: Destination;
  readonly key?: string;
}

export type Send = (ids: readonly string[], options?: SendOptions) => Promise<void>;

/** What a consumer is given. When it rejects, the message is delivered again. */
export type Handle = (id: string, send: Send) => Promise<void>;

export interface ConsumerOptions {
  /** Default: the baseline. */
  readonly color?: string;
  /** Default `orders`. */
  readonly from?: Destination;
  /** In which messages' colors it works. Default `'all'`. */
  readonly accept?: 'all' | 'none';
  readonly handle: Handle;
}

export interface RunningConsumer {
  /** Handles what it has in hand, and goes. Its color stays a member. */
  stop(): Promise<void>;
  /** Dies with a message in hand, which is not acknowledged. */
  crash(): Promise<void>;
  /** What its instance tells of itself. */
  status(): MqStatus;
}

/** A broker of the kind under test: service `stock`, with topics or queues for this test alone. */
export interface MessagesUnderTest {
  /** The color's queue gets everybody's messages: what is discarded in it is counted whoever it was for. Default false. */
  readonly countsForeign?: boolean;
  /** Sends from an instance of the baseline, in the color that is active. */
  readonly send: Send;
  /** Sends to both destinations in one call, where the broker has one. */
  sendToBoth(ids: Readonly<Record<Destination, readonly string[]>>): Promise<void>;
  /** An instance of the service with one consumer; its environment exists. */
  start(options: ConsumerOptions): Promise<RunningConsumer>;
  /** Ends the membership of `stock` in the color. Resolves when nothing of it is left. */
  leave(color: string, onLeave: 'drain' | 'discard'): Promise<{ readonly discarded: number }>;
  /** Ends all that was started, and removes what it left. */
  dispose(): Promise<void>;
}
