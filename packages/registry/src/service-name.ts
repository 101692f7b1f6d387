import { ColorwayError, isServiceName, quote, warnOnce } from '@colorway/core';

/**
 * Names compare without case, as hosts do; the directory sees them as they are given.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION` for a name that a directory key or a host name cannot hold, and for one
 * that URLs take for an address: nobody could call it.
 */
export function parseServiceName(name: unknown): string {
  if (isServiceName(name)) return name;
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `${quote(name)} is not a service name. Use 1 to 128 letters, digits, dots, underscores and hyphens, like "order"; no address, which digits alone are to a URL, and no part that begins with "xn--".`,
  );
}

/** Whether a name that somebody else has written into a registry can be that of a service; says once that it cannot. */
export function isUsableName(name: string, registry: string): boolean {
  if (isServiceName(name)) return true;
  warnOnce(
    'COLORWAY_INSTANCE_UNUSABLE',
    `The instances of service ${quote(name)} in ${registry} are left out: no URL can name it. Services are 1 to 128 of A-Za-z0-9._- no addresses, and no part of them begins with xn--. Further ones are left out without a report.`,
    registry,
  );
  return false;
}
