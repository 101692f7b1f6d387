import {
  activeContext,
  activeFlowType,
  type Coloring,
  type FlowType,
  runInContext,
  withoutFlowType,
} from '@colorway/core';
import { propagation } from '@opentelemetry/api';
import { messageBaggage, stampMessage } from '../message/index.js';
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
  const stamp = (messages: readonly OutgoingMessage[], flow: FlowType): readonly OutgoingMessage[] => {
    if (!Array.isArray(messages)) return messages;
    return messages.map((message: OutgoingMessage) => {
      const headers = stampMessage(message.headers, flow, carriers) as HeadersLike;
      return { ...message, headers };
    });
  };
  return {
    send: (record: TopicMessagesLike) => {
      const flow = coloring.flowType();
      if (flow === undefined) return sender.send(record as never);
      const stamped = { ...record, messages: stamp(record.messages, flow) };
      return asStamped(coloring, flow, [record], () => sender.send(stamped as never));
    },
    sendBatch: (batch: { readonly topicMessages?: readonly TopicMessagesLike[] }) => {
      const { topicMessages } = batch;
      const flow = coloring.flowType();
      if (flow === undefined || topicMessages === undefined) return sender.sendBatch(batch as never);
      const stamped = topicMessages.map((one) => ({ ...one, messages: stamp(one.messages, flow) }));
      return asStamped(coloring, flow, topicMessages, () =>
        sender.sendBatch({ ...batch, topicMessages: stamped } as never),
      );
    },
  };
}

/**
 * OpenTelemetry's instrumentation writes the baggage of the active context over what stands in the headers. Where
 * that is another one (a caller's own baggage, a color that is assumed) it finds none; the span stays.
 */
function asStamped<T>(
  { carriers }: Coloring,
  flow: FlowType,
  topics: readonly TopicMessagesLike[],
  send: () => T,
): T {
  const own = topics.some(
    ({ messages }) =>
      Array.isArray(messages) && messages.some(({ headers }) => messageBaggage(headers) !== undefined),
  );
  if (!own && activeFlowType()?.text === flow.text) return send();
  return runInContext(propagation.deleteBaggage(withoutFlowType(activeContext(), carriers)), send);
}
