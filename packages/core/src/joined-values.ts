/** W3C Baggage allows so many members; of a carrier that stands more often no more is looked at. */
const MAX_VALUES = 180;

/**
 * The text of a carrier that may stand several times (header lines of HTTP, record headers of Kafka, a list in
 * AMQP): joined with commas in their order, as RFC 9110 (5.3) and W3C Baggage (3.1) say. Bytes are read as UTF-8.
 * Values that are empty, of another type, or do not fit any more are passed over.
 *
 * @param maxLength of the text, in characters (bytes where bytes come). Default: no limit.
 * @returns `undefined` where nothing is left: an empty carrier counts as none.
 */
export function joinedValues(value: unknown, maxLength = Number.POSITIVE_INFINITY): string | undefined {
  if (!Array.isArray(value)) return textOf(value, maxLength);
  let joined: string | undefined;
  for (const one of value.slice(0, MAX_VALUES)) {
    const text = textOf(one, maxLength - (joined === undefined ? 0 : joined.length + 1));
    if (text !== undefined) joined = joined === undefined ? text : `${joined},${text}`;
  }
  return joined;
}

/** The same where only one value can count: the last that is not empty. */
export function lastValue(value: unknown, maxLength = Number.POSITIVE_INFINITY): string | undefined {
  if (!Array.isArray(value)) return textOf(value, maxLength);
  for (const one of value.slice(-MAX_VALUES).reverse()) {
    const text = textOf(one, Number.POSITIVE_INFINITY);
    if (text !== undefined) return text.length <= maxLength ? text : undefined;
  }
  return undefined;
}

function textOf(value: unknown, maxLength: number): string | undefined {
  if (typeof value === 'string') return value !== '' && value.length <= maxLength ? value : undefined;
  if (!(value instanceof Uint8Array) || value.byteLength === 0 || value.byteLength > maxLength)
    return undefined;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
}
