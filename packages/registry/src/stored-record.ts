import type { InstanceRecord } from '@colorway/core';

/** Whether what was read from a directory has the shape of an instance: others write into directories too. */
export function isStoredRecord(value: unknown): value is InstanceRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { id, service, host, port, secure, weight, metadata, startedAt } = value as Record<string, unknown>;
  return (
    [id, service, host].every((text) => typeof text === 'string' && text !== '') &&
    [port, startedAt].every((number) => typeof number === 'number') &&
    (secure === undefined || typeof secure === 'boolean') &&
    (weight === undefined || typeof weight === 'number') &&
    typeof metadata === 'object' &&
    metadata !== null &&
    Object.values(metadata).every((text) => typeof text === 'string')
  );
}

/** A copy that nobody can change. */
export function frozenRecord(record: InstanceRecord): InstanceRecord {
  return Object.freeze({ ...record, metadata: Object.freeze({ ...record.metadata }) });
}
