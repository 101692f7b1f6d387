import type { TlsOptions } from '../http-client/tls-options.js';
import { DEFAULT_GRACE_MS } from '../instance-feed.js';
import { invalidOption, keyPrefix, milliseconds } from '../option-checks.js';

export interface ConsulDirectoryOptions {
  /**
   * The agent that this process registers with, usually that of its own machine. Of several, the one that
   * answered last is asked until it fails, then the next. Default: the environment variable `CONSUL_URL`, else
   * `http://127.0.0.1:8500`.
   */
  readonly url?: string | readonly string[];
  /** The ACL token; `service:write` for registering, `service:read` and `node:read` for watching, `key:write` for state. */
  readonly token?: string;
  /** Whose services and keys are read and written. Default: that of the agent. */
  readonly datacenter?: string;
  /** A namespace of Consul Enterprise. Default: the token's own. */
  readonly namespace?: string;
  /** All keys of the state begin with it: parts of `A-Za-z0-9._~-`, each followed by `/`. Default `colorway/`. */
  readonly prefix?: string;
  /** The tags that instances are registered with. Default `['colorway']`. */
  readonly tags?: readonly string[];
  readonly tls?: TlsOptions;
  /** How long Consul may take to answer, in milliseconds; a blocking query has its `waitMs` in addition. Default 4,000. */
  readonly timeoutMs?: number;
  /**
   * How long a blocking query waits for a change, in milliseconds. Changes come at once in any case; this is how
   * soon a silent outage is noticed, and how old a view at rest may say that it is. Default 30,000, at most
   * Consul's 600,000.
   */
  readonly waitMs?: number;
  /**
   * How long instances that vanished, or lost their health, while Consul was away go on being told of, in
   * milliseconds: the living among them register again within seconds. Default 15,000; 0 believes Consul at once.
   */
  readonly graceMs?: number;
}

/** {@link ConsulDirectoryOptions}, checked and complete. */
export interface ConsulOptions {
  readonly urls: readonly string[];
  readonly token: string | undefined;
  readonly datacenter: string | undefined;
  readonly namespace: string | undefined;
  readonly prefix: string;
  readonly tags: readonly string[];
  readonly tls: TlsOptions | undefined;
  readonly timeoutMs: number;
  readonly waitMs: number;
  readonly graceMs: number;
}

const MAX_WAIT_MS = 600_000;

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
export function resolveOptions(options: ConsulDirectoryOptions): ConsulOptions {
  const { url = process.env.CONSUL_URL ?? 'http://127.0.0.1:8500' } = options;
  const waitMs = milliseconds('waitMs', options.waitMs, 30_000);
  if (waitMs > MAX_WAIT_MS) throw invalidOption('waitMs', `${waitMs} is above Consul's ${MAX_WAIT_MS}.`);
  return Object.freeze({
    urls: typeof url === 'string' ? [url] : [...url],
    token: options.token,
    datacenter: options.datacenter,
    namespace: options.namespace,
    prefix: keyPrefix(options.prefix, 'colorway/'),
    tags: Object.freeze([...(options.tags ?? ['colorway'])]),
    tls: options.tls,
    timeoutMs: milliseconds('timeoutMs', options.timeoutMs, 4_000),
    waitMs,
    graceMs: milliseconds('graceMs', options.graceMs, DEFAULT_GRACE_MS, 0),
  });
}
