import { buildConnector, Pool } from 'undici';
import type { Endpoint } from './endpoints.js';
import type { TlsOptions } from './tls-options.js';

/** At most so many calls at once to one endpoint; further ones wait. Consul takes 200 from one address. */
const MAX_CONNECTIONS = 16;
const MAX_CONNECT_MS = 2_000;

/** The connections of one client. */
export class Connections {
  readonly #pools = new Map<string, Pool>();
  readonly #connect: buildConnector.connector;

  constructor(timeoutMs: number, tls: TlsOptions = {}) {
    const { ca, cert, key, passphrase, serverName } = tls;
    this.#connect = buildConnector({
      timeout: Math.min(timeoutMs, MAX_CONNECT_MS),
      ...(ca === undefined ? {} : { ca: Array.isArray(ca) ? [...ca] : (ca as string | Buffer) }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
  }

  /**
   * Calls keep the process alive until they are answered; background calls do not, and have connections of
   * their own, as many as are asked for.
   */
  to({ url }: Endpoint, background: boolean): Pool {
    const key = `${background} ${url}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const pool = new Pool(new URL(url).origin, {
      connect: background ? this.#connectUnreferenced : this.#connect,
      connections: background ? null : MAX_CONNECTIONS,
      // Every call has a deadline of its own.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#pools.set(key, pool);
    return pool;
  }

  /** Breaks off what is under way. */
  async destroy(): Promise<void> {
    await Promise.all(Array.from(this.#pools.values(), (pool) => pool.destroy()));
  }

  /** undici calls `ref` whenever a request begins; these sockets take no notice. */
  readonly #connectUnreferenced: buildConnector.connector = (options, callback) => {
    this.#connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      socket.unref();
      socket.ref = () => socket;
      return callback(null, socket);
    });
  };
}
