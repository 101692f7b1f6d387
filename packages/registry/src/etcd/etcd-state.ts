import type { StateChange, StateEntry, StateStore, Watch, WatchObserver } from '@colorway/core';
import { checkKey, checkValue } from '../state-key.js';
import { WatchFeed } from '../watch-feed.js';
import type { Watches } from '../watches.js';
import type { EtcdClient } from './etcd-client.js';
import { below, encode, fieldsOf, type KeyValue, listOf, parseKeyValue, revisionOf } from './key-value.js';
import { PrefixWatch } from './prefix-watch.js';

/** A version that etcd could have given: 0 would mean "there is none". */
const REVISION = /^[1-9]\d{0,18}$/;

/** State as keys below a prefix; versions are etcd's `mod_revision`, and every change is one transaction. */
export class EtcdState implements StateStore {
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #watches: Watches;
  readonly #checkMs: number;

  constructor(client: EtcdClient, prefix: string, watches: Watches, checkMs: number) {
    this.#client = client;
    this.#prefix = prefix;
    this.#watches = watches;
    this.#checkMs = checkMs;
  }

  async get(key: string): Promise<StateEntry | undefined> {
    checkKey(key);
    return (await this.#range({ key: this.#at(key) }))[0];
  }

  async list(prefix: string): Promise<readonly StateEntry[]> {
    return this.#range(below(this.#prefix + prefix));
  }

  async create(
    key: string,
    value: string,
  ): Promise<{ readonly created: boolean; readonly entry: StateEntry }> {
    checkKey(key);
    checkValue(key, value);
    const at = this.#at(key);
    const { succeeded, revision, responses } = await this.#transaction({
      compare: [{ key: at, target: 'VERSION', version: '0' }],
      success: [{ request_put: { key: at, value: encode(value) } }],
      failure: [{ request_range: { key: at } }],
    });
    if (succeeded) return { created: true, entry: entryOf(key, value, revision) };
    const [standing] = listOf(fieldsOf(fieldsOf(responses[0]).response_range).kvs);
    return { created: false, entry: this.#entry(parseKeyValue(standing)) };
  }

  async compareAndSet(key: string, value: string, version: string): Promise<StateEntry | undefined> {
    checkKey(key);
    checkValue(key, value);
    if (!REVISION.test(version)) return undefined;
    const { succeeded, revision } = await this.#transaction({
      compare: [{ key: this.#at(key), target: 'MOD', mod_revision: version }],
      success: [{ request_put: { key: this.#at(key), value: encode(value) } }],
    });
    return succeeded ? entryOf(key, value, revision) : undefined;
  }

  async compareAndDelete(key: string, version: string): Promise<boolean> {
    checkKey(key);
    if (!REVISION.test(version)) return false;
    const { succeeded } = await this.#transaction({
      compare: [{ key: this.#at(key), target: 'MOD', mod_revision: version }],
      success: [{ request_delete_range: { key: this.#at(key) } }],
    });
    return succeeded;
  }

  watch(prefix: string, observer: WatchObserver<StateChange>): Watch {
    return this.#watches.add(`watch of ${prefix}`, (scope, onClose) => {
      const feed = new WatchFeed(observer, onClose);
      new PrefixWatch(scope, this.#client, this.#prefix + prefix, this.#checkMs, {
        all: (pairs) => feed.next({ kind: 'snapshot', entries: pairs.map((pair) => this.#entry(pair)) }),
        changed: (put, removed) =>
          feed.next({
            kind: 'delta',
            put: put.map((pair) => this.#entry(pair)),
            removed: removed.map((key) => key.slice(this.#prefix.length)),
          }),
        current: () => feed.current(),
        error: (error) => feed.error(error),
      });
      return feed;
    });
  }

  now(): Promise<number> {
    return this.#client.time({
      path: 'kv/range',
      body: { key: this.#at('now'), count_only: true },
      repeatable: true,
    });
  }

  async #range(range: object): Promise<readonly StateEntry[]> {
    const read = (json: unknown) =>
      listOf(fieldsOf(json).kvs).map((pair) => this.#entry(parseKeyValue(pair)));
    return (await this.#client.call({ path: 'kv/range', body: range, repeatable: true }, read)) ?? [];
  }

  async #transaction(body: object): Promise<Outcome> {
    const outcome = await this.#client.call({ path: 'kv/txn', body }, (json) => ({
      succeeded: fieldsOf(json).succeeded === true,
      revision: String(revisionOf(json)),
      responses: listOf(fieldsOf(json).responses),
    }));
    return outcome as Outcome; // a transaction is never "not found"
  }

  #at(key: string): string {
    return encode(this.#prefix + key);
  }

  #entry({ key, value, revision }: KeyValue): StateEntry {
    return entryOf(key.slice(this.#prefix.length), value, revision);
  }
}

interface Outcome {
  readonly succeeded: boolean;
  readonly revision: string;
  readonly responses: readonly unknown[];
}

function entryOf(key: string, value: string, version: string): StateEntry {
  return Object.freeze({ key, value, version });
}
