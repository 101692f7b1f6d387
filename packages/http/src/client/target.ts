import { isAddressName } from '@colorway/core';
import { isNeverAHost } from './never-a-host.js';
import type { ClientOptions } from './options.js';

/** Where a call is meant to go, as far as its URL tells. */
export interface Target {
  /** In lower case, as in every URL; an IPv6 address without brackets, a name without the dot at its end. */
  readonly host: string;
  /** The service that the host names, if there is one of that name: the host itself, or what `hosts` makes of it. */
  readonly service: string;
  /**
   * Whether the host may name a service: the URL has its scheme's port, or one of `ports` (with any other it names a
   * server), and the host has no dot, or the application lists it, or no host has such a name.
   */
  readonly maybeService: boolean;
  /** Whether the application says that it is one. */
  readonly isExpected: boolean;
  /** A name with a dot, as hosts have, that nobody lists: whatever the directory says of it, it is a host. */
  readonly isUnlisted: boolean;
  /** Whether the URL says `https:`. */
  readonly isSecure: boolean;
  /** A service that the host nearly names: with another port, or with a domain as clusters have them. */
  readonly nearly: string | undefined;
  /** An IP address or `localhost`. */
  readonly isLocal: boolean;
  /** A name without a dot, as services have and hosts of other companies have not. */
  readonly isSingleLabel: boolean;
}

const MAX_REMEMBERED = 1_000;

/** Domains that no other company's host has: of Kubernetes and Compose, and those that are set apart for inside. */
const INSIDE = /(?:^|\.)(?:svc|local|internal|localdomain|lan|consul)(?:\.|$)/;

/** Reads targets, and remembers them. */
export class Targets {
  readonly #byOrigin = new Map<string, Target | undefined>();
  /** By port and scheme, then by host: to make one key of them costs ten times as much as to look twice. */
  readonly #byPort = new Map<number, Map<string, Target>>();
  #remembered = 0;
  readonly #serviceOf: (host: string) => string | undefined;
  readonly #isListed: (host: string) => boolean;
  readonly #ports: 'any' | ReadonlySet<number>;

  constructor({
    hosts = [],
    ports = [],
    services = [],
  }: Pick<ClientOptions, 'hosts' | 'ports' | 'services'> = {}) {
    const listed = new Set(typeof services === 'function' ? [] : services.map((name) => name.toLowerCase()));
    // A promise is not a yes.
    this.#isListed =
      typeof services === 'function' ? (host) => services(host) === true : (host) => listed.has(host);
    this.#serviceOf = typeof hosts === 'function' ? hosts : (host) => withoutSuffix(host, hosts);
    this.#ports = ports === 'any' ? 'any' : new Set(ports);
  }

  /** `undefined` for what is no http(s) URL: the wrapped client tells what is wrong with it. */
  ofOrigin(origin: string | URL | undefined): Target | undefined {
    if (origin === undefined || origin === null) return undefined;
    const text = typeof origin === 'string' ? origin : origin.origin;
    const known = this.#byOrigin.get(text);
    if (known !== undefined || this.#byOrigin.has(text)) return known;
    const target = this.#parse(text);
    if (this.#byOrigin.size >= MAX_REMEMBERED) this.#byOrigin.clear();
    this.#byOrigin.set(text, target);
    return target;
  }

  /** @param port `undefined` for that of the scheme. */
  of(hostname: string, port: number | undefined, isSecure: boolean): Target {
    const portAndScheme = 2 * (port ?? 0) + (isSecure ? 1 : 0);
    const known = this.#byPort.get(portAndScheme)?.get(hostname);
    if (known !== undefined) return known;
    const target = this.#read(hostname, port, isSecure);
    if (this.#remembered >= MAX_REMEMBERED) {
      this.#byPort.clear();
      this.#remembered = 0;
    }
    this.#remembered++;
    const byHost = this.#byPort.get(portAndScheme) ?? new Map<string, Target>();
    this.#byPort.set(portAndScheme, byHost.set(hostname, target));
    return target;
  }

  #read(hostname: string, port: number | undefined, isSecure: boolean): Target {
    const host = hostname.replace(/^\[|\]$|\.$/g, '').toLowerCase();
    const mapped = this.#serviceOf(host);
    const service = (mapped ?? host).toLowerCase();
    const hasOwnPort = port !== undefined && this.#ports !== 'any' && !this.#ports.has(port);
    const isLocal = isAddressName(host);
    const isSingleLabel = !host.includes('.');
    const isExpected = !isLocal && (this.#isListed(service) || (service !== host && this.#isListed(host)));
    const isListed = isSingleLabel || mapped !== undefined || isExpected || isNeverAHost(host);
    return {
      host,
      service,
      maybeService: !hasOwnPort && !isLocal && isListed,
      isExpected,
      isUnlisted: !hasOwnPort && !isLocal && !isListed,
      isSecure,
      nearly: isLocal ? undefined : nearlyOf(host, mapped, hasOwnPort),
      isLocal,
      isSingleLabel,
    };
  }

  #parse(text: string): Target | undefined {
    if (!URL.canParse(text)) return undefined;
    const { protocol, hostname, port } = new URL(text);
    if (protocol !== 'http:' && protocol !== 'https:') return undefined;
    return this.of(hostname, port === '' ? undefined : Number(port), protocol === 'https:');
  }
}

function withoutSuffix(host: string, suffixes: readonly string[]): string | undefined {
  for (const suffix of suffixes) {
    const end = suffix.startsWith('.') ? suffix.toLowerCase() : `.${suffix.toLowerCase()}`;
    if (host.length > end.length && host.endsWith(end)) return host.slice(0, -end.length);
  }
  return undefined;
}

function nearlyOf(host: string, service: string | undefined, hasOwnPort: boolean): string | undefined {
  const [first = '', ...domain] = host.split('.');
  if (hasOwnPort && (service !== undefined || domain.length === 0)) return (service ?? first).toLowerCase();
  if (service !== undefined || domain.length === 0) return undefined;
  return domain.length === 1 || INSIDE.test(domain.join('.')) ? first : undefined;
}
