import {
  activeContext,
  activeFlowType,
  type Coloring,
  type FlowType,
  runInContext,
  withoutFlowType,
} from '@colorway/core';
import { type Context, propagation } from '@opentelemetry/api';
import { messageBaggage, stampMessage, uncoloredContext } from '../../message/index.js';
import type {
  HeadersLike,
  OutgoingMessage,
  ProducerClient,
  ProducerConfigLike,
  SenderClient,
  TopicMessagesLike,
  TransactionClient,
} from '../client-types.js';
import { commitsOf } from '../commits/application-commits.js';
import { overlay } from '../overlay.js';
import { type GroupOffsets, TransactionOffsets } from './transaction-offsets.js';

/** As KafkaJS: after so long the broker ends a transaction by itself. */
const TRANSACTION_MS = 60_000;

/**
 * A producer whose messages carry the color that is active where they are sent; the caller's objects stay as they
 * are. Offsets that a transaction sends reach the group in which the instance reads.
 */
export function wrapProducer(
  coloring: Coloring,
  producer: ProducerClient,
  { transactionTimeout = TRANSACTION_MS }: ProducerConfigLike = {},
): ProducerClient {
  const wrapTransaction = (transaction: TransactionClient): TransactionClient => {
    const offsets = new TransactionOffsets(commitsOf(coloring), coloring.color, transactionTimeout);
    return overlay(transaction, {
      ...senders(coloring, transaction),
      sendOffsets: (given: GroupOffsets) =>
        offsets.send(given, (routed) => transaction.sendOffsets(routed as never)),
      commit: () => offsets.end('commit', () => transaction.commit()),
      abort: () => offsets.end('abort', () => transaction.abort()),
    });
  };
  return overlay(producer, {
    ...senders(coloring, producer),
    transaction: async () => wrapTransaction(await producer.transaction()),
  });
}

/**
 * A transactional id belongs to one producer at a time; the second one ends the first. So that an instance of a
 * color does not end the baseline's transactions, it gets its own: `copier` becomes `copier-<color>`.
 */
export function coloredProducerConfig<Config>(coloring: Coloring, config: Config): Config {
  const { transactionalId, kafkaJS } = (config ?? {}) as ProducerConfigLike;
  const { color } = coloring;
  if (color === undefined) return config;
  // Where @confluentinc/kafka-javascript has it.
  if (kafkaJS?.transactionalId !== undefined)
    return { ...config, kafkaJS: coloredProducerConfig(coloring, kafkaJS) };
  if (typeof transactionalId !== 'string') return config;
  return { ...config, transactionalId: `${transactionalId}-${color}` };
}

function senders(coloring: Coloring, sender: SenderClient): Record<string, unknown> {
  const { carriers } = coloring;
  const stamp = (
    messages: readonly OutgoingMessage[],
    flow: FlowType | undefined,
  ): readonly OutgoingMessage[] => {
    if (!Array.isArray(messages)) return messages;
    return messages.map((message: OutgoingMessage) => {
      const headers = stampMessage(message.headers, flow, carriers) as HeadersLike;
      return { ...message, headers };
    });
  };
  /** What was given as it is (`undefined`), or stamped, in a context that says the same as the stamp. */
  const sending = <T>(
    topics: readonly TopicMessagesLike[],
    send: (stamped: readonly TopicMessagesLike[] | undefined) => T,
  ): T => {
    const flow = coloring.flowType();
    const uncolored = flow === undefined ? uncoloredContext(carriers) : undefined;
    if (flow === undefined && uncolored === undefined) return send(undefined);
    const stamped = topics.map((one) => ({ ...one, messages: stamp(one.messages, flow) }));
    const context = flow === undefined ? uncolored : contextOf(coloring, flow, topics);
    return context === undefined ? send(stamped) : runInContext(context, () => send(stamped));
  };
  return {
    send: (record: TopicMessagesLike) =>
      sending([record], ([stamped] = [record]) => sender.send(stamped as never)),
    sendBatch: (batch: { readonly topicMessages?: readonly TopicMessagesLike[] }) => {
      const { topicMessages } = batch;
      if (topicMessages === undefined) return sender.sendBatch(batch as never);
      return sending(topicMessages, (stamped) =>
        sender.sendBatch((stamped === undefined ? batch : { ...batch, topicMessages: stamped }) as never),
      );
    },
  };
}

/**
 * OpenTelemetry's instrumentation writes the baggage of the active context over what stands in the headers. Where
 * that is another one (a caller's own baggage, a color that is assumed) it finds none in this context; the span stays.
 * `undefined` where the active one says the same.
 */
function contextOf(
  { carriers }: Coloring,
  flow: FlowType,
  topics: readonly TopicMessagesLike[],
): Context | undefined {
  const own = topics.some(
    ({ messages }) =>
      Array.isArray(messages) && messages.some(({ headers }) => messageBaggage(headers) !== undefined),
  );
  if (!own && activeFlowType()?.text === flow.text) return undefined;
  return propagation.deleteBaggage(withoutFlowType(activeContext(), carriers));
}
