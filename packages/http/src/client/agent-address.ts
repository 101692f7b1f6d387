import { isIP } from 'node:net';
import type { Instance } from '@colorway/core';
import type { ClientOptions } from './options.js';

/** The options that node:http hands to an agent, as far as we look at them. */
export interface RequestTarget {
  readonly host?: string;
  readonly port?: number | string;
  readonly hostname?: string;
  readonly servername?: string;
  readonly socketPath?: string;
}

/**
 * What the options of a request of node:http are overridden with, so that it goes to an instance.
 * @param named the host of the request's URL. node:http would take the server's name out of the `Host` header, which
 *   whoever copies headers has from somebody else; a name in the request's own options stays.
 */
export function addressOf(
  { host, port, secure }: Instance,
  serverName: ClientOptions['tlsServerName'],
  named: string,
  { servername }: RequestTarget,
): RequestTarget {
  const address = { host, port, hostname: host };
  if (serverName === 'instance') return { ...address, servername: isIP(host) === 0 ? host : '' };
  if (!secure || servername !== undefined) return address;
  return { ...address, servername: named };
}
