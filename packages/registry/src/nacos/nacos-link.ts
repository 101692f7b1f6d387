import { ColorwayError } from '@colorway/core';
import type { Scope } from '@colorway/core/background';
import { awaited, KeptConnection } from '../kept-connection.js';
import { reasonOf } from '../warn.js';
import { NacosConnection } from './nacos-connection.js';
import type { NacosHttp } from './nacos-http.js';
import type { ResolvedNacosOptions } from './options.js';

/** The way to a server of the cluster; when it is lost, to the next. */
export class NacosLink {
  readonly #options: ResolvedNacosOptions;
  readonly #http: NacosHttp;
  readonly #kept: KeptConnection<NacosConnection>;
  readonly #prepare: (connection: NacosConnection) => Promise<void>;
  /** Which server is tried first. */
  #first = 0;

  /** `prepare` is done on each new connection before anybody uses it. */
  constructor(
    scope: Scope,
    options: ResolvedNacosOptions,
    http: NacosHttp,
    prepare: (connection: NacosConnection) => Promise<void>,
  ) {
    this.#kept = new KeptConnection(scope, (signal) => this.#open(signal), closedError);
    this.#options = options;
    this.#http = http;
    this.#prepare = prepare;
  }

  /** The connection; opened if there is none. @throws ColorwayError `COLORWAY_DIRECTORY_FAILED`, `COLORWAY_CLOSED` */
  connection(): Promise<NacosConnection> {
    return this.#kept.get();
  }

  /** For a caller who waits: the process stays alive until `work` ends. */
  call<T>(work: (connection: NacosConnection) => Promise<T>): Promise<T> {
    return awaited(this.#kept.get().then(work));
  }

  mustBeOpen(): void {
    this.#kept.mustBeOpen();
  }

  close(): void {
    this.#kept.close();
  }

  async #open(signal: AbortSignal): Promise<NacosConnection> {
    const { servers } = this.#options;
    const problems: unknown[] = [];
    for (let tried = 0; tried < servers.length; tried++) {
      const at = (this.#first + tried) % servers.length;
      try {
        const connection = await this.#openTo(at, signal);
        this.#first = at;
        return connection;
      } catch (error) {
        problems.push(error);
      }
      this.mustBeOpen();
    }
    // The token may be what they refuse.
    this.#http.forget();
    if (problems.length === 1) throw problems[0];
    throw new ColorwayError('COLORWAY_DIRECTORY_FAILED', problems.map(reasonOf).join(' '), {
      cause: problems[0],
    });
  }

  async #openTo(at: number, signal: AbortSignal): Promise<NacosConnection> {
    const server = this.#options.servers[at] as ResolvedNacosOptions['servers'][number];
    const headers = () => this.#http.headers();
    const connection = await NacosConnection.open(server, this.#options, headers, signal);
    const abort = (): void => connection.close(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await this.#prepare(connection);
      return connection;
    } catch (error) {
      connection.close(error as Error);
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}

function closedError(): ColorwayError {
  return new ColorwayError('COLORWAY_CLOSED', 'The Nacos directory is closed. Make a new one.');
}
