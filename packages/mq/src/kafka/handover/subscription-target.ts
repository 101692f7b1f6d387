import { ColorwayError, quote, type SubscriptionTarget } from '@colorway/core';

/** How the directory names a topic of a group. @param cluster id of the cluster, where the client tells it */
export function targetOf(group: string, topic: string, cluster: string | undefined): SubscriptionTarget {
  return { broker: 'kafka', group, topic, ...(cluster !== undefined && { cluster }) };
}

/**
 * Nobody can end in one cluster what is consumed in another.
 * @throws ColorwayError `COLORWAY_GROUP_UNKNOWN`
 */
export function mustBeOf(cluster: string | undefined, connected: string | undefined, group: string): void {
  if (cluster === undefined || connected === undefined || cluster === connected) return;
  throw new ColorwayError(
    'COLORWAY_GROUP_UNKNOWN',
    `Group ${quote(group)} is of the Kafka cluster ${quote(cluster)}, and this client is connected to ${quote(connected)}. Use a client of that cluster.`,
  );
}
