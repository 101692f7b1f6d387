import { randomBytes } from 'node:crypto';
import {
  ColorwayError,
  type StateChange,
  type StateEntry,
  type StateStore,
  type Watch,
  type WatchObserver,
} from '@colorway/core';
import { checkKey, checkValue } from '../state-key.js';
import type { ChangeTracker } from './change-tracker.js';
import type { RedisConnection } from './redis-connection.js';
import { type RedisKeySpace, unreadable } from './redis-key-space.js';
import type { RedisLink } from './redis-link.js';
import { COMPARE_AND_DELETE, COMPARE_AND_SET, CREATE } from './scripts.js';
import { entryOf, listState } from './stored-state.js';

/** State in one hash of the primary, each write one script. */
export class RedisState implements StateStore {
  readonly #link: RedisLink;
  readonly #space: RedisKeySpace;
  readonly #tracker: ChangeTracker;
  readonly #wait: { readonly replicas: number; readonly timeoutMs: number } | undefined;

  constructor(
    link: RedisLink,
    space: RedisKeySpace,
    tracker: ChangeTracker,
    wait: { readonly replicas: number; readonly timeoutMs: number } | undefined,
  ) {
    this.#link = link;
    this.#space = space;
    this.#tracker = tracker;
    this.#wait = wait;
  }

  async get(key: string): Promise<StateEntry | undefined> {
    checkKey(key);
    return this.#link.call(async (connection) => {
      const read = connection.send('HGET', this.#space.state, key);
      const [stored] = await Promise.all([read, connection.mustBePrimary()]);
      return stored === null ? undefined : entryOf(connection, key, stored);
    });
  }

  async list(prefix: string): Promise<readonly StateEntry[]> {
    return this.#link.call(async (connection) => {
      const read = listState(connection, this.#space, prefix);
      const [entries] = await Promise.all([read, connection.mustBePrimary()]);
      return entries;
    });
  }

  async now(): Promise<number> {
    return this.#link.call(async (connection) => {
      const told = await connection.send('TIME');
      const [seconds, microseconds] = Array.isArray(told) ? told.map(Number) : [];
      const ms = (seconds ?? Number.NaN) * 1_000 + (microseconds ?? 0) / 1_000;
      if (Number.isFinite(ms)) return Math.floor(ms);
      throw unreadable(connection, told);
    });
  }

  async create(
    key: string,
    value: string,
  ): Promise<{ readonly created: boolean; readonly entry: StateEntry }> {
    checkKey(key);
    checkValue(key, value);
    return this.#link.call(async (connection) => {
      const answer = await this.#space.run(connection, CREATE, this.#space.channel, key, value, nonce());
      if (!Array.isArray(answer)) throw unreadable(connection, answer);
      const created = answer[0] === 1;
      if (created) await this.#replicated(connection);
      return { created, entry: entryOf(connection, key, answer[1]) };
    });
  }

  async compareAndSet(key: string, value: string, version: string): Promise<StateEntry | undefined> {
    checkKey(key);
    checkValue(key, value);
    return this.#link.call(async (connection) => {
      const { channel } = this.#space;
      const stored = await this.#space.run(
        connection,
        COMPARE_AND_SET,
        channel,
        key,
        value,
        nonce(),
        version,
      );
      if (stored === null) return undefined;
      await this.#replicated(connection);
      return entryOf(connection, key, stored);
    });
  }

  async compareAndDelete(key: string, version: string): Promise<boolean> {
    checkKey(key);
    return this.#link.call(async (connection) => {
      const { channel } = this.#space;
      const was = await this.#space.run(connection, COMPARE_AND_DELETE, channel, key, version);
      if (was === 1) await this.#replicated(connection);
      return was === 1;
    });
  }

  watch(prefix: string, observer: WatchObserver<StateChange>): Watch {
    this.#link.mustBeOpen();
    return this.#tracker.watchState(prefix, observer);
  }

  /** Redis answers before its replicas have a write; `WAIT` asks how many have all that this connection wrote. */
  async #replicated(connection: RedisConnection): Promise<void> {
    if (this.#wait === undefined) return;
    const { replicas, timeoutMs } = this.#wait;
    const have = await connection.send('WAIT', String(replicas), String(timeoutMs));
    if (typeof have === 'number' && have >= replicas) return;
    throw new ColorwayError(
      'COLORWAY_DIRECTORY_FAILED',
      `The write is on the primary ${connection.address} and on ${String(have)} of ${replicas} replicas after ${timeoutMs} ms. A failover may lose it. Read the key before you try again.`,
    );
  }
}

function nonce(): string {
  return randomBytes(6).toString('base64url');
}
