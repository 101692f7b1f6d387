import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type Coloring, ColorwayError, quote } from '@colorway/core';
import { CALLER, type Caller, formatCaller, parseCaller } from './caller.js';
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

export interface ServiceAuthOptions {
  /** Known to all services that may call each other; at least 32 bytes: `openssl rand -base64 32`. */
  readonly secret?: string;
  /**
   * Several secrets by id (1 to 64 of `A-Za-z0-9._-`), instead of `secret`, to replace one without a failed call:
   * the first signs, all are accepted. Add the new one behind the old, everywhere; put it in front; drop the old one.
   */
  readonly secrets?: Readonly<Record<string, string>>;
  /** How far two clocks may differ, and so how long a captured request can be sent again, in milliseconds. Default 30,000. */
  readonly clockSkewMs?: number;
  /**
   * Whether a request without a valid signature is refused, with `COLORWAY_UNAUTHENTICATED` (401). Default true. A
   * function decides by request: leave out the paths that probes and browsers ask for. With false, look at `callerOf`.
   */
  readonly required?: boolean | ((request: AuthenticatedRequest) => boolean);
}

/** What is seen of a request: that of `node:http` and `node:http2`. */
export interface AuthenticatedRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What proved wrong with a request, for the error's message and for metrics. */
export type Verification =
  | { readonly kind: 'verified'; readonly caller: Caller }
  | { readonly kind: 'refused'; readonly reason: 'missing' | 'malformed' | 'key' | 'time' | 'signature' };

/** Give it to middleware and clients alike, as their option `auth`. */
export interface ServiceAuth {
  /** The headers that prove who sends a request. `header` tells what else the request carries. */
  sign(coloring: Pick<Coloring, 'service' | 'color' | 'carriers'>, message: Message): SignedHeaders;
  /** @param covered headers that must be signed where the request has them: flow headers, and the wanted header. */
  verify(request: AuthenticatedRequest, covered: readonly string[]): Verification;
  /** Whether this request is refused without a signature. */
  isRequired(request: AuthenticatedRequest): boolean;
}

/** By name, in lower case. */
export type SignedHeaders = readonly (readonly [name: string, value: string])[];

/**
 * Lets services prove to each other who they are, with secrets that they share. Signatures are those of RFC 9421
 * (`hmac-sha256`) over method, authority, path, query, the caller's name and color, the flow header, and who is
 * wanted; bodies and baggage are not signed. Whoever knows a secret can call itself by any name: it says that a request comes from one
 * of you. A color grants nothing, with or without it. What is read on the way can be sent again within
 * `clockSkewMs`; use TLS where somebody might listen.
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
const MIN_SECRET_BYTES = 32;

class HmacAuth implements ServiceAuth {
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #signing: readonly [keyId: string, key: KeyObject];
  readonly #skewMs: number;
  readonly #required: boolean | ((request: AuthenticatedRequest) => boolean);

  constructor({ secret, secrets, clockSkewMs = 30_000, required = true }: ServiceAuthOptions) {
    if ((secret === undefined) === (secrets === undefined)) throw invalid('secret: give it, or "secrets".');
    this.#keys = new Map(Object.entries(secrets ?? { default: secret as string }).map(parseKey));
    const [signing] = this.#keys;
    if (signing === undefined) throw invalid('secrets: there is none in it.');
    if (!(typeof clockSkewMs === 'number' && clockSkewMs >= 1_000 && clockSkewMs <= 3_600_000))
      throw invalid(`clockSkewMs: ${quote(clockSkewMs)} must be 1000 to 3600000 milliseconds.`);
    if (typeof required !== 'boolean' && typeof required !== 'function')
      throw invalid(`required: ${quote(required)} must be true, false, or a function.`);
    this.#signing = signing;
    this.#skewMs = clockSkewMs;
    this.#required = required;
  }

  isRequired(request: AuthenticatedRequest): boolean {
    return typeof this.#required === 'function' ? this.#required(request) !== false : this.#required;
  }

  sign({ service, color, carriers }: Parameters<ServiceAuth['sign']>[0], message: Message): SignedHeaders {
    const [keyId, key] = this.#signing;
    const caller = formatCaller(service, color);
    const header = (name: string) => (name === CALLER ? caller : message.header(name));
    const carried = [...carriers.headers, carriers.wantedHeader].filter((name) => header(name) !== undefined);
    const components = [...COVERED, ...carried];
    const input = formatInput(components, Math.floor(Date.now() / 1_000), keyId);
    const base = signatureBase({ ...message, header }, components, input) as string;
    return [
      [CALLER, caller],
      [SIGNATURE_INPUT, `${LABEL}=${input}`],
      [SIGNATURE, `${LABEL}=:${hmac(key, base).toString('base64')}:`],
    ];
  }

  verify(request: AuthenticatedRequest, covered: readonly string[]): Verification {
    const message = messageOf(request);
    const [inputText, signatureText] = [message.header(SIGNATURE_INPUT), message.header(SIGNATURE)];
    if (inputText === undefined || signatureText === undefined) return refused('missing');
    const input = parseInput(inputText);
    const signature = parseSignature(signatureText);
    const caller = parseCaller(message.header(CALLER) ?? '');
    if (input === undefined || signature === undefined || caller === undefined) return refused('malformed');
    const { components, created, keyId, text } = input;
    const key = this.#keys.get(keyId);
    if (key === undefined) return refused('key');
    const needed = [...COVERED, ...covered.filter((name) => message.header(name) !== undefined)];
    const base = needed.every((name) => components.includes(name))
      ? signatureBase(message, components, text)
      : undefined;
    if (base === undefined) return refused('malformed');
    const expected = hmac(key, base);
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
      return refused('signature');
    // A signature of this second may have been made up to a second ago.
    const age = Date.now() - created * 1_000;
    if (age > this.#skewMs + 1_000 || age < -this.#skewMs) return refused('time');
    return { kind: 'verified', caller: Object.freeze({ ...caller, keyId }) };
  }
}

function messageOf(request: AuthenticatedRequest & { readonly originalUrl?: string }): Message {
  const header = (name: string) => {
    const value = request.headers[name];
    return typeof value === 'string' || value === undefined ? value : value.join(', ');
  };
  return {
    method: request.method ?? 'GET',
    authority: header(':authority') ?? header('host') ?? '',
    target: request.originalUrl ?? request.url ?? '/', // Express cuts `url` where a middleware is mounted
    header,
  };
}

function hmac(key: KeyObject, base: string): Buffer {
  return createHmac('sha256', key).update(base).digest();
}

function parseKey([id, secret]: [string, string]): [string, KeyObject] {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(id))
    throw invalid(`secrets: the id ${quote(id)} must be 1 to 64 of A-Za-z0-9._-`);
  // Never in a message: it would end up in a log.
  if (typeof secret !== 'string' || Buffer.byteLength(secret) < MIN_SECRET_BYTES)
    throw invalid(`secret "${id}" is missing or shorter than 32 bytes. Make one: openssl rand -base64 32`);
  return [id, createSecretKey(Buffer.from(secret))];
}

function refused(reason: Extract<Verification, { kind: 'refused' }>['reason']): Verification {
  return { kind: 'refused', reason };
}

function invalid(message: string): ColorwayError {
  return new ColorwayError('COLORWAY_INVALID_OPTION', `serviceAuth: ${message}`);
}
