import type { CarrierNames } from './carrier-names.js';
import { type Color, isColor } from './color.js';
import type { InstanceRecord } from './directory.js';
import { quote } from './errors.js';
import { whyUnusable } from './record-grammar.js';

/** An instance as routing sees it: complete, with its color read from the metadata. */
export interface Instance extends Required<InstanceRecord> {
  /** `undefined` in the baseline. */
  readonly color: Color | undefined;
}

/** A record that routing can use, or why it cannot: a directory is also written by others. */
export type ReadInstance =
  | { readonly kind: 'instance'; readonly instance: Instance }
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * Checks a record and reads its color. A color outside the grammar makes the record unusable: as
 * baseline it would be a stray (law 4).
 */
export function readInstance(record: InstanceRecord, names: CarrierNames): ReadInstance {
  const why = whyUnusable(record);
  if (why !== undefined) return unusable(record, why);
  const color = colorText(record.metadata, names);
  if (color !== undefined && !isColor(color)) {
    return unusable(record, `its metadata says color ${quote(color)}, which is outside the grammar`);
  }
  return { kind: 'instance', instance: instanceOf(record, color) };
}

/** Written out, so that all instances have one shape: what reads them on every call stays fast. */
function instanceOf(record: InstanceRecord, color: Color | undefined): Instance {
  return Object.freeze({
    id: record.id,
    service: record.service,
    color,
    host: record.host,
    port: record.port,
    secure: record.secure === true,
    weight: record.weight ?? 1,
    metadata: record.metadata ?? {},
    startedAt: Number.isFinite(record.startedAt) ? record.startedAt : 0,
  });
}

/** Whether two records say the same, so that a repeated announcement changes nothing. */
export function sameRecord(a: InstanceRecord, b: InstanceRecord): boolean {
  return (
    a.service === b.service &&
    a.host === b.host &&
    a.port === b.port &&
    a.startedAt === b.startedAt &&
    (a.weight ?? 1) === (b.weight ?? 1) &&
    (a.secure ?? false) === (b.secure ?? false) &&
    sameMetadata(a.metadata, b.metadata)
  );
}

/** Others write into a directory too, and may leave metadata out. */
function sameMetadata(
  a: InstanceRecord['metadata'] | undefined = {},
  b: InstanceRecord['metadata'] | undefined = {},
): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function colorText(
  metadata: InstanceRecord['metadata'] | undefined,
  names: CarrierNames,
): string | undefined {
  for (const key of names.metadataKeys) {
    const text = metadata?.[key];
    if (text !== undefined && text !== '') return text;
  }
  return undefined;
}

function unusable(record: InstanceRecord, why: string): ReadInstance {
  return {
    kind: 'unusable',
    why: `Instance ${quote(record.id)} of service ${quote(record.service)} is left out: ${why}.`,
  };
}
