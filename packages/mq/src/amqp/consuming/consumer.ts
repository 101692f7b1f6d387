import type { Color } from '@colorway/core';
import type { ConsumeOptions, OnMessage } from '../amqp-channel.js';

export interface Handler {
  readonly onMessage: OnMessage;
  readonly options: ConsumeOptions | undefined;
}

/** One consumer of a channel. It may be wanted and not read: while its color waits, or has left. */
export interface Consumer extends Handler {
  readonly consumerTag: string;
  /** As the baseline names it. */
  readonly queue: string;
  /** What it reads; another one than `mode.ownQueue` for a baseline that drains a color's queue. */
  readonly name: string;
  /** In whose place it reads. */
  readonly reader: Color | undefined;
  /** The application's, which has not cancelled it. */
  wanted: boolean;
  /** The broker sends it messages. */
  reading: boolean;
  /** It is being cancelled by us: what still comes goes back. */
  stopping: boolean;
}
