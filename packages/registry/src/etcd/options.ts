import type { TlsOptions } from '../http-client/tls-options.js';
import { DEFAULT_GRACE_MS } from '../instance-feed.js';
import { invalidOption, keyPrefix, milliseconds } from '../option-checks.js';

export interface EtcdDirectoryOptions {
  /**
   * Where the cluster's members are reached by clients, `http:` or `https:`. The one that answered last is
   * asked until it fails, then the next. Default: the environment variable `ETCD_URL`, else
   * `http://127.0.0.1:2379`.
   */
  readonly url?: string | readonly string[];
  /** All keys begin with it: parts of `A-Za-z0-9._~-`, each followed by `/`. Default `colorway/`. */
  readonly prefix?: string;
  /** Needs read and write on the prefix, where the cluster has authentication enabled. */
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsOptions;
  /** How long a member may take to answer, in milliseconds. Default 4,000. */
  readonly timeoutMs?: number;
  /**
   * How often each watch asks whether it still knows everything, in milliseconds. Changes come at once in any
   * case; this is how soon a silent outage is noticed, and how old a view at rest may say that it is. Default
   * 15,000.
   */
  readonly checkMs?: number;
  /**
   * How long instances that vanished while etcd was away go on being told of, in milliseconds: the living among
   * them register again within seconds. Default 15,000; 0 believes etcd at once.
   */
  readonly graceMs?: number;
}

/** {@link EtcdDirectoryOptions}, checked and complete. */
export interface EtcdOptions {
  readonly urls: readonly string[];
  readonly prefix: string;
  readonly credentials: { readonly name: string; readonly password: string } | undefined;
  readonly tls: TlsOptions | undefined;
  readonly timeoutMs: number;
  readonly checkMs: number;
  readonly graceMs: number;
}

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
export function resolveOptions(options: EtcdDirectoryOptions): EtcdOptions {
  const { url = process.env.ETCD_URL ?? 'http://127.0.0.1:2379', username, password } = options;
  if ((username === undefined) !== (password === undefined)) {
    throw invalidOption('username', 'a user and a password belong together. Give both, or none.');
  }
  return Object.freeze({
    urls: typeof url === 'string' ? [url] : [...url],
    prefix: keyPrefix(options.prefix, 'colorway/'),
    credentials: username === undefined || password === undefined ? undefined : { name: username, password },
    tls: options.tls,
    timeoutMs: milliseconds('timeoutMs', options.timeoutMs, 4_000),
    checkMs: milliseconds('checkMs', options.checkMs, 15_000),
    graceMs: milliseconds('graceMs', options.graceMs, DEFAULT_GRACE_MS, 0),
  });
}
