import type { InstanceRecord } from '@colorway/core';
import { asClaimed } from '../claimed-id.js';
import type { ServiceEntry } from './service-entry.js';

/**
 * By id. Where several agents know one of the same service and id, the living one that registered last; an id of several
 * services stands for an instance of each.
 */
export function livingInstances(entries: readonly ServiceEntry[]): {
  readonly alive: Map<string, InstanceRecord>;
  readonly known: Set<string>;
} {
  const claims = new Map<string, string>();
  const contested = new Set<string>();
  for (const { record } of entries) {
    const other = claims.get(record.id);
    if (other === undefined) claims.set(record.id, record.service);
    else if (other !== record.service) contested.add(record.id);
  }
  const best = new Map<string, { readonly record: InstanceRecord; readonly index: number }>();
  const known = new Set<string>();
  for (const { record: written, isAlive, index } of entries) {
    const record = asClaimed(written, contested.has(written.id));
    known.add(record.id);
    const other = best.get(record.id);
    if (isAlive && (other === undefined || other.index < index)) best.set(record.id, { record, index });
  }
  return { alive: new Map(Array.from(best, ([id, { record }]) => [id, record])), known };
}
