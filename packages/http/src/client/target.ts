import { isIP } from 'node:net';

/** Where a call is meant to go, as far as its URL tells. */
export interface Target {
  /** In lower case, as in every URL; an IPv6 address without brackets. Services are matched with it exactly. */
  readonly host: string;
  /** Whether the host may name a service: the URL has its scheme's port. With any other port it names a server. */
  readonly maybeService: boolean;
  /** An IP address or `localhost`. */
  readonly isLocal: boolean;
  /** A name without a dot, as services have and hosts of other companies have not. */
  readonly isSingleLabel: boolean;
}

const MAX_REMEMBERED = 1_000;

/** Reads targets, and remembers those of URLs. */
export class Targets {
  readonly #byOrigin = new Map<string, Target | undefined>();

  /** `undefined` for what is no http(s) URL: the wrapped client tells what is wrong with it. */
  ofOrigin(origin: string | URL | undefined): Target | undefined {
    if (origin === undefined || origin === null) return undefined;
    const text = typeof origin === 'string' ? origin : origin.origin;
    const known = this.#byOrigin.get(text);
    if (known !== undefined || this.#byOrigin.has(text)) return known;
    const target = parse(text);
    if (this.#byOrigin.size >= MAX_REMEMBERED) this.#byOrigin.clear();
    this.#byOrigin.set(text, target);
    return target;
  }
}

/** @param hasOwnPort whether the port is another than the scheme's. */
export function targetOf(hostname: string, hasOwnPort: boolean): Target {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return {
    host,
    maybeService: !hasOwnPort,
    isLocal: host === 'localhost' || isIP(host) !== 0,
    isSingleLabel: !host.includes('.'),
  };
}

function parse(text: string): Target | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  return targetOf(hostname, port !== '');
}
