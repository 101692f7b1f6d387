import { ColorwayError, isColorwayError } from '@colorway/core';
import type { Scope } from '@colorway/core/background';
import { awaited, KeptConnection } from '../kept-connection.js';
import { reasonOf } from '../warn.js';
import type { RedisServer, ResolvedRedisOptions } from './options.js';
import { RedisConnection } from './redis-connection.js';
import { elsewhere, failedAt, replyWord } from './redis-error.js';

/** So often in a row a command may be sent elsewhere before that is a fault. */
const MAX_HOPS = 5;

/**
 * The way to the primary. Connects when it is first used, anew when a connection is lost, and follows the
 * primary when it moves: by the list of servers, by Sentinel, or by the redirections of a cluster.
 */
export class RedisLink {
  readonly #options: ResolvedRedisOptions;
  readonly #kept: KeptConnection<RedisConnection>;
  /** Where to look first. */
  #hint: RedisServer | undefined;

  /** @param what is kept there, as errors call it. */
  constructor(scope: Scope, options: ResolvedRedisOptions, what = 'directory') {
    this.#options = options;
    this.#kept = new KeptConnection(
      scope,
      (signal) => this.#open(signal),
      () => closedError(what),
    );
  }

  /**
   * Does `work` on a connection to the primary. It is done once more, elsewhere, only when Redis says that a
   * command was not carried out; so `work` ends with its first command that writes.
   *
   * @throws ColorwayError `COLORWAY_DIRECTORY_FAILED`, `COLORWAY_CLOSED`, or what `work` throws of its own
   */
  async run<T>(work: (connection: RedisConnection) => Promise<T>): Promise<T> {
    for (let hops = 0; ; hops++) {
      const connection = await this.#kept.get();
      try {
        return await work(connection);
      } catch (error) {
        const target = elsewhere(error);
        if (target !== undefined) {
          this.#hint = target.port === undefined ? undefined : { ...connection.server, ...target };
          connection.close(error as Error);
          if (hops < MAX_HOPS) continue;
        }
        if (replyWord(error) === undefined && !isColorwayError(error)) connection.close(error as Error);
        throw failedAt(connection.address, error);
      }
    }
  }

  /** {@link run}, for a caller who waits: the process stays alive until it ends. */
  call<T>(work: (connection: RedisConnection) => Promise<T>): Promise<T> {
    return awaited(this.run(work));
  }

  mustBeOpen(): void {
    this.#kept.mustBeOpen();
  }

  close(): void {
    this.#kept.close();
  }

  async #open(signal: AbortSignal): Promise<RedisConnection> {
    const problems: ColorwayError[] = [];
    for (const server of await this.#candidates(signal)) {
      try {
        const connection = await this.#openPrimary(server, signal);
        this.#hint = server;
        return connection;
      } catch (error) {
        problems.push(failedAt(`${server.host}:${server.port}`, error));
      }
      this.mustBeOpen();
    }
    this.#hint = undefined;
    throw allFailed(problems);
  }

  async #openPrimary(server: RedisServer, signal: AbortSignal): Promise<RedisConnection> {
    const { tls, timeoutMs } = this.#options;
    const connection = await RedisConnection.open(server, tls, timeoutMs, signal);
    try {
      await connection.mustBePrimary();
      return connection;
    } catch (error) {
      connection.close(error as Error);
      throw error;
    }
  }

  /** The servers that may be the primary, the likeliest first. */
  async #candidates(signal: AbortSignal): Promise<readonly RedisServer[]> {
    const { servers, sentinel } = this.#options;
    const hint = this.#hint;
    if (sentinel !== undefined) return [await this.#askSentinels(sentinel, signal)];
    if (hint === undefined) return servers;
    return [hint, ...servers.filter(({ host, port }) => host !== hint.host || port !== hint.port)];
  }

  /** As Redis's "Guidelines for Redis clients with support for Redis Sentinel" say: one after the other. */
  async #askSentinels(
    sentinel: NonNullable<ResolvedRedisOptions['sentinel']>,
    signal: AbortSignal,
  ): Promise<RedisServer> {
    const { servers, tls, timeoutMs } = this.#options;
    const problems: ColorwayError[] = [];
    for (const server of servers) {
      try {
        const connection = await RedisConnection.open(server, tls, timeoutMs, signal);
        const asked = connection.send('SENTINEL', 'get-master-addr-by-name', sentinel.name);
        const told = await asked.finally(() => connection.close(new Error('asked')));
        if (Array.isArray(told)) return { ...sentinel.primary, host: String(told[0]), port: Number(told[1]) };
        problems.push(failedAt(connection.address, new Error(`it knows no primary "${sentinel.name}"`)));
      } catch (error) {
        problems.push(failedAt(`${server.host}:${server.port}`, error));
      }
      this.mustBeOpen();
    }
    throw allFailed(problems);
  }
}

function allFailed(problems: readonly ColorwayError[]): ColorwayError {
  const [first] = problems;
  if (problems.length === 1 && first !== undefined) return first;
  return new ColorwayError('COLORWAY_DIRECTORY_FAILED', problems.map(reasonOf).join(' '), { cause: first });
}

function closedError(what: string): ColorwayError {
  return new ColorwayError('COLORWAY_CLOSED', `The Redis ${what} is closed. Make a new one.`);
}
