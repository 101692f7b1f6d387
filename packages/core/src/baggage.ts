import { type Baggage, baggageEntryMetadataFromString, propagation } from '@opentelemetry/api';

/*
 * W3C Baggage (https://www.w3.org/TR/baggage/), read in two ways: `scanBaggage` looks for one key and
 * nothing else, for the path of every request; `parseBaggage` reads all members, for colored requests
 * that carry more than the color.
 */

const MAX_MEMBERS = 180;
const MAX_MEMBER_LENGTH = 4_096;
const MAX_LENGTH = 8_192;

const COMMA = 44;
const EQUALS = 61;

/**
 * The decoded value of one member, without parsing the others. The last one counts where the key
 * stands more than once. Malformed percent-encoding yields the raw text, which no grammar accepts.
 */
export function scanBaggage(header: string, key: string): string | undefined {
  let value: string | undefined;
  for (let at = header.indexOf(key); at !== -1; at = header.indexOf(key, at + key.length)) {
    const equals = skipSpace(header, at + key.length);
    if (header.charCodeAt(equals) === EQUALS && startsMember(header, at)) value = valueAt(header, equals + 1);
  }
  return value;
}

/**
 * Whether exactly this member (`key=value`) counts for its key in the header. A quick look: it says no
 * where spaces or properties stand around the member, and `scanBaggage` has to decide.
 */
export function hasBaggageMember(header: string, member: string, key: string): boolean {
  const at = header.indexOf(member);
  if (at === -1) return false;
  const end = at + member.length;
  if (at > 0 && header.charCodeAt(at - 1) !== COMMA) return false;
  return end === header.length || (header.charCodeAt(end) === COMMA && header.indexOf(key, end) === -1);
}

/** All well-formed members, within W3C's limits (180 members, 4,096 characters each, 8,192 in all). */
export function parseBaggage(header: string): Baggage {
  let baggage = propagation.createBaggage();
  let count = 0;
  for (const member of header.slice(0, MAX_LENGTH).split(',', MAX_MEMBERS)) {
    const [pair = '', ...properties] = member.split(';');
    const equals = pair.indexOf('=');
    if (equals <= 0 || member.length > MAX_MEMBER_LENGTH) continue;
    const key = decode(pair.slice(0, equals).trim());
    const value = decode(pair.slice(equals + 1).trim());
    baggage = baggage.setEntry(
      key,
      properties.length > 0
        ? { value, metadata: baggageEntryMetadataFromString(properties.join(';')) }
        : { value },
    );
    if (++count === MAX_MEMBERS) break;
  }
  return baggage;
}

/** The header line. `first` goes in front, so that W3C's limits never cut it off; it replaces a member of its key. */
export function formatBaggage(baggage: Baggage | undefined, first: { key: string; value: string }): string {
  let header = `${first.key}=${encodeURIComponent(first.value)}`;
  if (baggage === undefined) return header;
  let count = 1;
  for (const [key, { value, metadata }] of baggage.getAllEntries()) {
    if (key === first.key) continue;
    const properties = metadata === undefined ? '' : `;${metadata.toString()}`;
    const member = `${encodeURIComponent(key)}=${encodeURIComponent(value)}${properties}`;
    if (member.length > MAX_MEMBER_LENGTH || header.length + 1 + member.length > MAX_LENGTH) continue;
    if (++count > MAX_MEMBERS) break;
    header += `,${member}`;
  }
  return header;
}

/** A baggage header without the members of the given keys; `''` when nothing is left. */
export function removeBaggageMembers(header: string, keys: readonly string[]): string {
  return header
    .split(',')
    .filter((member) => !keys.includes((member.split('=', 1)[0] ?? '').trim()))
    .join(',')
    .trim();
}

function startsMember(header: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && isSpace(header.charCodeAt(before))) before--;
  return before < 0 || header.charCodeAt(before) === COMMA;
}

function valueAt(header: string, start: number): string {
  const comma = header.indexOf(',', start);
  const member = comma === -1 ? header.slice(start) : header.slice(start, comma);
  const semicolon = member.indexOf(';');
  return decode((semicolon === -1 ? member : member.slice(0, semicolon)).trim());
}

function skipSpace(header: string, from: number): number {
  let at = from;
  while (isSpace(header.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
