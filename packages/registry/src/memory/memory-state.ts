import type { StateChange, StateEntry, StateStore, Watch, WatchObserver } from '@colorway/core';
import { checkKey, checkValue } from '../state-key.js';
import type { Connection } from './connection.js';
import { Watchers } from './watchers.js';

/** What became of one key; without an entry it is gone. */
interface KeyEvent {
  readonly key: string;
  readonly entry: StateEntry | undefined;
}

export class MemoryState implements StateStore {
  readonly #connection: Connection;
  readonly #entries = new Map<string, StateEntry>();
  readonly #watchers: Watchers<StateChange, KeyEvent>;
  #writes = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#watchers = new Watchers(connection);
  }

  get(key: string): Promise<StateEntry | undefined> {
    return this.#connection.call(() => {
      checkKey(key);
      return this.#entries.get(key);
    });
  }

  list(prefix: string): Promise<readonly StateEntry[]> {
    return this.#connection.call(() => this.#below(prefix));
  }

  create(key: string, value: string): Promise<{ readonly created: boolean; readonly entry: StateEntry }> {
    return this.#connection.call(() => {
      checkKey(key);
      checkValue(key, value);
      const standing = this.#entries.get(key);
      return standing === undefined
        ? { created: true, entry: this.#put(key, value) }
        : { created: false, entry: standing };
    });
  }

  compareAndSet(key: string, value: string, version: string): Promise<StateEntry | undefined> {
    return this.#connection.call(() => {
      checkKey(key);
      checkValue(key, value);
      return this.#entries.get(key)?.version === version ? this.#put(key, value) : undefined;
    });
  }

  compareAndDelete(key: string, version: string): Promise<boolean> {
    return this.#connection.call(() => {
      checkKey(key);
      if (this.#entries.get(key)?.version !== version) return false;
      this.#entries.delete(key);
      this.#watchers.tell({ key, entry: undefined });
      return true;
    });
  }

  watch(prefix: string, observer: WatchObserver<StateChange>): Watch {
    return this.#watchers.add(observer, {
      snapshot: () => ({ kind: 'snapshot', entries: this.#below(prefix) }),
      change: ({ key, entry }) => {
        if (!key.startsWith(prefix)) return undefined;
        return entry === undefined
          ? { kind: 'delta', put: [], removed: [key] }
          : { kind: 'delta', put: [entry], removed: [] };
      },
    });
  }

  #put(key: string, value: string): StateEntry {
    const entry = Object.freeze({ key, value, version: String(++this.#writes) });
    this.#entries.set(key, entry);
    this.#watchers.tell({ key, entry });
    return entry;
  }

  #below(prefix: string): StateEntry[] {
    return [...this.#entries.values()].filter(({ key }) => key.startsWith(prefix)).sort(byKey);
  }
}

function byKey(a: StateEntry, b: StateEntry): number {
  return a.key < b.key ? -1 : 1;
}
