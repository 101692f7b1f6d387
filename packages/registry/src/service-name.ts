import { isIP } from 'node:net';
import { ColorwayError, quote } from '@colorway/core';

const SERVICE = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * Names compare without case, as hosts do; the directory sees them as they are given.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION` for a name that a directory key or a host name cannot hold, and for one
 * that URLs take for an address: nobody could call it.
 */
export function parseServiceName(name: unknown): string {
  if (typeof name === 'string' && SERVICE.test(name) && !isAddress(name)) return name;
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `${quote(name)} is not a service name. Use 1 to 128 letters, digits, dots, underscores and hyphens, like "order"; not an address, which digits alone are to a URL.`,
  );
}

/** `7`, `0x7f`, `10.0.0.1`: the URL standard reads a last part that is a number as an IPv4 address, or refuses it. */
function isAddress(name: string): boolean {
  if (name.toLowerCase() === 'localhost') return true;
  return !URL.canParse(`http://${name}/`) || isIP(new URL(`http://${name}/`).hostname) !== 0;
}
