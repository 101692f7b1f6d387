import { quote } from '@colorway/core';
import type { TlsOptions } from '../http-client/tls-options.js';
import { DEFAULT_GRACE_MS } from '../instance-feed.js';
import { invalidOption, milliseconds } from '../option-checks.js';

export interface RedisOptions {
  /**
   * `redis://` or, over TLS, `rediss://` with host, port (default 6379), user, password and database number:
   * `redis://user:password@127.0.0.1:6379/0`. Of several, the one that is the primary is used; nodes of a
   * Redis Cluster are such a list. With `sentinel` they are the Sentinels (default port 26379).
   * Default: the environment variable `REDIS_URL`, else `redis://127.0.0.1:6379`.
   */
  readonly url?: string | readonly string[];
  /** The ACL user. Default: that of the URL, else Redis's own `default`. */
  readonly username?: string;
  readonly password?: string;
  /** The database number. Default: that of the URL, else 0. A cluster has only 0. */
  readonly database?: number;
  /** Used with `rediss://`. */
  readonly tls?: TlsOptions;
  /** Asks Sentinels for the primary of this name, at each connecting. Their own user goes here. */
  readonly sentinel?: { readonly name: string; readonly username?: string; readonly password?: string };
  /**
   * What the names of all keys begin with: several directories may share a Redis. Default `colorway`. Without
   * braces it becomes a hash tag, `{colorway}:`, so that a cluster keeps all keys in one slot.
   */
  readonly prefix?: string;
  /** How long connecting, and each answer, may take, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
  /** How often a watch asks whether it has missed anything, in milliseconds. Changes are told at once. Default 5,000. */
  readonly pollMs?: number;
  /** How long instances that vanished during an outage stay in the view, in milliseconds. Default 15,000. */
  readonly graceMs?: number;
  /**
   * Each write of state waits until this many replicas have it too (`WAIT`), and fails with
   * `COLORWAY_DIRECTORY_FAILED` when they have not within `timeoutMs` (default 1,000); it may stand all the same. Default: no.
   */
  readonly wait?: { readonly replicas: number; readonly timeoutMs?: number };
}

/** Where a Redis or a Sentinel listens, and who speaks to it. */
export interface RedisServer {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

/** {@link RedisOptions}, checked and complete. */
export interface ResolvedRedisOptions {
  readonly servers: readonly RedisServer[];
  readonly tls: TlsOptions;
  readonly sentinel:
    | { readonly name: string; readonly primary: Omit<RedisServer, 'host' | 'port'> }
    | undefined;
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly pollMs: number;
  readonly graceMs: number;
  readonly wait: { readonly replicas: number; readonly timeoutMs: number } | undefined;
}

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
export function resolveRedisOptions(options: RedisOptions): ResolvedRedisOptions {
  const { sentinel, wait } = options;
  const urls = [options.url ?? process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'].flat();
  if (urls.length === 0) throw invalidOption('url', '[] names no server.');
  const servers = urls.map((url) => parseServer(url, options));
  const [first] = servers as [RedisServer];
  if (sentinel !== undefined && (typeof sentinel.name !== 'string' || sentinel.name === '')) {
    throw invalidOption('sentinel.name', `${quote(sentinel.name)} must name the primary, like "mymaster".`);
  }
  const prefix = options.prefix ?? 'colorway';
  if (typeof prefix !== 'string' || prefix === '')
    throw invalidOption('prefix', `${quote(prefix)} must be a text.`);
  const { username = undefined, password = undefined } = sentinel ?? {};
  return {
    servers:
      sentinel === undefined ? servers : servers.map((it) => ({ ...it, username, password, database: 0 })),
    tls: options.tls ?? {},
    sentinel: sentinel === undefined ? undefined : { name: sentinel.name, primary: first },
    prefix: /\{[^}]+\}/.test(prefix) ? `${prefix}:` : `{${prefix}}:`,
    timeoutMs: milliseconds('timeoutMs', options.timeoutMs, 5_000),
    pollMs: milliseconds('pollMs', options.pollMs, 5_000, 10),
    graceMs: milliseconds('graceMs', options.graceMs, DEFAULT_GRACE_MS, 0),
    wait: wait && {
      replicas: replicasOf(wait.replicas),
      timeoutMs: milliseconds('wait.timeoutMs', wait.timeoutMs, 1_000),
    },
  };
}

function parseServer(url: string, options: RedisOptions): RedisServer {
  const parsed = tryUrl(url);
  const [user, secret] = [textOf(parsed?.username), textOf(parsed?.password)];
  const isRedis = parsed?.protocol === 'redis:' || parsed?.protocol === 'rediss:';
  if (parsed === null || !isRedis || parsed.hostname === '' || user === null || secret === null) {
    // A password may be in it: it is not shown.
    throw invalidOption(
      'url',
      'must be redis://host:port or rediss://host:port, with an optional user:password@ and /database; reserved characters in them are percent-encoded, a % as %25.',
    );
  }
  const path = parsed.pathname.slice(1);
  const database = options.database ?? Number(path);
  if (!Number.isInteger(database) || database < 0) {
    throw invalidOption('database', `${quote(options.database ?? path)} must be a number from 0.`);
  }
  const defaultPort = options.sentinel === undefined ? 6379 : 26379;
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? defaultPort : Number(parsed.port),
    secure: parsed.protocol === 'rediss:',
    username: options.username ?? user,
    password: options.password ?? secret,
    database,
  };
}

function tryUrl(url: unknown): URL | null {
  try {
    return new URL(String(url));
  } catch {
    return null;
  }
}

/** `null` for a percent sign that encodes nothing. */
function textOf(part = ''): string | undefined | null {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

function replicasOf(value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw invalidOption('wait.replicas', `${quote(value)} must be a number from 1.`);
}
