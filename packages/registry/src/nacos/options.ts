import { quote } from '@colorway/core';
import type { TlsOptions } from '../http-client/tls-options.js';
import { DEFAULT_GRACE_MS } from '../instance-feed.js';
import { invalidOption, milliseconds } from '../option-checks.js';

export interface NacosOptions {
  /**
   * Where the servers' HTTP ports are, `http:` or `https:`; a path is the context path, default `/nacos`. The
   * one that is connected is used until it fails, then the next. Default: the environment variable
   * `NACOS_URL`, else `http://127.0.0.1:8848`.
   */
  readonly url?: string | readonly string[];
  /** What the gRPC port is above the HTTP port. Default 1,000, as everywhere in Nacos. */
  readonly grpcPortOffset?: number;
  /** Where the server asks for authentication. */
  readonly username?: string;
  readonly password?: string;
  /** For `https:`; gRPC then speaks TLS too. */
  readonly tls?: TlsOptions;
  /** The id of a namespace. Default `public`. */
  readonly namespace?: string;
  /** Default `DEFAULT_GROUP`. */
  readonly group?: string;
  /** Where own instances are registered; those of all clusters are seen. Default `DEFAULT`. */
  readonly cluster?: string;
  /** How long connecting, and each answer, may take, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
  /**
   * How often the names of the services are read, in milliseconds. The instances of a service are pushed; one
   * whose name is new in the group is seen within this time. Default 6,000.
   */
  readonly listMs?: number;
  /** How long instances that vanished during an outage go on being told of, in milliseconds. Default 15,000. */
  readonly graceMs?: number;
}

/** {@link NacosOptions}, checked and complete. */
export interface ResolvedNacosOptions {
  readonly servers: readonly NacosServer[];
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  readonly tls: TlsOptions | undefined;
  readonly namespace: string;
  readonly group: string;
  readonly cluster: string;
  readonly timeoutMs: number;
  readonly listMs: number;
  readonly graceMs: number;
}

export interface NacosServer {
  /** Of its HTTP API, with the context path. */
  readonly url: string;
  readonly host: string;
  readonly grpcPort: number;
  readonly secure: boolean;
}

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
export function resolveNacosOptions(options: NacosOptions): ResolvedNacosOptions {
  const { username, password, grpcPortOffset = 1_000 } = options;
  if ((username === undefined) !== (password === undefined)) {
    throw invalidOption('username', 'a user and a password belong together. Give both, or none.');
  }
  const urls = [options.url ?? process.env.NACOS_URL ?? 'http://127.0.0.1:8848'].flat();
  if (urls.length === 0) throw invalidOption('url', '[] names no server.');
  return Object.freeze({
    servers: urls.map((url) => parseServer(url, grpcPortOffset)),
    credentials: username === undefined || password === undefined ? undefined : { username, password },
    tls: options.tls,
    namespace: name('namespace', options.namespace, 'public'),
    group: name('group', options.group, 'DEFAULT_GROUP'),
    cluster: name('cluster', options.cluster, 'DEFAULT'),
    timeoutMs: milliseconds('timeoutMs', options.timeoutMs, 5_000),
    listMs: milliseconds('listMs', options.listMs, 6_000, 100),
    graceMs: milliseconds('graceMs', options.graceMs, DEFAULT_GRACE_MS, 0),
  });
}

function parseServer(url: string, grpcPortOffset: number): NacosServer {
  const parsed = URL.canParse(String(url)) ? new URL(String(url)) : undefined;
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    throw invalidOption('url', `${quote(url)} must be http:// or https:// with host and port.`);
  }
  const secure = parsed.protocol === 'https:';
  const port = parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port);
  const grpcPort = port + grpcPortOffset;
  if (!Number.isInteger(grpcPort) || grpcPort < 1 || grpcPort > 65_535) {
    throw invalidOption(
      'grpcPortOffset',
      `${quote(grpcPortOffset)} gives port ${grpcPort} for ${quote(url)}.`,
    );
  }
  const path = parsed.pathname === '/' ? '/nacos' : parsed.pathname.replace(/\/$/, '');
  return { url: parsed.origin + path, host: parsed.hostname, grpcPort, secure };
}

/** Nacos joins names with these in its own keys. */
function name(option: string, value: string | undefined, fallback: string): string {
  const text = value === undefined || value === '' ? fallback : value;
  if (typeof text === 'string' && /^[A-Za-z0-9._:-]{1,128}$/.test(text)) return text;
  throw invalidOption(option, `${quote(text)} must be 1 to 128 letters, digits and "._:-".`);
}
