import type { ColorwayError } from '@colorway/core';
import type { Deferred, Scope } from '@colorway/core/background';

/** A connection that stands until it is lost, once and for all. */
export interface Losable {
  /** Settled when it is lost; never rejects. */
  readonly lost: Deferred;
  /** Why it is lost; `undefined` while it stands. */
  readonly why: Error | undefined;
  close(why: Error): void;
}

/** Keeps one connection: opens it when it is first asked for, and another when that one is lost. */
export class KeptConnection<Connection extends Losable> {
  readonly #scope: Scope;
  readonly #open: (signal: AbortSignal) => Promise<Connection>;
  readonly #closedError: () => ColorwayError;
  #opening: Promise<Connection> | undefined;
  #current: Connection | undefined;
  #closed = false;

  /**
   * @param scope owns the opening; its end gives that up.
   * @param open keeps no socket when it fails, or when its signal is aborted.
   */
  constructor(
    scope: Scope,
    open: (signal: AbortSignal) => Promise<Connection>,
    closedError: () => ColorwayError,
  ) {
    this.#scope = scope;
    this.#open = open;
    this.#closedError = closedError;
  }

  /** @throws what `open` throws; the next call tries again. ColorwayError `COLORWAY_CLOSED`. */
  async get(): Promise<Connection> {
    this.mustBeOpen();
    this.#opening ??= this.#scope.run('connecting', (signal) => this.#opened(signal));
    return this.#opening;
  }

  mustBeOpen(): void {
    if (this.#closed || this.#scope.isDisposed) throw this.#closedError();
  }

  close(): void {
    this.#closed = true;
    this.#current?.close(this.#closedError());
  }

  async #opened(signal: AbortSignal): Promise<Connection> {
    try {
      const connection = await this.#open(signal);
      if (this.#closed || signal.aborted) connection.close(this.#closedError());
      this.mustBeOpen();
      this.#current = connection;
      void connection.lost.promise.then(() => {
        this.#current = undefined;
        this.#opening = undefined;
      });
      return connection;
    } catch (error) {
      this.#opening = undefined;
      this.mustBeOpen(); // What was given up fails with the close, however the client says that.
      throw error;
    }
  }
}

/** Keeps the process alive while somebody waits for `work`; the connections below do not. */
export async function awaited<T>(work: Promise<T>): Promise<T> {
  const keepAlive = setInterval(() => {}, 60_000);
  try {
    return await work;
  } finally {
    clearInterval(keepAlive);
  }
}
