import { createSecretKey, type KeyObject } from 'node:crypto';
import { ColorwayError, quote, type ReplayStore } from '@colorway/core';
import { replayMemory } from './replay.js';

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
   * 100,000 in this process: a copy can be sent once more to each other instance. A store of all instances
   * (`redisReplayStore` of `@colorway/registry/redis`) prevents that. Needs it on both sides. Default false.
   */
  readonly replay?: boolean | ReplayStore;
  /**
   * What happens to a request of which the store cannot tell whether it was seen: it fails, or has not answered in time.
   * `'refuse'`: ColorwayError `COLORWAY_REPLAY_UNKNOWN` (503), as long as the store is away, wherever a signature is
   * required. `'allow'`: it is served, and so is a copy of it. Said once either way. Default `'refuse'`.
   */
  readonly whenReplayUnknown?: 'refuse' | 'allow';
  /**
   * How far two clocks may differ, in milliseconds: 1,000 to 3,600,000. A signature is valid from `clockSkewMs` before its
   * creation time until `clockSkewMs` plus one second after it (times are whole seconds), by the clock of who verifies it, and not
   * beyond the `expires` of another signer. Between clocks that agree a captured request can be sent again for
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

/** {@link ServiceAuthOptions}, checked and complete. */
export interface ResolvedServiceAuthOptions {
  readonly keys: ReadonlyMap<string, KeyObject>;
  readonly signing: readonly [keyId: string, key: KeyObject];
  readonly skewMs: number;
  readonly required: boolean | ((request: AuthenticatedRequest) => boolean);
  /** As {@link hostOfAuthority} writes them. */
  readonly authorities: ReadonlySet<string>;
  readonly replay: ReplayStore | undefined;
  readonly whenReplayUnknown: 'refuse' | 'allow';
}

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
export function resolveServiceAuthOptions(options: ServiceAuthOptions): ResolvedServiceAuthOptions {
  const { clockSkewMs = 30_000, required = true, whenReplayUnknown = 'refuse' } = options;
  const { authorities = [], replay = false } = options;
  const { keys, signing } = keysOf(options);
  if (!Array.isArray(authorities) || !authorities.every((one) => typeof one === 'string' && one !== ''))
    throw invalid(`authorities: ${quote(authorities)} must be a list of hosts.`);
  if (typeof replay !== 'boolean' && typeof (replay as Partial<ReplayStore>)?.isNew !== 'function')
    throw invalid('replay: it must be true, false, or a store with isNew().');
  if (whenReplayUnknown !== 'refuse' && whenReplayUnknown !== 'allow')
    throw invalid(`whenReplayUnknown: ${quote(whenReplayUnknown)} must be "refuse" or "allow".`);
  if (!(typeof clockSkewMs === 'number' && clockSkewMs >= 1_000 && clockSkewMs <= 3_600_000))
    throw invalid(`clockSkewMs: ${quote(clockSkewMs)} must be 1000 to 3600000 milliseconds.`);
  if (typeof required !== 'boolean' && typeof required !== 'function')
    throw invalid(`required: ${quote(required)} must be true, false, or a function.`);
  return {
    keys,
    signing,
    skewMs: clockSkewMs,
    required,
    authorities: new Set(authorities.map(hostOfAuthority)),
    replay: replay === true ? replayMemory() : replay === false ? undefined : replay,
    whenReplayUnknown,
  };
}

function keysOf({ secret, secrets, signWith }: ServiceAuthOptions) {
  if ((secret === undefined) === (secrets === undefined)) throw invalid('secret: give it, or "secrets".');
  const pairs = Array.isArray(secrets) ? secrets : Object.entries(secrets ?? { default: secret as string });
  const keys: ReadonlyMap<string, KeyObject> = new Map(pairs.map(parseKey));
  if (keys.size < pairs.length) throw invalid('secrets: the same id appears twice.');
  const [first] = keys.keys();
  const keyId = signWith ?? first;
  const key = keyId === undefined ? undefined : keys.get(keyId);
  if (keyId === undefined || key === undefined)
    throw invalid(
      signWith === undefined ? 'secrets: there is none in it.' : 'signWith: no secret has that id.',
    );
  const isSorted = !Array.isArray(secrets) && pairs.length > 1 && pairs.some(([id]) => WHOLE_NUMBER.test(id));
  if (signWith === undefined && isSorted)
    throw invalid(
      'secrets: JavaScript sorts ids that are whole numbers to the front of an object. Say with "signWith" which one signs, or give a list of pairs.',
    );
  return { keys, signing: [keyId, key] as const };
}

/** In lower case, without port, as names of services and the option are compared. */
export function hostOfAuthority(authority: string): string {
  return authority
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$|\.$/g, '');
}

/** As JavaScript tells the keys that it sorts. */
const WHOLE_NUMBER = /^(?:0|[1-9]\d{0,9})$/;

const MIN_SECRET_BYTES = 32;

function parseKey([id, secret]: [string, string]): [string, KeyObject] {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(id))
    throw invalid(`secrets: the id ${quote(id)} must be 1 to 64 of A-Za-z0-9._-`);
  // Never in a message: it would end up in a log.
  if (typeof secret !== 'string' || Buffer.byteLength(secret) < MIN_SECRET_BYTES)
    throw invalid(`secret "${id}" is missing or shorter than 32 bytes. Make one: openssl rand -base64 32`);
  return [id, createSecretKey(Buffer.from(secret))];
}

function invalid(message: string): ColorwayError {
  return new ColorwayError('COLORWAY_INVALID_OPTION', `serviceAuth: ${message}`);
}
