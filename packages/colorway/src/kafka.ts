/** Colored consumers and producers of KafkaJS: `coloredKafka(coloring, new Kafka({ brokers }))`. @module */
export {
  coloredKafka,
  inMessageContext,
  type KafkaClient,
  type LeaveGroupOptions,
  type LeaveProgress,
  type LeaveResult,
  leaveGroup,
} from '@colorway/mq/kafka';
