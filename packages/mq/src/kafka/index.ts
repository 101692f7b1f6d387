export { type AcceptPolicy, type AskedMessageFlow, inMessageContext } from '../message/index.js';
export type { KafkaClient } from './client-types.js';
export { coloredKafka } from './colored-kafka.js';
export {
  type LeaveGroupOptions,
  type LeaveProgress,
  type LeaveResult,
  leaveGroup,
} from './leaving/leave-group.js';
export type { ColoredKafkaOptions, ReceivedMessage } from './options.js';
