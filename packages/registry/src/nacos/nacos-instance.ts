import type { InstanceRecord } from '@colorway/core';
import { numberOf } from '../json-number.js';

/** The metadata in which an instance of ours says what Nacos has no field for. */
const OWN = 'COLORWAY_INSTANCE';
/** How Spring Cloud says that an instance speaks TLS. */
const SECURE = 'secure';

/** An instance in Nacos's words: ephemeral, so it stands as long as the connection that registered it. */
export function toNacos(record: InstanceRecord, clusterName: string): Record<string, unknown> {
  const { id, service, host, port, secure, weight = 1, metadata, startedAt } = record;
  const own = JSON.stringify({ id, startedAt, ...(secure === undefined ? {} : { secure }) });
  return {
    ip: host,
    port,
    weight,
    healthy: true,
    enabled: true,
    ephemeral: true,
    clusterName,
    serviceName: service,
    metadata: { ...(secure === true ? { [SECURE]: 'true' } : {}), ...metadata, [OWN]: own },
  };
}

/** Whether what Nacos tells of an instance is what was registered. */
export function saysTheSame(record: InstanceRecord, clusterName: string, told: unknown): boolean {
  if (typeof told !== 'object' || told === null) return false;
  const host = told as Readonly<Record<string, unknown>>;
  const expected = textsOf(toNacos(record, clusterName).metadata);
  const metadata = textsOf(host.metadata);
  const keys = Object.keys(expected);
  return (
    host.ip === record.host &&
    host.port === record.port &&
    keys.length === Object.keys(metadata).length &&
    keys.every((key) => metadata[key] === expected[key])
  );
}

/** Which one of a service's instances it is, for Nacos. */
export function placeOf(host: Readonly<Record<string, unknown>>): string {
  return `${textOf(host.ip)}#${textOf(host.port)}#${textOf(host.clusterName ?? 'DEFAULT')}`;
}

/**
 * An instance that any client has registered; `undefined` for one that must not be called: without heartbeat
 * (`healthy`), switched off (`enabled`, weight 0), or no instance at all.
 */
export function fromNacos(
  service: string,
  group: string,
  host: Readonly<Record<string, unknown>>,
): InstanceRecord | undefined {
  const { ip, port, healthy, enabled } = host;
  const weight = host.weight === undefined ? 1 : numberOf(host.weight);
  if (typeof ip !== 'string' || ip === '' || typeof port !== 'number') return undefined;
  if (healthy === false || enabled === false || !(weight > 0)) return undefined;
  const { [OWN]: ownText, ...others } = textsOf(host.metadata);
  const own = parseOwn(ownText);
  const metadata = own === undefined ? textsOf(host.metadata) : others;
  if (own?.secure === true && others[SECURE] === 'true') delete metadata[SECURE];
  const secure = own === undefined ? metadata[SECURE] === 'true' || undefined : own.secure;
  return Object.freeze({
    id: own?.id ?? `nacos/${group}/${service}/${placeOf(host)}`,
    service,
    host: ip,
    port,
    ...(secure === undefined ? {} : { secure }),
    ...(weight === 1 ? {} : { weight }),
    metadata: Object.freeze(metadata),
    startedAt: own?.startedAt ?? 0,
  });
}

function parseOwn(text: string | undefined) {
  if (text === undefined) return undefined;
  try {
    const { id, startedAt, secure } = JSON.parse(text) as Record<string, unknown>;
    if (typeof id !== 'string' || typeof startedAt !== 'number') return undefined;
    return { id, startedAt, secure: typeof secure === 'boolean' ? secure : undefined };
  } catch {
    return undefined;
  }
}

function textsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, textOf(text)]));
}

/** Nacos knows texts alone; what somebody else says in its place is not made one by its own means, which may throw. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
