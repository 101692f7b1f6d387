import { ColorwayError, quote } from '@colorway/core';

const KEY = /^[\x20-\x7e]{1,512}$/;

/** The longest value that every state store takes: a transaction of Consul's has 512 KiB at most, and holds it as base64. */
const MAX_VALUE_BYTES = 380_000;

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` for a key that some state store cannot hold. */
export function checkKey(key: string): void {
  if (KEY.test(key)) return;
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `${quote(key)} is not a key. Use 1 to 512 printable ASCII characters.`,
  );
}

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` for a value that some state store cannot hold. */
export function checkValue(key: string, value: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes <= MAX_VALUE_BYTES) return;
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `The value for ${quote(key)} has ${bytes} bytes. A value has at most ${MAX_VALUE_BYTES}.`,
  );
}
