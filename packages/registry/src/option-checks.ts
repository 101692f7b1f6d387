import { ColorwayError, quote } from '@colorway/core';

/** The longest delay of a timer, 2^31 - 1 ms; Node fires at once for more. */
const MAX_DELAY_MS = 2_147_483_647;

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
export function milliseconds(name: string, value: number | undefined, fallback: number, min = 1): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= min && value <= MAX_DELAY_MS) return value;
  throw invalidOption(name, `${quote(value)} must be ${min} to ${MAX_DELAY_MS} milliseconds.`);
}

/**
 * A prefix that other keys of the same store do not begin with.
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function keyPrefix(value: string | undefined, fallback: string): string {
  if (value === undefined) return fallback;
  const parts = typeof value === 'string' && value.endsWith('/') ? value.slice(0, -1).split('/') : [];
  const isClean = parts.every((part) => /^[A-Za-z0-9._~-]+$/.test(part) && part !== '.' && part !== '..');
  if (parts.length > 0 && isClean) return value;
  throw invalidOption(
    'prefix',
    `${quote(value)} must be parts of letters, digits and "._~-", each with a "/" behind it, like "colorway/".`,
  );
}

export function invalidOption(name: string, why: string): ColorwayError {
  return new ColorwayError('COLORWAY_INVALID_OPTION', `${name}: ${why}`);
}
