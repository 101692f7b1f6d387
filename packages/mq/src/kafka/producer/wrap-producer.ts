import {
  activeContext,
  activeFlowType,
  type CarrierNames,
  type Coloring,
  type FlowType,
  holdsUntrusted,
  refusesCarriers,
  runInContext,
  withoutFlowType,
} from '@colorway/core';
import { propagation } from '@opentelemetry/api';
import { messageBaggage, stampMessage } from '../../message/index.js';
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
  return {
    send: (record: TopicMessagesLike) => {
      const flow = coloring.flowType();
      if (flow === undefined && isAsItIs(carriers)) return sender.send(record as never);
      const stamped = { ...record, messages: stamp(record.messages, flow) };
      return asStamped(coloring, flow, [record], () => sender.send(stamped as never));
    },
    sendBatch: (batch: { readonly topicMessages?: readonly TopicMessagesLike[] }) => {
      const { topicMessages } = batch;
      const flow = coloring.flowType();
      if (topicMessages === undefined || (flow === undefined && isAsItIs(carriers)))
        return sender.sendBatch(batch as never);
      const stamped = topicMessages.map((one) => ({ ...one, messages: stamp(one.messages, flow) }));
      return asStamped(coloring, flow, topicMessages, () =>
        sender.sendBatch({ ...batch, topicMessages: stamped } as never),
      );
    },
  };
}

/** Whether messages without a flow type are sent as they are: nobody has brought one that was not accepted. */
function isAsItIs(carriers: CarrierNames): boolean {
  const active = activeContext();
  return !refusesCarriers(active) && !holdsUntrusted(active, carriers);
}

/**
 * OpenTelemetry's instrumentation writes the baggage of the active context over what stands in the headers. Where
 * that is another one (a caller's own baggage, a color that is assumed) it finds none; the span stays.
 */
function asStamped<T>(
  { carriers }: Coloring,
  flow: FlowType | undefined,
  topics: readonly TopicMessagesLike[],
  send: () => T,
): T {
  const own = topics.some(
    ({ messages }) =>
      Array.isArray(messages) && messages.some(({ headers }) => messageBaggage(headers) !== undefined),
  );
  if (!own && flow !== undefined && activeFlowType()?.text === flow.text) return send();
  return runInContext(propagation.deleteBaggage(withoutFlowType(activeContext(), carriers)), send);
}
