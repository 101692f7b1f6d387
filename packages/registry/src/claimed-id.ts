import type { InstanceRecord } from '@colorway/core';

/**
 * A record under the id that watchers see: with `@service` behind it where several services claim it. Else whoever may
 * register one service could hide another's instances. No two records of different service or id get one id.
 */
export function asClaimed(record: InstanceRecord, isContested: boolean): InstanceRecord {
  const { id, service } = record;
  if (!isContested && !id.includes('@')) return record;
  return Object.freeze({ ...record, id: `${id}@${service}` });
}
