import { ColorwayError, runUntraced } from '@colorway/core';
import { Deferred, within } from '@colorway/core/background';
import { createClient, ErrorReply } from 'redis';
import type { TlsOptions } from '../http-client/tls-options.js';
import type { Losable } from '../kept-connection.js';
import type { RedisServer } from './options.js';

/** What is called on a client of the package `redis`. */
interface Client {
  connect(): Promise<unknown>;
  sendCommand(args: readonly string[]): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  unsubscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  unref(): void;
  destroy(): void;
}

/**
 * One connection to one server, for commands and messages alike, so that an answer comes after all messages
 * that were sent before it (RESP 3). It does not mend itself: who finds it lost makes another. It does not
 * keep the process alive.
 */
export class RedisConnection implements Losable {
  readonly address: string;
  readonly server: RedisServer;
  readonly lost = new Deferred();
  readonly #client: Client;
  readonly #timeoutMs: number;
  /** The client forgets a socket that is still connecting. */
  readonly #socket = new AbortController();
  #why: Error | undefined;

  /** @throws what the client throws, or ColorwayError `COLORWAY_DIRECTORY_FAILED` when it is late. */
  static async open(
    server: RedisServer,
    tls: TlsOptions,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<RedisConnection> {
    signal.throwIfAborted();
    const connection = new RedisConnection(server, tls, timeoutMs);
    const abort = (): void => connection.close(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await connection.#within(
        runUntraced(() => connection.#client.connect()),
        signal,
      );
      return connection;
    } catch (error) {
      connection.close(error as Error);
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  private constructor(server: RedisServer, tls: TlsOptions, timeoutMs: number) {
    this.server = server;
    this.address = `${server.host}:${server.port}`;
    this.#timeoutMs = timeoutMs;
    const { username, password, database } = server;
    const { serverName, ca, ...identity } = tls;
    this.#client = createClient({
      RESP: 3,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      database,
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: 'disabled',
      // Each command has a time limit below. The client's own is 5 s, and leaves a timer for each command.
      commandOptions: { timeout: 0 },
      socket: {
        host: server.host,
        port: server.port,
        connectTimeout: timeoutMs,
        signal: this.#socket.signal,
        reconnectStrategy: false,
        ...(server.secure ? { ...identity, tls: true as const } : {}),
        ...(server.secure && ca !== undefined ? { ca: ca as string } : {}),
        ...(server.secure && serverName !== undefined ? { servername: serverName } : {}),
      },
    }) as Client;
    this.#client.on('error', (error) => this.close(error));
    this.#client.unref();
  }

  /** One that is not answered in time makes the connection useless: later answers would be taken for those of others. */
  async send(...args: readonly string[]): Promise<unknown> {
    try {
      return await this.#within(runUntraced(() => this.#client.sendCommand(args)));
    } catch (error) {
      throw error instanceof ErrorReply ? error : (this.#why ?? error);
    }
  }

  get why(): Error | undefined {
    return this.#why;
  }

  /** @throws ErrorReply `READONLY` when it is a replica: it would be read from, and not be up to date. */
  async mustBePrimary(): Promise<void> {
    const role = await this.send('ROLE');
    if (!Array.isArray(role) || role[0] !== 'master') {
      throw new ErrorReply('READONLY it is a replica. Name its primary too, or its Sentinels');
    }
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<() => void> {
    await this.#within(runUntraced(() => this.#client.subscribe(channel, listener)));
    return () => void runUntraced(() => this.#client.unsubscribe(channel, listener)).catch(() => {}); // it is lost, and with it the subscription
  }

  close(why: Error): void {
    this.#why ??= why;
    this.lost.resolve();
    this.#client.destroy();
    this.#socket.abort();
  }

  #within<T>(answer: Promise<T>, signal?: AbortSignal): Promise<T> {
    const onLate = (): ColorwayError => {
      const late = new ColorwayError(
        'COLORWAY_DIRECTORY_FAILED',
        `Redis at ${this.address} has not answered within ${this.#timeoutMs} ms. Check that it can be reached, or raise timeoutMs.`,
      );
      this.close(late);
      return late;
    };
    return within(this.#timeoutMs, answer, onLate, { signal });
  }
}
