import type { ColorwayError } from '@colorway/core';
import type { Deferred } from '@colorway/core/background';

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
  readonly #open: () => Promise<Connection>;
  readonly #closedError: () => ColorwayError;
  #opening: Promise<Connection> | undefined;
  #current: Connection | undefined;
  #closed = false;

  constructor(open: () => Promise<Connection>, closedError: () => ColorwayError) {
    this.#open = open;
    this.#closedError = closedError;
  }

  /** @throws what `open` throws; the next call tries again. ColorwayError `COLORWAY_CLOSED`. */
  async get(): Promise<Connection> {
    this.mustBeOpen();
    this.#opening ??= this.#opened();
    return this.#opening;
  }

  mustBeOpen(): void {
    if (this.#closed) throw this.#closedError();
  }

  close(): void {
    this.#closed = true;
    this.#current?.close(this.#closedError());
  }

  async #opened(): Promise<Connection> {
    try {
      const connection = await this.#open();
      if (this.#closed) connection.close(this.#closedError());
      this.mustBeOpen();
      this.#current = connection;
      void connection.lost.promise.then(() => {
        this.#current = undefined;
        this.#opening = undefined;
      });
      return connection;
    } catch (error) {
      this.#opening = undefined;
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
