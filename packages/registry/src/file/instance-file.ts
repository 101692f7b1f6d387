import { createHash } from 'node:crypto';
import type { InstanceRecord } from '@colorway/core';
import { storedRecord } from '../stored-record.js';

/** What one file in `instances/` says. The time of its last heartbeat is the file's own `mtime`. */
export interface InstanceFile {
  readonly record: InstanceRecord;
  readonly leaseMs: number;
}

/** The longest file that is read; a record has a few hundred bytes. */
export const MAX_INSTANCE_BYTES = 262_144;

/** A name that is safe whatever the id contains, and still tells a person which instance it is. */
export function instanceFileName(id: string): string {
  const readable = id.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 100);
  const digest = createHash('sha256').update(id).digest('hex').slice(0, 24);
  return `${readable}.${digest}.json`;
}

export function formatInstanceFile({ record, leaseMs }: InstanceFile): string {
  return `${JSON.stringify({ leaseMs, instance: record })}\n`;
}

/** `undefined` for what is no instance, or another one than the file's name says. */
export function parseInstanceFile(name: string, text: string): InstanceFile | undefined {
  try {
    const { leaseMs, instance } = JSON.parse(text) as { leaseMs?: unknown; instance?: unknown };
    const record = storedRecord(instance);
    if (typeof leaseMs !== 'number' || !(leaseMs > 0) || record === undefined) return undefined;
    if (instanceFileName(record.id) !== name) return undefined;
    return Object.freeze({ record, leaseMs });
  } catch {
    return undefined;
  }
}
