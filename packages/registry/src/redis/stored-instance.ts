import type { InstanceRecord } from '@colorway/core';
import { frozenRecord, isStoredRecord } from '../stored-record.js';

/** An entry of the hash `instances`: `<lease in ms>:<record as JSON>`; `undefined` for what is none. */
export function parseStoredInstance(stored: unknown): InstanceRecord | undefined {
  if (typeof stored !== 'string') return undefined;
  try {
    const record: unknown = JSON.parse(stored.slice(stored.indexOf(':') + 1));
    return isStoredRecord(record) ? frozenRecord(record) : undefined;
  } catch {
    return undefined;
  }
}
