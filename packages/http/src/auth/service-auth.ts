import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Coloring, ColorwayError, parseWanted, quote } from '@colorway/core';
import { CALLER, type Caller, formatCaller, parseCaller } from './caller.js';
import { type ReplayStore, replayMemory } from './replay.js';
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
   * the first signs, or that of `signWith`; all are accepted. Add the new one behind the old, everywhere; put it in
   * front; drop the old one. JavaScript sorts ids that are whole numbers (`2026`) to the front of an object, whatever
   * is written: with one of them among several, say `signWith`, or give a list of pairs.
   */
  readonly secrets?: Readonly<Record<string, string>> | readonly (readonly [id: string, secret: string])[];
  /** The id of the secret that signs. Default: the first of `secrets`. */
  readonly signWith?: string;
  /**
   * Hosts under which this service is called, beside its name (`shop.example`, `10.0.0.7`), for callers whose signatures
   * do not say whom they want. In any case, without port. A signature for another service is refused. Default none.
   */
  readonly authorities?: readonly string[];
  /**
   * Whether a signature counts once: requests carry a nonce, and one that was seen is refused. `true` remembers the last
   * 100,000 in this process: a copy can be sent once more to each other instance. Needs it on both sides. Default false.
   */
  readonly replay?: boolean | ReplayStore;
  /**
   * How far two clocks may differ, in milliseconds. A signature is valid from `clockSkewMs` before its creation time until
   * `clockSkewMs` plus one second after it (times are whole seconds). Between clocks that agree a captured request can be sent again for
   * that long, and for up to twice as long if its sender's clock is ahead; `replay` prevents it. Default 30,000.
   */
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
  | {
      readonly kind: 'refused';
      readonly reason: 'missing' | 'malformed' | 'key' | 'time' | 'signature' | 'receiver' | 'replay';
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
const MIN_SECRET_BYTES = 32;

class HmacAuth implements ServiceAuth {
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #signing: readonly [keyId: string, key: KeyObject];
  readonly #skewMs: number;
  readonly #required: boolean | ((request: AuthenticatedRequest) => boolean);
  readonly #authorities: ReadonlySet<string>;
  readonly #replay: ReplayStore | undefined;

  constructor(options: ServiceAuthOptions) {
    const { secret, secrets, signWith, clockSkewMs = 30_000, required = true } = options;
    const { authorities = [], replay = false } = options;
    if ((secret === undefined) === (secrets === undefined)) throw invalid('secret: give it, or "secrets".');
    const pairs = Array.isArray(secrets) ? secrets : Object.entries(secrets ?? { default: secret as string });
    this.#keys = new Map(pairs.map(parseKey));
    if (this.#keys.size < pairs.length) throw invalid('secrets: the same id appears twice.');
    const [first] = this.#keys.keys();
    const signing = signWith ?? first;
    const key = signing === undefined ? undefined : this.#keys.get(signing);
    if (signing === undefined || key === undefined)
      throw invalid(
        signWith === undefined ? 'secrets: there is none in it.' : 'signWith: no secret has that id.',
      );
    const isSorted =
      !Array.isArray(secrets) && pairs.length > 1 && pairs.some(([id]) => WHOLE_NUMBER.test(id));
    if (signWith === undefined && isSorted)
      throw invalid(
        'secrets: JavaScript sorts ids that are whole numbers to the front of an object. Say with "signWith" which one signs, or give a list of pairs.',
      );
    if (!Array.isArray(authorities) || !authorities.every((one) => typeof one === 'string' && one !== ''))
      throw invalid(`authorities: ${quote(authorities)} must be a list of hosts.`);
    if (typeof replay !== 'boolean' && typeof (replay as Partial<ReplayStore>)?.isNew !== 'function')
      throw invalid('replay: it must be true, false, or a store with isNew().');
    if (!(typeof clockSkewMs === 'number' && clockSkewMs >= 1_000 && clockSkewMs <= 3_600_000))
      throw invalid(`clockSkewMs: ${quote(clockSkewMs)} must be 1000 to 3600000 milliseconds.`);
    if (typeof required !== 'boolean' && typeof required !== 'function')
      throw invalid(`required: ${quote(required)} must be true, false, or a function.`);
    this.#signing = [signing, key];
    this.#authorities = new Set(authorities.map(hostOfAuthority));
    this.#replay = replay === true ? replayMemory() : replay === false ? undefined : replay;
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
    const nonce = this.#replay === undefined ? undefined : randomBytes(16).toString('base64url');
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
    const now = Date.now();
    const age = now - created * 1_000;
    if (age > this.#skewMs + 1_000 || age < -this.#skewMs) return refused('time');
    if (expires !== undefined && now >= expires * 1_000) return refused('time');
    if (receiver !== undefined && !this.#isFor(receiver, message)) return refused('receiver');
    if (this.#replay !== undefined) {
      const endsAt = created * 1_000 + this.#skewMs + 1_000;
      if (nonce === undefined || !this.#replay.isNew(`${keyId} ${nonce}`, endsAt)) return refused('replay');
    }
    return { kind: 'verified', caller: Object.freeze({ ...caller, keyId }) };
  }

  /** By whom the signed request wants, where it says so; else by the host that it was sent to. */
  #isFor({ services, wantedHeader }: Receiver, { header, authority }: Message): boolean {
    const wanted = parseWanted(header(wantedHeader));
    if (wanted !== undefined) return services.has(wanted.service);
    const host = hostOfAuthority(authority);
    return services.has(host) || this.#authorities.has(host);
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

/** In lower case, without port, as names of services and the option are compared. */
function hostOfAuthority(authority: string): string {
  return authority
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$|\.$/g, '');
}

/** As JavaScript tells the keys that it sorts. */
const WHOLE_NUMBER = /^(?:0|[1-9]\d{0,9})$/;

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
