import type { InstanceRecord } from '@colorway/core';
import { fieldsOf, textsOf } from './json.js';

/** What of a record has no field of its own in a Consul service. */
export type RecordRest = Pick<InstanceRecord, 'id' | 'secure' | 'weight' | 'metadata' | 'startedAt'>;

/**
 * The names of our own meta keys. `secure` is the one that Spring Cloud uses. What Consul's meta cannot hold as
 * it is (other characters in a key, long values, an id that is no service id) stands in `colorway-more-0`, `-1`,
 * ... as one JSON text.
 */
const STARTED_AT = 'colorway-started-at';
const WEIGHT = 'colorway-weight';
const SECURE = 'secure';
const MORE = 'colorway-more-';

/** Consul's limits for the meta of a service: 64 pairs, 128 and 512 bytes. */
const KEY = /^[A-Za-z0-9_-]{1,128}$/;
const MAX_VALUE_BYTES = 512;
const MAX_PAIRS = 64;
/** Our own: two, three with `secure`, and what the JSON text takes. */
const RESERVED_PAIRS = 20;

interface More {
  readonly id?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export function formatMeta(rest: RecordRest, serviceId: string): Record<string, string> {
  const native: [string, string][] = [];
  const other: [string, string][] = [];
  for (const pair of Object.entries(rest.metadata)) {
    const fits = isNative(pair) && native.length < MAX_PAIRS - RESERVED_PAIRS;
    (fits ? native : other).push(pair);
  }
  const more: More = {
    ...(rest.id === serviceId ? {} : { id: rest.id }),
    ...(other.length === 0 ? {} : { metadata: Object.fromEntries(other) }),
  };
  return {
    ...Object.fromEntries(native),
    [STARTED_AT]: String(rest.startedAt),
    ...(rest.weight === undefined ? {} : { [WEIGHT]: String(rest.weight) }),
    ...(rest.secure === undefined ? {} : { [SECURE]: String(rest.secure) }),
    ...(Object.keys(more).length === 0 ? {} : inPieces(JSON.stringify(more))),
  };
}

/** @returns `undefined` for the meta of a service that somebody else has registered. */
export function parseMeta(meta: Readonly<Record<string, string>>, serviceId: string): RecordRest | undefined {
  const startedAt = Number(meta[STARTED_AT] ?? Number.NaN);
  if (!Number.isFinite(startedAt)) return undefined;
  const more = moreOf(meta);
  const native = Object.entries(meta).filter(([key]) => !isOurs(key));
  const { [WEIGHT]: weight, [SECURE]: secure } = meta;
  return {
    id: more.id ?? serviceId,
    ...(weight === undefined ? {} : { weight: Number(weight) }),
    ...(secure === undefined ? {} : { secure: secure === 'true' }),
    metadata: Object.freeze({ ...Object.fromEntries(native), ...more.metadata }),
    startedAt,
  };
}

function isOurs(key: string): boolean {
  return key.startsWith('colorway-') || key === SECURE;
}

function isNative([key, value]: readonly [string, string]): boolean {
  return KEY.test(key) && !isOurs(key) && Buffer.byteLength(value) <= MAX_VALUE_BYTES;
}

/** Of what is no such text there is nothing. */
function moreOf(meta: Readonly<Record<string, string>>): More {
  let text = '';
  for (let piece = 0; meta[MORE + piece] !== undefined; piece++) text += meta[MORE + piece];
  if (text === '') return {};
  try {
    const { id, metadata } = fieldsOf(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
    return {
      ...(typeof id === 'string' && id !== '' ? { id } : {}),
      ...(metadata === undefined ? {} : { metadata: textsOf(metadata) }),
    };
  } catch {
    return {};
  }
}

/** In base64, so that a piece never ends inside of a character. */
function inPieces(json: string): Record<string, string> {
  const text = Buffer.from(json).toString('base64url');
  const pieces: Record<string, string> = {};
  for (let piece = 0; piece * MAX_VALUE_BYTES < text.length; piece++) {
    pieces[MORE + piece] = text.slice(piece * MAX_VALUE_BYTES, (piece + 1) * MAX_VALUE_BYTES);
  }
  return pieces;
}
