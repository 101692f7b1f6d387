import { isIP, isIPv4 } from 'node:net';
import type { ClientOptions } from './options.js';

/** Where a call is meant to go, as far as its URL tells. */
export interface Target {
  /** In lower case, as in every URL; an IPv6 address without brackets, a name without the dot at its end. */
  readonly host: string;
  /** The service that the host names, if there is one of that name: the host itself, or what `hosts` makes of it. */
  readonly service: string;
  /** Whether the host may name a service: the URL has its scheme's port, or one of `ports`. With any other it names a server. */
  readonly maybeService: boolean;
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

/** Reads targets, and remembers those of URLs. */
export class Targets {
  readonly #byOrigin = new Map<string, Target | undefined>();
  readonly #serviceOf: (host: string) => string | undefined;
  readonly #ports: 'any' | ReadonlySet<number>;

  constructor({ hosts = [], ports = [] }: Pick<ClientOptions, 'hosts' | 'ports'> = {}) {
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
  of(hostname: string, port: number | undefined): Target {
    const host = hostname.replace(/^\[|\]$|\.$/g, '').toLowerCase();
    const service = this.#serviceOf(host);
    const hasOwnPort = port !== undefined && this.#ports !== 'any' && !this.#ports.has(port);
    const isLocal = host === 'localhost' || isIP(host) !== 0;
    const isSingleLabel = !host.includes('.');
    return {
      host,
      service: (service ?? numberOf(host) ?? host).toLowerCase(),
      maybeService: !hasOwnPort,
      nearly: isLocal ? undefined : nearlyOf(host, service, hasOwnPort),
      isLocal,
      isSingleLabel,
    };
  }

  #parse(text: string): Target | undefined {
    if (!URL.canParse(text)) return undefined;
    const { protocol, hostname, port } = new URL(text);
    if (protocol !== 'http:' && protocol !== 'https:') return undefined;
    return this.of(hostname, port === '' ? undefined : Number(port));
  }
}

function withoutSuffix(host: string, suffixes: readonly string[]): string | undefined {
  for (const suffix of suffixes) {
    const end = suffix.startsWith('.') ? suffix.toLowerCase() : `.${suffix.toLowerCase()}`;
    if (host.length > end.length && host.endsWith(end)) return host.slice(0, -end.length);
  }
  return undefined;
}

/** In a URL `http://2024/` is `http://0.0.7.232/`: digits alone are an address, and may be the name of a service. */
function numberOf(host: string): string | undefined {
  if (!isIPv4(host)) return undefined;
  return String(host.split('.').reduce((number, part) => number * 256 + Number(part), 0));
}

function nearlyOf(host: string, service: string | undefined, hasOwnPort: boolean): string | undefined {
  const [first = '', ...domain] = host.split('.');
  if (hasOwnPort && (service !== undefined || domain.length === 0)) return (service ?? first).toLowerCase();
  if (service !== undefined || domain.length === 0) return undefined;
  return domain.length === 1 || INSIDE.test(domain.join('.')) ? first : undefined;
}
