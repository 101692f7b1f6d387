import type { InstanceRecord } from '@colorway/core';

/**
 * A record under the id by which it is told: its own, and that of its service behind it where several services claim one
 * id. Who may register one service, as ACLs allow it, would else take the instances of another out of everybody's view
 * by calling its own like them. No two records of different service or id get one id.
 */
export function asClaimed(record: InstanceRecord, isContested: boolean): InstanceRecord {
  const { id, service } = record;
  if (!isContested && !id.includes('@')) return record;
  return Object.freeze({ ...record, id: `${id}@${service}` });
}
