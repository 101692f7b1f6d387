import { type InstanceRecord, quote, warnOnce } from '@colorway/core';
import { parseStoredRecord } from '../stored-record.js';

/**
 * An entry of the hash `instances`: `<lease in ms>:<record as JSON>`; `undefined` for none, and, with one warning, for
 * what is no instance, or another one than its name in the hash says: else one could hide another.
 *
 * @param key of the hash.
 * @param id its name in the hash; `undefined` where that is not known.
 */
export function parseStoredInstance(stored: unknown, key: string, id?: string): InstanceRecord | undefined {
  if (stored === null || stored === undefined) return undefined;
  const record =
    typeof stored === 'string' ? parseStoredRecord(stored.slice(stored.indexOf(':') + 1)) : undefined;
  if (record !== undefined && (id === undefined || id === record.id)) return record;
  warnOnce(
    'COLORWAY_INSTANCE_UNREADABLE',
    `A value in Redis's hash ${quote(key)} is no instance and is left out: ${quote(stored)}. An instance is its lease in milliseconds, ":", and a JSON object with its "id", which is its name in the hash. Further ones are left out without a report.`,
    key,
  );
  return undefined;
}

/** The ids that several of them claim: which one has it only their names in the hash tell. */
export function contestedIds(records: readonly InstanceRecord[]): string[] {
  const seen = new Set<string>();
  const contested = new Set<string>();
  for (const { id } of records) {
    if (seen.has(id)) contested.add(id);
    seen.add(id);
  }
  return [...contested];
}
