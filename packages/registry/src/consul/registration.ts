import { createHash } from 'node:crypto';
import { ColorwayError, type InstanceRecord, quote } from '@colorway/core';
import { formatMeta } from './service-meta.js';

/**
 * An id that a URL of Consul's can hold: its router would take `.` and `..` for folders. Without capitals: in
 * its catalog `A` and `a` are one.
 */
const PLAIN_ID = /^[a-z0-9][a-z0-9._~-]{0,127}$/;

const MAX_META_PAIRS = 64;

/** The id of the Consul service that stands for an instance: the instance's own where that can be. */
export function serviceId(id: string): string {
  if (PLAIN_ID.test(id)) return id;
  const readable = id
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60);
  return `x${readable}-${createHash('sha256').update(id).digest('hex').slice(0, 24)}`;
}

export function checkId(service: string): string {
  return `service:${service}`;
}

/**
 * What `/v1/agent/service/register` takes.
 * @throws ColorwayError `COLORWAY_INVALID_OPTION` for more metadata than the 64 pairs of a Consul service hold.
 */
export function formatRegistration(record: InstanceRecord, leaseMs: number, tags: readonly string[]): object {
  const id = serviceId(record.id);
  const meta = formatMeta(record, id);
  if (Object.keys(meta).length > MAX_META_PAIRS) {
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `The metadata of instance ${quote(record.id)} is more than a Consul service holds. Leave some of it out.`,
    );
  }
  const service = {
    ID: id,
    Name: record.service,
    Tags: tags,
    Address: record.host,
    Port: record.port,
    Meta: meta,
    Weights: { Passing: Math.max(1, Math.round(record.weight ?? 1)), Warning: 1 },
  };
  const digest = createHash('sha256').update(JSON.stringify(service)).digest('hex').slice(0, 16);
  return {
    ...service,
    Check: {
      CheckID: checkId(id),
      Name: 'Colorway lease',
      // Changes whenever the service does: watches are woken by checks, and know by them which service to read.
      Notes: `record ${digest}`,
      TTL: `${leaseMs}ms`,
      Status: 'passing',
      // Consul's least. Until then it is known to be dead, and is not called.
      DeregisterCriticalServiceAfter: '1m',
    },
  };
}
