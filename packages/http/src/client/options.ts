import type { ServiceAuth } from '../auth/service-auth.js';
import type { BalancingOptions } from './balancing/balancing-options.js';

/** What every client of this package can be told. */
export interface ClientOptions {
  /**
   * Hosts that are expected to be services, or a function that tells: a call to one that the directory does not know
   * fails with `COLORWAY_SERVICE_UNKNOWN` instead of passing through, and waits while the directory has not answered.
   * A name with a dot (`com.acme.order`) is a service only where it stands here or `hosts` says so: otherwise anyone
   * who can write to the directory could take over `api.stripe.com`. Addresses and `localhost` are never services. Hosts come in lower
   * case, without port.
   */
  readonly services?: readonly string[] | ((host: string) => boolean);
  /**
   * Hosts that name services by more than their name: suffixes that are cut off (`.default.svc.cluster.local`), or a
   * function that gives the service of a host, `undefined` for others. Hosts come in lower case, without port and
   * without the dot at their end. Default none: a host without a dot is a service's name, whole.
   */
  readonly hosts?: readonly string[] | ((host: string) => string | undefined);
  /**
   * Ports with which a URL may name a service, beside that of its scheme: `[8080]` for `http://stock:8080/`, or
   * `'any'`. The instance's own port is called all the same. Default none: with another port a URL names a server.
   */
  readonly ports?: readonly number[] | 'any';
  /** Hosts that are no services and get the color all the same. By default a color never leaves the directory's services. */
  readonly propagateTo?: HostFilter;
  readonly balancing?: BalancingOptions;
  /** Signs each call to a service: `serviceAuth({ secret })`. A call's own signature headers are replaced. Default none. */
  readonly auth?: ServiceAuth;
  /**
   * The server name that is asked of an instance that serves TLS: that of the service, as in the URL, or the
   * instance's host. Default `service`.
   */
  readonly tlsServerName?: 'service' | 'instance';
}

/** Hosts, in lower case and without port: names, patterns, or a function. */
export type HostFilter = readonly (string | RegExp)[] | ((host: string) => boolean);
