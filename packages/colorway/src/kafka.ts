/** Colored consumers and producers of KafkaJS: `coloredKafka(coloring, new Kafka({ brokers }))`. @module */
export {
  type AcceptPolicy,
  type AskedMessageFlow,
  type ColoredKafkaOptions,
  coloredKafka,
  inMessageContext,
  type KafkaClient,
  type LeaveGroupOptions,
  type LeaveProgress,
  type LeaveResult,
  leaveGroup,
  type ReceivedMessage,
} from '@colorway/mq/kafka';
