import type { InstanceRecord } from '@colorway/core';

/**
 * What anybody may have written into a directory as an instance: an object with an id. Whether routing can use it, and
 * why not, is for `whyUnusable` to say, so that nothing is left out without a report.
 *
 * @param id the one that it stands under, where the directory says; else the record's own.
 * @returns `undefined` for what is no instance; else a copy that nobody can change. Without metadata it has none,
 * without a start it has been serving for long.
 */
export function storedRecord(value: unknown, id?: string): InstanceRecord | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const { metadata, startedAt } = fields;
  const own = id ?? fields.id;
  if (typeof own !== 'string' || own === '') return undefined;
  const record = {
    ...fields,
    id: own,
    metadata: isObject(metadata) ? Object.freeze({ ...metadata }) : (metadata ?? {}),
    startedAt: typeof startedAt === 'number' ? startedAt : 0,
  };
  return Object.freeze(record) as unknown as InstanceRecord;
}

/** A copy that nobody can change. */
export function frozenRecord(record: InstanceRecord): InstanceRecord {
  return Object.freeze({ ...record, metadata: Object.freeze({ ...record.metadata }) });
}

/** {@link storedRecord} out of JSON. */
export function parseStoredRecord(json: string, id?: string): InstanceRecord | undefined {
  try {
    return storedRecord(JSON.parse(json), id);
  } catch {
    // No JSON is no instance either.
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
