export { inMessageContext } from '../message/index.js';
export type { KafkaClient } from './client-types.js';
export { coloredKafka } from './colored-kafka.js';
export {
  type LeaveGroupOptions,
  type LeaveProgress,
  type LeaveResult,
  leaveGroup,
} from './leaving/leave-group.js';
