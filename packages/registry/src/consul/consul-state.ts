import { randomInt } from 'node:crypto';
import {
  ColorwayError,
  quote,
  type StateChange,
  type StateEntry,
  type StateStore,
  type Watch,
  type WatchObserver,
} from '@colorway/core';
import { dateOf, type HttpAnswer } from '../http-client/index.js';
import { checkKey, checkValue } from '../state-key.js';
import { WatchFeed } from '../watch-feed.js';
import type { Watches } from '../watches.js';
import { BlockingQuery } from './blocking-query.js';
import type { ConsulClient } from './consul-client.js';
import { fieldsOf, listOf, optionalList, textOf } from './json.js';

/** A version that Consul could have given: 0 would mean "there is none". */
const INDEX = /^[1-9]\d{0,15}$/;

/** Of a transaction whose conditions do not hold. */
const CONFLICT = 409;
const FORBIDDEN = 403;
const NOT_FOUND = 404;
const DENIED = /permission denied/i;
const MAX_ATTEMPTS = 10;
const MAX_FLAGS = 2 ** 48 - 1;

/**
 * State in Consul's key-value store, below a prefix; versions are `ModifyIndex`. Reads and writes are
 * transactions of one operation (`/v1/txn`, reads with `?consistent`): unlike `?cas=` they answer with the index
 * of what they wrote, and they hold keys that no URL can.
 */
export class ConsulState implements StateStore {
  readonly #client: ConsulClient;
  readonly #prefix: string;
  readonly #watches: Watches;
  readonly #waitMs: number;

  constructor(client: ConsulClient, prefix: string, watches: Watches, waitMs: number) {
    this.#client = client;
    this.#prefix = prefix;
    this.#watches = watches;
    this.#waitMs = waitMs;
  }

  async get(key: string): Promise<StateEntry | undefined> {
    checkKey(key);
    return (await this.#read({ Verb: 'get', Key: this.#prefix + key }))?.[0];
  }

  async list(prefix: string): Promise<readonly StateEntry[]> {
    return (await this.#read({ Verb: 'get-tree', Key: this.#prefix + prefix })) ?? [];
  }

  async create(
    key: string,
    value: string,
  ): Promise<{ readonly created: boolean; readonly entry: StateEntry }> {
    checkKey(key);
    checkValue(key, value);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const entry = await this.#write(key, value, 0);
      if (entry !== undefined) return { created: true, entry };
      const standing = await this.get(key);
      if (standing !== undefined) return { created: false, entry: standing };
      // Deleted in between: try to be the one who creates it anew.
    }
    throw new ColorwayError(
      'COLORWAY_DIRECTORY_FAILED',
      `Consul says that the key ${quote(key)} is there, and does not show it. The token needs "read" on it, which "write" includes.`,
    );
  }

  async compareAndSet(key: string, value: string, version: string): Promise<StateEntry | undefined> {
    checkKey(key);
    checkValue(key, value);
    return INDEX.test(version) ? this.#write(key, value, Number(version)) : undefined;
  }

  async compareAndDelete(key: string, version: string): Promise<boolean> {
    checkKey(key);
    if (!INDEX.test(version)) return false;
    const at = { Key: this.#prefix + key, Index: Number(version) };
    // Alone, `delete-cas` is content with a key that is not there.
    const operations = [
      { Verb: 'check-index', ...at },
      { Verb: 'delete-cas', ...at },
    ];
    return (await this.#transaction(operations, {})) !== undefined;
  }

  watch(prefix: string, observer: WatchObserver<StateChange>): Watch {
    return this.#watches.add(`watch of ${prefix}`, (scope, onClose) => {
      const feed = new WatchFeed(observer, onClose);
      let known: ReadonlyMap<string, StateEntry> | undefined;
      new BlockingQuery(
        scope,
        this.#client,
        {
          path: `kv/${cleanPath(this.#prefix + prefix)}`,
          query: { recurse: '' },
          expect: [NOT_FOUND],
          waitMs: this.#waitMs,
        },
        (answer) => this.#below(prefix, answer),
        {
          answered: (entries, { afterOutage }) => {
            const before = afterOutage ? undefined : known;
            known = new Map(entries.map((entry) => [entry.key, entry]));
            if (before === undefined) feed.next({ kind: 'snapshot', entries });
            else tellChanges(feed, before, known);
          },
          unchanged: () => feed.current(),
          failed: (error) => feed.error(error),
        },
      );
      return feed;
    });
  }

  /** Every answer has it; this one is the smallest. */
  now(): Promise<number> {
    return this.#client.call({ path: 'status/leader', expect: [FORBIDDEN] }, dateOf);
  }

  /** The entry as written; `undefined` when the key has not this index. */
  async #write(key: string, value: string, index: number): Promise<StateEntry | undefined> {
    const Value = Buffer.from(value).toString('base64');
    // Of the same value Consul would make no write, and no new index; other flags make it one.
    const Flags = randomInt(MAX_FLAGS);
    const operation = { Verb: 'cas', Key: this.#prefix + key, Value, Flags, Index: index };
    const written = await this.#transaction([operation], {});
    if (written === undefined) return undefined;
    return Object.freeze({ key, value, version: String(written[0]?.ModifyIndex) });
  }

  async #read(operation: object): Promise<StateEntry[] | undefined> {
    const read = await this.#transaction([operation], { query: { consistent: '' }, repeatable: true });
    return read?.map((pair) => this.#entry(pair));
  }

  async #transaction(
    operations: readonly object[],
    options: { readonly query?: Record<string, string>; readonly repeatable?: boolean },
  ): Promise<Readonly<Record<string, unknown>>[] | undefined> {
    const json = operations.map((operation) => ({ KV: operation }));
    const call = { method: 'PUT', path: 'txn', json, expect: [CONFLICT], ...options } as const;
    const { answer, results } = await this.#client.call(call, (given) => ({
      answer: given,
      results: resultsOf(given),
    }));
    // A key that the token may not write is answered for like one that another has written.
    if (results === undefined && DENIED.test(answer.text)) throw this.#client.refusal(answer, 'PUT /v1/txn');
    return results;
  }

  #below(prefix: string, answer: HttpAnswer): StateEntry[] {
    const pairs = answer.status === NOT_FOUND ? [] : listOf(answer.text);
    return pairs.map((pair) => this.#entry(fieldsOf(pair))).filter(({ key }) => key.startsWith(prefix));
  }

  #entry({ Key, Value, ModifyIndex }: Readonly<Record<string, unknown>>): StateEntry {
    return Object.freeze({
      key: textOf(Key).slice(this.#prefix.length),
      value: Buffer.from(textOf(Value), 'base64').toString('utf8'),
      version: String(ModifyIndex),
    });
  }
}

/** `undefined` when the conditions of the transaction do not hold. @throws Error for what is no answer of Consul's */
function resultsOf(answer: HttpAnswer): Readonly<Record<string, unknown>>[] | undefined {
  const { Results, Errors } = fieldsOf(JSON.parse(answer.text));
  if (answer.status === CONFLICT) {
    if (optionalList(Errors).length > 0) return undefined;
    throw new Error('it answered 409 without saying why');
  }
  return optionalList(Results).map((result) => fieldsOf(fieldsOf(result).KV));
}

function tellChanges(
  feed: WatchFeed<StateChange>,
  before: ReadonlyMap<string, StateEntry>,
  now: ReadonlyMap<string, StateEntry>,
): void {
  const put = [...now.values()].filter(({ key, version }) => before.get(key)?.version !== version);
  const removed = [...before.keys()].filter((key) => !now.has(key));
  if (put.length + removed.length > 0) feed.next({ kind: 'delta', put, removed });
  else feed.current();
}

/**
 * The longest part of a prefix that a URL can hold: Consul's router would redirect `a//b` and `a/../b`. What
 * comes back in addition is left out by who asked.
 */
function cleanPath(prefix: string): string {
  const parts = prefix.split('/');
  const isUnsafe = (part: string, index: number) =>
    part === '.' || part === '..' || (part === '' && index < parts.length - 1);
  const unsafe = parts.findIndex(isUnsafe);
  const clean = unsafe === -1 ? parts : [...parts.slice(0, unsafe), ''];
  return clean.map(encodeURIComponent).join('/');
}
