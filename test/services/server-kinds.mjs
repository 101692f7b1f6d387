// @ts-check
import { consul } from './servers/consul.mjs';
import { etcd } from './servers/etcd.mjs';
import { kafka } from './servers/kafka.mjs';
import { nacos } from './servers/nacos.mjs';
import { rabbitmq } from './servers/rabbitmq.mjs';
import { redis } from './servers/redis.mjs';
import { ServiceError } from './service-error.mjs';

const KINDS = { kafka, rabbitmq, etcd, consul, nacos, redis };

/** @type {readonly import('./types.js').ServiceName[]} */
export const SERVICE_NAMES = Object.freeze(
  [kafka, rabbitmq, etcd, consul, nacos, redis].map(({ name }) => name),
);

/**
 * @param {string} name
 * @returns {import('./types.js').ServerKind}
 * @throws {ServiceError} `SERVICE_UNKNOWN`
 */
export function serverKind(name) {
  const kind = SERVICE_NAMES.find((known) => known === name);
  if (kind !== undefined) return KINDS[kind];
  throw new ServiceError(
    'SERVICE_UNKNOWN',
    `There is no server "${name}". There are: ${SERVICE_NAMES.join(', ')}.`,
  );
}
