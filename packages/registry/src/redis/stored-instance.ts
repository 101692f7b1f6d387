import { type InstanceRecord, quote, warnOnce } from '@colorway/core';
import { parseStoredRecord } from '../stored-record.js';

/**
 * An entry of the hash `instances`: `<lease in ms>:<record as JSON>`; `undefined` for none, and, with one warning, for
 * what is no instance.
 *
 * @param key of the hash.
 */
export function parseStoredInstance(stored: unknown, key: string): InstanceRecord | undefined {
  if (stored === null || stored === undefined) return undefined;
  const record =
    typeof stored === 'string' ? parseStoredRecord(stored.slice(stored.indexOf(':') + 1)) : undefined;
  if (record === undefined) {
    warnOnce(
      'COLORWAY_INSTANCE_UNREADABLE',
      `A value in Redis's hash ${quote(key)} is no instance and is left out: ${quote(stored)}. An instance is its lease in milliseconds, ":", and a JSON object with its "id". Further ones are left out without a report.`,
      key,
    );
  }
  return record;
}
