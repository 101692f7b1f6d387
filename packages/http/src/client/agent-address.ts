import type { ClientRequest } from 'node:http';
import { isIP } from 'node:net';
import type { Instance } from '@colorway/core';
import type { ClientOptions } from './options.js';
import { readHeader } from './request-head.js';

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
 * @param isRendered whether the request's headers are a list: node:http takes the server's name out of the headers, and
 *   does not look into these
 */
export function addressOf(
  { host, port, secure }: Instance,
  serverName: ClientOptions['tlsServerName'],
  request: ClientRequest,
  { servername }: RequestTarget,
  isRendered = !request.hasHeader('host'),
): RequestTarget {
  const address = { host, port, hostname: host };
  if (serverName === 'instance') return { ...address, servername: isIP(host) === 0 ? host : '' };
  if (!secure || !isRendered || servername !== undefined) return address;
  const named = readHeader(request, 'host')?.replace(/:\d+$/, '') ?? '';
  return { ...address, servername: isIP(named) === 0 ? named : '' };
}
