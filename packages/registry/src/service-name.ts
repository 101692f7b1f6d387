import { ColorwayError, quote } from '@colorway/core';

const SERVICE = /^[A-Za-z0-9._-]{1,128}$/;

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` for a name that a directory key or a host name cannot hold. */
export function parseServiceName(name: unknown): string {
  if (typeof name === 'string' && SERVICE.test(name)) return name;
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `${quote(name)} is not a service name. Use 1 to 128 letters, digits, dots, underscores and hyphens, like "order".`,
  );
}
