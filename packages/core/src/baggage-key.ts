import type { Baggage } from '@opentelemetry/api';

/*
 * The propagators of OpenTelemetry do not agree on what a baggage key is: some decode percent signs, Python's reads a
 * plus sign as a space and trims afterwards. A color has to be seen in every spelling that one of them reads: what one
 * service lets pass as somebody else's member would be the next one's color.
 */

/** Whether one of the propagators reads this name as this key. */
export function saysKey(name: string, key: string): boolean {
  if (name === key) return true;
  if (name.length <= key.length) return false;
  const trimmed = trim(name);
  if (trimmed === key) return true;
  return mayEncode(trimmed, key) && trim(decode(trimmed.replaceAll('+', ' '))) === key;
}

/** A baggage without the members that any propagator reads as one of the keys; the same one where there is none. */
export function withoutKeys(baggage: Baggage, keys: readonly string[]): Baggage {
  const said = baggage
    .getAllEntries()
    .flatMap(([name]) => (keys.some((key) => saysKey(name, key)) ? [name] : []));
  return said.length === 0 ? baggage : baggage.removeEntries(...said);
}

/** Whether a baggage has a member that any propagator reads as one of the keys. */
export function hasKey(baggage: Baggage, keys: readonly string[]): boolean {
  return baggage.getAllEntries().some(([name]) => keys.some((key) => saysKey(name, key)));
}

/** Encoding triples a character; at most MAX_PADDING characters of padding are examined. */
function mayEncode(name: string, key: string): boolean {
  return name.length > key.length && name.length <= 3 * key.length + MAX_PADDING && name.includes('%');
}

/** Encoded spaces around a key that are still looked for, in characters. */
const MAX_PADDING = 48;

/** Spaces, and plus signs, which are spaces to those who decode forms. */
function trim(name: string): string {
  let start = 0;
  let end = name.length;
  while (start < end && isPadding(name.charCodeAt(start))) start++;
  while (end > start && isPadding(name.charCodeAt(end - 1))) end--;
  return start === 0 && end === name.length ? name : name.slice(start, end);
}

/** What a `trim` or `strip` of any of the languages takes away, within Latin-1, and the plus sign. */
export function isPadding(code: number): boolean {
  return code <= 32 || code === PLUS || code === 0x85 || code === 0xa0;
}

const PLUS = 43;

/** Keys are ASCII. Nothing is thrown here: hundreds of malformed names would cost milliseconds. */
function decode(text: string): string {
  return text
    .replace(ENCODED_SPACE, ' ')
    .replace(ENCODED_ASCII, (encoded) => String.fromCharCode(Number.parseInt(encoded.slice(1), 16)));
}

/** Unicode's, in UTF-8: what `trim` and `strip` take away. */
const ENCODED_SPACE = /%(?:C2%(?:85|A0)|E1%9A%80|E2%80%(?:8[0-9A]|A[89F])|E2%81%9F|E3%80%80|EF%BB%BF)/gi;
const ENCODED_ASCII = /%[0-7][0-9A-F]/gi;
