import { createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Coloring, parseWanted } from '@colorway/core';
import { CALLER, type Caller, formatCaller, parseCaller } from './caller.js';
import { askWhetherNew, type Newness } from './replay-question.js';
import {
  type AuthenticatedRequest,
  hostOfAuthority,
  type ResolvedServiceAuthOptions,
  resolveServiceAuthOptions,
  type ServiceAuthOptions,
} from './service-auth-options.js';
import {
  formatInput,
  LABEL,
  type Message,
  parseInput,
  parseSignature,
  SIGNATURE,
  SIGNATURE_INPUT,
  signatureBase,
} from './signature.js';

/** Whether a request is proved, and what proved wrong with it, for the error's message and for metrics. */
export type Verification =
  | SettledVerification
  /** Its signature is right, and a store is asked whether it was seen. Never rejects. */
  | { readonly kind: 'asking'; readonly settled: Promise<SettledVerification> };

export type SettledVerification =
  | { readonly kind: 'verified'; readonly caller: Caller }
  | {
      readonly kind: 'refused';
      /** `unknown`: nobody can tell whether it was seen. */
      readonly reason:
        | 'missing'
        | 'malformed'
        | 'key'
        | 'time'
        | 'signature'
        | 'receiver'
        | 'replay'
        | 'unknown';
    };

/** Who takes a request. */
export interface Receiver {
  /** Its names, in lower case. */
  readonly services: ReadonlySet<string>;
  /** The header that says whom the request is for. */
  readonly wantedHeader: string;
}

/** Give it to middleware and clients alike, as their option `auth`. */
export interface ServiceAuth {
  /** The headers that prove who sends a request. `header` tells what else the request carries. */
  sign(coloring: Pick<Coloring, 'service' | 'color' | 'carriers'>, message: Message): SignedHeaders;
  /**
   * @param covered headers that must be signed where the request has them: flow headers, and the wanted header.
   * @param receiver whom the request may have been signed for; left out, it is not asked.
   */
  verify(request: AuthenticatedRequest, covered: readonly string[], receiver?: Receiver): Verification;
  /** Whether this request is refused without a signature. */
  isRequired(request: AuthenticatedRequest): boolean;
}

/** By name, in lower case. */
export type SignedHeaders = readonly (readonly [name: string, value: string])[];

/**
 * Lets services prove to each other who they are, with secrets that they share. Signatures are those of RFC 9421
 * (`hmac-sha256`) over method, authority, path, query, the caller's name and color, the flow header, and who is
 * wanted; bodies and baggage are not signed. Whoever knows a secret can call itself by any name: it says that a request comes from one
 * of you, and that it was made for the service that takes it. A color grants nothing, with or without it. What is read on
 * the way can be sent again to the same service within `clockSkewMs`, or not at all with `replay`; use TLS where somebody
 * might listen.
 *
 *     const auth = serviceAuth({ secret: process.env.SERVICE_SECRET });
 *     app.use(expressColoring(coloring, { auth }));
 *     const fetch = coloredFetch(coloring, { auth });
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function serviceAuth(options: ServiceAuthOptions): ServiceAuth {
  return new HmacAuth(options);
}

const COVERED = ['@method', '@authority', '@path', '@query', CALLER] as const;
/** It is remembered: a signer must not choose how much. */
const MAX_NONCE = 256;

class HmacAuth implements ServiceAuth {
  readonly #options: ResolvedServiceAuthOptions;

  constructor(options: ServiceAuthOptions) {
    this.#options = resolveServiceAuthOptions(options);
  }

  isRequired(request: AuthenticatedRequest): boolean {
    const { required } = this.#options;
    return typeof required === 'function' ? required(request) !== false : required;
  }

  sign({ service, color, carriers }: Parameters<ServiceAuth['sign']>[0], message: Message): SignedHeaders {
    const { signing, replay } = this.#options;
    const [keyId, key] = signing;
    const caller = formatCaller(service, color);
    const header = (name: string) => (name === CALLER ? caller : message.header(name));
    const carried = [...carriers.headers, carriers.wantedHeader].filter((name) => header(name) !== undefined);
    const components = [...COVERED, ...carried];
    const nonce = replay === undefined ? undefined : randomBytes(16).toString('base64url');
    const input = formatInput(components, Math.floor(Date.now() / 1_000), keyId, nonce);
    const base = signatureBase({ ...message, header }, components, input) as string;
    return [
      [CALLER, caller],
      [SIGNATURE_INPUT, `${LABEL}=${input}`],
      [SIGNATURE, `${LABEL}=:${hmac(key, base).toString('base64')}:`],
    ];
  }

  verify(request: AuthenticatedRequest, covered: readonly string[], receiver?: Receiver): Verification {
    const message = messageOf(request);
    if (message === undefined) return refused('malformed');
    const [inputText, signatureText] = [message.header(SIGNATURE_INPUT), message.header(SIGNATURE)];
    if (inputText === undefined || signatureText === undefined) return refused('missing');
    const input = parseInput(inputText);
    const signature = parseSignature(signatureText);
    const caller = parseCaller(message.header(CALLER) ?? '');
    if (input === undefined || signature === undefined || caller === undefined) return refused('malformed');
    const { components, created, keyId, expires, nonce, text } = input;
    const key = this.#options.keys.get(keyId);
    if (key === undefined) return refused('key');
    const needed = [...COVERED, ...covered.filter((name) => message.header(name) !== undefined)];
    const base = needed.every((name) => components.includes(name))
      ? signatureBase(message, components, text)
      : undefined;
    if (base === undefined) return refused('malformed');
    const expected = hmac(key, base);
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
      return refused('signature');
    if (nonce !== undefined && nonce.length > MAX_NONCE) return refused('malformed');
    const { skewMs, replay } = this.#options;
    const now = Date.now();
    // A signature of this second may have been made up to a second ago.
    const endsAt = (created + 1) * 1_000 + skewMs;
    if (now >= endsAt || now < created * 1_000 - skewMs) return refused('time');
    if (expires !== undefined && now >= expires * 1_000) return refused('time');
    if (receiver !== undefined && !this.#isFor(receiver, message)) return refused('receiver');
    const verified = { kind: 'verified', caller: Object.freeze({ ...caller, keyId }) } as const;
    if (replay === undefined) return verified;
    if (nonce === undefined) return refused('replay');
    const newness = askWhetherNew(replay, `${keyId} ${nonce}`, endsAt, skewMs);
    if (!(newness instanceof Promise)) return this.#once(newness, verified);
    return { kind: 'asking', settled: newness.then((known) => this.#once(known, verified)) };
  }

  #once(newness: Newness, verified: SettledVerification): SettledVerification {
    if (newness === 'new') return verified;
    if (newness === 'seen') return refused('replay');
    return this.#options.whenReplayUnknown === 'allow' ? verified : refused('unknown');
  }

  /** By whom the signed request wants, where it says so; else by the host that it was sent to. */
  #isFor({ services, wantedHeader }: Receiver, { header, authority }: Message): boolean {
    const wanted = parseWanted(header(wantedHeader));
    if (wanted !== undefined) return services.has(wanted.service);
    const host = hostOfAuthority(authority);
    return services.has(host) || this.#options.authorities.has(host);
  }
}

/** Express cuts `url` where a middleware is mounted: this is the whole one. */
export function wholeUrl({
  originalUrl,
  url,
}: AuthenticatedRequest & { readonly originalUrl?: string }): string | undefined {
  return originalUrl ?? url;
}

/** `undefined` where the request says two hosts: what was signed, and what routes it, could be two things. */
function messageOf(request: AuthenticatedRequest): Message | undefined {
  const header = (name: string) => {
    const value = request.headers[name];
    return typeof value === 'string' || value === undefined ? value : value.join(', ');
  };
  const [authority, host] = [header(':authority'), header('host')];
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase())
    return undefined;
  return {
    method: request.method ?? 'GET',
    authority: authority ?? host ?? '',
    target: wholeUrl(request) ?? '/',
    header,
  };
}

function hmac(key: KeyObject, base: string): Buffer {
  return createHmac('sha256', key).update(base).digest();
}

function refused(reason: Extract<SettledVerification, { kind: 'refused' }>['reason']): SettledVerification {
  return { kind: 'refused', reason };
}
