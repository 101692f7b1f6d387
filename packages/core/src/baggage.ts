import {
  type Baggage,
  type BaggageEntry,
  baggageEntryMetadataFromString,
  propagation,
} from '@opentelemetry/api';
import { isPadding, saysKey } from './baggage-key.js';

/*
 * W3C Baggage (https://www.w3.org/TR/baggage/), read in two ways: `scanBaggage` looks for one key and
 * nothing else, for the path of every request; `parseBaggage` reads all members, for colored requests
 * that carry more than the color. Members are read and written whole or not at all.
 */

/** What W3C's recommendation has every platform pass on (section 3.3.2): this many members, and characters in all. */
const MAX_MEMBERS = 64;
const MAX_LENGTH = 8_192;

const COMMA = 44;
const EQUALS = 61;

/**
 * The decoded value of one member, without parsing the others. The last one counts where the key
 * stands more than once. A key is one in every spelling that some propagator reads: what nobody has looked at here
 * would be a color elsewhere. Nothing behind 8,192 characters is read. Malformed percent-encoding yields the raw text, which
 * no grammar accepts.
 */
export function scanBaggage(header: string, key: string): string | undefined {
  const read = withinLimit(header);
  const at = lastMember(read, key);
  return at === -1 ? undefined : valueAt(read, at);
}

/** Whether a member of one of the keys stands anywhere in the header, however long it is. */
export function hasBaggageKey(header: string, keys: readonly string[]): boolean {
  return keys.some((key) => lastMember(header, key) !== -1);
}

/**
 * Whether exactly this member (`key=value`) counts for its key in the header. A quick look: it says no
 * where spaces or properties stand around the member, and `scanBaggage` has to decide.
 */
export function hasBaggageMember(header: string, member: string, key: string): boolean {
  const at = header.indexOf(member);
  if (at === -1 || header.length > MAX_LENGTH) return false;
  const end = at + member.length;
  if (at > 0 && header.charCodeAt(at - 1) !== COMMA) return false;
  if (end === header.length) return true;
  return header.charCodeAt(end) === COMMA && !header.includes(key, end) && !header.includes('%', end);
}

/** All well-formed members, whole, within W3C's limits: 64 members, and 8,192 characters in all. */
export function parseBaggage(header: string): Baggage {
  let baggage = propagation.createBaggage();
  let count = 0;
  for (const member of withinLimit(header).split(',', MAX_LENGTH)) {
    const [pair = '', ...properties] = member.split(';');
    const equals = pair.indexOf('=');
    if (equals <= 0) continue;
    const key = decode(pair.slice(0, equals).trim());
    const value = decode(pair.slice(equals + 1).trim());
    const entry =
      properties.length > 0
        ? { value, metadata: baggageEntryMetadataFromString(properties.join(';')) }
        : { value };
    asItCame.set(entry, member);
    baggage = baggage.setEntry(key, entry);
    if (++count === MAX_MEMBERS) break;
  }
  return baggage;
}

/** The text of members that came in a header: it goes on as it is, because what was encoded may be written in several ways. */
const asItCame = new WeakMap<BaggageEntry, string>();

/** The header line. `first` goes in front, so that W3C's limits never cut it off; it replaces a member of its key. */
export function formatBaggage(baggage: Baggage | undefined, first: { key: string; value: string }): string {
  const header = `${first.key}=${encodeURIComponent(first.value)}`;
  return baggage === undefined ? header : join(header, 1, baggage, first.key);
}

/** The header line without any color of ours; `''` where there is no member. */
export function formatMembers(baggage: Baggage): string {
  return join('', 0, baggage, undefined);
}

function join(start: string, many: number, baggage: Baggage, but: string | undefined): string {
  let header = start;
  let count = many;
  for (const [key, entry] of baggage.getAllEntries()) {
    if (but !== undefined && saysKey(key, but)) continue;
    const member = unchanged(entry) ?? formatMember(key, entry);
    if (header.length + 1 + member.length > MAX_LENGTH) continue;
    if (++count > MAX_MEMBERS) break;
    header = header === '' ? member : `${header},${member}`;
  }
  return header;
}

function formatMember(key: string, { value, metadata }: BaggageEntry): string {
  const properties = metadata?.toString() ?? '';
  return (
    `${TOKEN.test(key) ? key : encodeURIComponent(key)}=${encodeURIComponent(value)}` +
    (properties !== '' && PRINTABLE.test(properties) ? `;${properties}` : '')
  );
}

/** A percent sign that encodes nothing is encoded itself; what no header can hold is written anew. */
function unchanged(entry: BaggageEntry): string | undefined {
  const text = asItCame.get(entry)?.trim();
  if (text === undefined || !PRINTABLE.test(text)) return undefined;
  return text.includes('%') ? text.replace(LONE_PERCENT, '%25') : text;
}

/** A key that needs no encoding: W3C's `token`, without the percent sign, which OpenTelemetry decodes. */
const TOKEN = /^[!#$&'*+\-.^_`|~A-Za-z0-9]+$/;
const PRINTABLE = /^[\t\x20-\x2b\x2d-\x7e]*$/;
const LONE_PERCENT = /%(?![0-9A-Fa-f]{2})/g;

/** A baggage header without the members of the given keys; `''` when nothing is left. */
export function removeBaggageMembers(header: string, keys: readonly string[]): string {
  return header
    .split(',')
    .filter((member) => {
      const name = member.slice(0, Math.max(member.indexOf('='), 0));
      return !keys.some((key) => saysKey(name, key));
    })
    .join(',')
    .trim();
}

/** The members that stand whole within the limit. */
function withinLimit(header: string): string {
  if (header.length <= MAX_LENGTH) return header;
  const comma = header.lastIndexOf(',', MAX_LENGTH);
  return comma === -1 ? '' : header.slice(0, comma);
}

/** Where the value of the key's last member begins, -1 for none. */
function lastMember(header: string, key: string): number {
  return header.includes('%') ? lastEncodedMember(header, key) : lastPlainMember(header, key);
}

/** No key in the header is encoded. */
function lastPlainMember(header: string, key: string): number {
  let found = -1;
  for (let at = header.indexOf(key); at !== -1; at = header.indexOf(key, at + key.length)) {
    const equals = skipPadding(header, at + key.length);
    if (header.charCodeAt(equals) === EQUALS && startsMember(header, at)) found = equals + 1;
  }
  return found;
}

/** Keys may be encoded. From the end, because the last one counts: many of them cost no more than one. */
function lastEncodedMember(header: string, key: string): number {
  for (let end = header.length; end > 0; ) {
    const start = header.lastIndexOf(',', end - 1) + 1;
    const member = header.slice(start, end);
    const equals = member.indexOf('=');
    if (equals >= key.length && saysKey(member.slice(0, equals), key)) return start + equals + 1;
    end = start - 1;
  }
  return -1;
}

function startsMember(header: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && isPadding(header.charCodeAt(before))) before--;
  return before < 0 || header.charCodeAt(before) === COMMA;
}

function valueAt(header: string, start: number): string {
  const comma = header.indexOf(',', start);
  const member = comma === -1 ? header.slice(start) : header.slice(start, comma);
  const semicolon = member.indexOf(';');
  return decode((semicolon === -1 ? member : member.slice(0, semicolon)).trim());
}

function skipPadding(header: string, from: number): number {
  let at = from;
  while (isPadding(header.charCodeAt(at))) at++;
  return at;
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
