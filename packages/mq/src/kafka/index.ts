export { inMessageContext } from '../message/index.js';
export type { KafkaClient } from './client-types.js';
export { coloredKafka } from './colored-kafka.js';
export type { ConsumerPhase, ConsumerStatus, PartitionStatus } from './consumer-status.js';
export { type LeaveGroupOptions, type LeaveProgress, type LeaveResult, leaveGroup } from './leave-group.js';
export { type HandoverStatus, type MqStatus, mqStatus } from './status.js';
