import type { Coloring } from '@colorway/core';
import { stampMessage } from '../message/index.js';
import type {
  HeadersLike,
  OutgoingMessage,
  ProducerClient,
  SenderClient,
  TopicMessagesLike,
} from './client-types.js';
import { overlay } from './overlay.js';

/** A producer whose messages carry the color that is active where they are sent; the caller's objects stay as they are. */
export function wrapProducer(coloring: Coloring, producer: ProducerClient): ProducerClient {
  return overlay(producer, {
    ...senders(coloring, producer),
    transaction: async () => {
      const transaction = await producer.transaction();
      return overlay(transaction, senders(coloring, transaction));
    },
  });
}

function senders(coloring: Coloring, sender: SenderClient): Record<string, unknown> {
  const { carriers } = coloring;
  const stamp = (messages: readonly OutgoingMessage[]): readonly OutgoingMessage[] => {
    const flow = coloring.flowType();
    if (flow === undefined || !Array.isArray(messages)) return messages;
    return messages.map((message: OutgoingMessage) => {
      const headers = stampMessage(message.headers, flow, carriers) as HeadersLike;
      return { ...message, headers };
    });
  };
  return {
    send: (record: TopicMessagesLike) =>
      sender.send({ ...record, messages: stamp(record.messages) } as never),
    sendBatch: (batch: { readonly topicMessages?: readonly TopicMessagesLike[] }) => {
      const { topicMessages } = batch;
      if (coloring.flowType() === undefined || topicMessages === undefined)
        return sender.sendBatch(batch as never);
      const stamped = topicMessages.map((one) => ({ ...one, messages: stamp(one.messages) }));
      return sender.sendBatch({ ...batch, topicMessages: stamped } as never);
    },
  };
}
