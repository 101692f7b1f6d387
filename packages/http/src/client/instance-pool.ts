import { isIP } from 'node:net';
import { detached, type Instance } from '@colorway/core';
import { buildConnector, Pool } from 'undici';
import type { ClientOptions } from './options.js';

/**
 * A pool of connections to one instance whose origin is the service: requests then carry the service's name as
 * their host, as does the TLS handshake, and nothing in a request has to be rewritten.
 */
export function openPool(
  instance: Instance,
  options: Pool.Options,
  serverName: ClientOptions['tlsServerName'],
): Pool {
  const { service, secure } = instance;
  const pool = new Pool(`${secure ? 'https' : 'http'}://${service}`, {
    ...options,
    connect: connectorTo(instance, options, serverName),
  });
  if (secure) pool.dispatch = dispatchUnder(service.toLowerCase());
  return pool;
}

/**
 * One name for all requests. Undici takes it out of each request's `Host` header, and makes a connection anew for each
 * other name: whoever may send one that is copied would pay a caller's and a service's handshakes with it.
 */
function dispatchUnder(servername: string): Pool['dispatch'] {
  return function dispatch(this: Pool, options, handler) {
    return Pool.prototype.dispatch.call(this, { ...options, servername } as typeof options, handler);
  };
}

function connectorTo(
  { host, port, service, secure }: Instance,
  options: Pool.Options,
  serverName: ClientOptions['tlsServerName'],
): buildConnector.connector {
  const connect = typeof options.connect === 'function' ? options.connect : connectorOf(options);
  /* An IP address is no server name (RFC 6066, 3): with none, undici leaves it out of the handshake. */
  const { servername: own } = (options.connect ?? {}) as { readonly servername?: string };
  const named =
    serverName === 'instance'
      ? { host, servername: isIP(host) === 0 ? host : '' }
      : /* Undici takes it out of the request's Host header, which whoever copies headers has from somebody else. */
        secure
        ? { servername: own ?? service.toLowerCase() }
        : {};
  /* Outside of any request: the connection outlives the one that opened it, and what it tells belongs to others. */
  return (wanted, callback) =>
    detached(() => connect({ ...wanted, hostname: host, port: String(port), ...named }, callback));
}

/** As undici's Pool makes its own (lib/dispatcher/pool.js). */
function connectorOf({
  connect,
  connectTimeout,
  maxCachedSessions,
  allowH2,
  socketPath,
  autoSelectFamily,
  autoSelectFamilyAttemptTimeout,
}: Pool.Options): buildConnector.connector {
  return buildConnector({
    ...(maxCachedSessions === undefined ? {} : { maxCachedSessions }),
    ...(allowH2 === undefined ? {} : { allowH2 }),
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(connectTimeout === undefined ? {} : { timeout: connectTimeout }),
    ...(typeof autoSelectFamily === 'boolean' ? { autoSelectFamily, autoSelectFamilyAttemptTimeout } : {}),
    ...(typeof connect === 'object' ? connect : {}),
  });
}
