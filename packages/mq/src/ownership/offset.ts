const OFFSET = /^(?:0|[1-9][0-9]{0,18})$/;

/**
 * A broker's offset as text, turned into a bigint: Kafka's are 64-bit and may pass 2^53. `undefined` for
 * anything but a non-negative decimal number, Kafka's `-1` ("none committed") included.
 */
export function parseOffset(text: unknown): bigint | undefined {
  if (typeof text !== 'string') return undefined;
  return smallOffset(text) ?? (OFFSET.test(text) ? BigInt(text) : undefined);
}

/** The same below 10^15, where a number is exact; less than half the time, and every skipped message needs one. */
function smallOffset(text: string): bigint | undefined {
  const { length } = text;
  if (length === 0 || length > 15 || (length > 1 && text.charCodeAt(0) === ZERO)) return undefined;
  let value = 0;
  for (let at = 0; at < length; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return BigInt(value);
}

const ZERO = 48;

/** The highest of the given offsets; those that are unknown count as 0. */
export function highest(...offsets: readonly (bigint | undefined)[]): bigint {
  let found = 0n;
  for (const offset of offsets) if (offset !== undefined && offset > found) found = offset;
  return found;
}
