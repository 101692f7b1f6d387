import type { GroupDescription } from '../broker/broker-port.js';
import type { MemoryGroupDescription } from './types.js';

/** As KafkaJS shows it. */
export function groupDescription({
  groupId,
  state,
  protocol,
  members,
}: GroupDescription): MemoryGroupDescription {
  return {
    groupId,
    state,
    protocol,
    protocolType: 'consumer',
    members: members.map((one) => ({ ...one, clientHost: '/127.0.0.1' })),
  };
}
