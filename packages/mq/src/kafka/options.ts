import type { Coloring } from '@colorway/core';
import { type AcceptPolicy, type MessagePolicy, messagePolicy } from '../message/index.js';
import type { MessageLike } from './client-types.js';

/** A message as `accept` is told it: that of the client. */
export interface ReceivedMessage extends MessageLike {
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly timestamp?: string;
}

export interface ColoredKafkaOptions {
  /**
   * Who may set the flow type in which a message is handled, for all consumers of the client. Default `'all'`: whoever may
   * send to a topic may. For topics that strangers send to, say `'none'` or decide by message. Whose a message is does not
   * change: where a color has joined, its consumer handles what states its color. See docs/security.md.
   */
  readonly accept?: AcceptPolicy<ReceivedMessage>;
}

export type KafkaPolicy = MessagePolicy<MessageLike>;

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
export function kafkaPolicy(coloring: Coloring, { accept }: ColoredKafkaOptions): KafkaPolicy | undefined {
  return messagePolicy<MessageLike>(coloring, accept as AcceptPolicy<MessageLike> | undefined, {
    headersOf: ({ headers }) => headers,
    withHeaders: (message, headers) => ({ ...message, headers: headers as MessageLike['headers'] & object }),
  });
}
