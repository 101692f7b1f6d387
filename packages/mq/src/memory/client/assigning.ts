import type { AssignerLike } from '../../kafka/client-types.js';
import { roundRobin } from '../../kafka/consumer/round-robin.js';
import type { BrokerPort } from '../broker/broker-port.js';
import { Cluster } from './cluster.js';
import { quietLogger } from './quiet-logger.js';
import type { MemoryConsumerConfig } from './types.js';

/** What a consumer assigns partitions with: made with the consumer and before it runs, as KafkaJS does it. */
export interface Assigning {
  readonly cluster: Cluster;
  readonly assigners: readonly AssignerLike[];
}

export function assigningFor(port: BrokerPort, config: MemoryConsumerConfig): Assigning {
  const { groupId, partitionAssigners = [roundRobin], metadataMaxAge = 1_000 } = config;
  const cluster = new Cluster(port, metadataMaxAge);
  return {
    cluster,
    assigners: partitionAssigners.map((make) => make({ cluster, groupId, logger: quietLogger })),
  };
}
