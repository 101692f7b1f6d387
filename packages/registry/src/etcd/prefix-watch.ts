import { ColorwayError } from '@colorway/core';
import { backoffMs, type Scope, sleep } from '@colorway/core/background';
import type { EtcdClient } from './etcd-client.js';
import { below, fieldsOf, type KeyValue, listOf, parseKeyValue, revisionOf } from './key-value.js';
import { parseWatchMessage } from './watch-message.js';

export interface PrefixObserver {
  /** `afterOutage`: changes were missed meanwhile. */
  all(pairs: readonly KeyValue[], afterOutage: boolean): void;
  changed(put: readonly KeyValue[], removed: readonly string[]): void;
  current(): void;
  error(error: Error): void;
}

const MAX_BACKOFF_MS = 5_000;

/** So many checks, and the stream is opened anew: a network may have forgotten an idle connection. */
const CHECKS_A_STREAM = 20;

/** A stream that says nothing for so long, while the keys are other ones than those that it told of, is deaf. */
const DEAF_MS = 2_000;

/**
 * Follows all keys below a prefix: lists them, and then reads etcd's watch stream from that revision on. Lists
 * anew after every failure, when that history was compacted, and when the server's revision is behind what was
 * seen (a cluster made anew, or from a backup).
 */
export class PrefixWatch {
  readonly #client: EtcdClient;
  readonly #range: { readonly key: string; readonly range_end: string };
  readonly #checkMs: number;
  readonly #observer: PrefixObserver;
  readonly #signal: AbortSignal;
  /** The keys that are known to be there. */
  readonly #keys = new Set<string>();
  /** Up to where everything was told; without it, all has to be listed. */
  #revision: bigint | undefined;
  #cluster: string | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;
  /** Since all was known to be current. */
  #failures = 0;

  /** @param scope ends when the watch is closed. */
  constructor(scope: Scope, client: EtcdClient, prefix: string, checkMs: number, observer: PrefixObserver) {
    this.#signal = scope.signal;
    this.#client = client;
    this.#range = below(prefix);
    this.#checkMs = checkMs;
    this.#observer = observer;
    scope.spawn('follow', () => this.#run());
  }

  async #run(): Promise<void> {
    const signal = this.#signal;
    while (!signal.aborted) {
      try {
        if (this.#revision === undefined) await this.#list();
        await this.#follow(this.#revision ?? 0n);
      } catch (error) {
        if (signal.aborted) return;
        this.#revision = undefined;
        this.#observer.error(error as Error);
        await sleep(backoffMs(this.#failures++, MAX_BACKOFF_MS), signal);
      }
    }
  }

  async #list(): Promise<void> {
    const read = (json: unknown) => ({
      pairs: listOf(fieldsOf(json).kvs).map(parseKeyValue),
      revision: revisionOf(json),
    });
    const { pairs, revision } = await this.#ask({}, read, this.#signal);
    this.#keys.clear();
    for (const { key } of pairs) this.#keys.add(key);
    this.#revision = revision;
    this.#observer.all(pairs, this.#failures > 0);
  }

  /** Reads one stream. Returns when it should be opened anew, and throws when it broke. */
  async #follow(from: bigint): Promise<void> {
    const life = new AbortController();
    const signal = AbortSignal.any([this.#signal, life.signal]);
    const body = { create_request: { ...this.#range, start_revision: String(from + 1n) } };
    const { lines, endpoint } = await this.#client.stream({
      path: 'watch',
      body,
      repeatable: true,
      background: true,
      signal,
    });
    let checks: Promise<void> | undefined;
    try {
      for await (const line of lines) {
        const message = this.#parse(line, endpoint);
        if (message.kind === 'ended') {
          this.#client.forgetToken(); // of an old token etcd says no more than "permission denied"
          throw this.#client.failure(endpoint, message.why);
        }
        if (message.kind === 'compacted' || this.#isForeign(message)) {
          this.#revision = undefined;
          return;
        }
        if (message.kind === 'events') this.#apply(message);
        else checks ??= this.#keepChecking(life);
      }
      throw this.#client.failure(endpoint, 'it ended the watch');
    } catch (error) {
      if (life.signal.aborted && life.signal.reason === RENEW) return;
      throw life.signal.aborted ? life.signal.reason : error;
    } finally {
      life.abort(RENEW);
      await checks;
    }
  }

  #parse(line: string, endpoint: string) {
    try {
      return parseWatchMessage(line);
    } catch (error) {
      this.#client.distrust(endpoint);
      throw this.#client.failure(endpoint, `its watch said what etcd does not say: ${String(error)}`, error);
    }
  }

  /** A server that has not come as far as what was told has another history. */
  #isForeign(message: { readonly revision: bigint; readonly cluster?: string }): boolean {
    const isOther = message.cluster !== undefined && message.cluster !== (this.#cluster ?? message.cluster);
    this.#cluster = message.cluster ?? this.#cluster;
    return isOther || (this.#revision !== undefined && message.revision < this.#revision);
  }

  #apply(message: { toldTo: bigint; put: readonly KeyValue[]; removed: readonly string[] }): void {
    this.#revision = message.toldTo;
    this.#heardAt = performance.now();
    for (const { key } of message.put) this.#keys.add(key);
    for (const key of message.removed) this.#keys.delete(key);
    if (message.put.length + message.removed.length > 0) this.#observer.changed(message.put, message.removed);
  }

  /** Ends the stream's life, by `RENEW` or with the error that it found. */
  async #keepChecking(life: AbortController): Promise<void> {
    try {
      for (let check = 0; check < CHECKS_A_STREAM && !life.signal.aborted; check++) {
        await this.#check(life.signal);
        await sleep(this.#checkMs, life.signal);
      }
      life.abort(RENEW);
    } catch (error) {
      life.abort(error);
    }
  }

  /** As many keys as are known are there: the stream has not gone deaf. */
  async #check(signal: AbortSignal): Promise<void> {
    for (const start = performance.now(); !signal.aborted; ) {
      const read = (json: unknown) => ({
        count: Number(fieldsOf(json).count ?? 0),
        revision: revisionOf(json),
      });
      // The stream may bring a later revision before this answer, of an earlier one, has arrived.
      const known = this.#revision;
      const { count, revision } = await this.#ask({ count_only: true }, read, signal);
      if (signal.aborted) return;
      if (known !== undefined && revision < known) {
        throw anew('The revision of etcd went backwards: it has another history now.');
      }
      if (count === this.#keys.size) {
        this.#failures = 0;
        this.#observer.current();
        return;
      }
      if (performance.now() - Math.max(start, this.#heardAt) > DEAF_MS)
        throw anew('The watch of etcd has missed changes.');
      await sleep(DEAF_MS / 8, signal);
    }
  }

  async #ask<T>(options: object, read: (json: unknown) => T, signal: AbortSignal): Promise<T> {
    const body = { ...this.#range, ...options };
    const call = { path: 'kv/range', body, repeatable: true, background: true, signal };
    return (await this.#client.call(call, read)) as T; // a range is never "not found"
  }
}

/** Why a stream ends that is opened anew, without anything having gone wrong. */
const RENEW = new Error('the stream is opened anew');

function anew(why: string): ColorwayError {
  return new ColorwayError('COLORWAY_DIRECTORY_FAILED', `${why} All is listed anew.`);
}
