import type { StateEntry } from '@colorway/core';
import type { Attempt, LogRecord } from './state-record.js';

/** What became of an attempt, and the entry that stood at its place in the log after it. */
export interface Outcome {
  readonly won: boolean;
  readonly entry: StateEntry | undefined;
}

/**
 * The state that a log tells, record by record. Every process that reads the same log comes to the same
 * state: nothing but the records counts, and the version of an entry is the id of the attempt that wrote it.
 */
export class StateFold {
  readonly #entries = new Map<string, StateEntry>();
  #changed = new Set<string>();

  get(key: string): StateEntry | undefined {
    return this.#entries.get(key);
  }

  /** In key order. */
  below(prefix: string): StateEntry[] {
    return [...this.#entries.values()].filter(({ key }) => key.startsWith(prefix)).sort(byKey);
  }

  /** Whether an attempt would have an effect now. */
  allows(attempt: Attempt): boolean {
    const standing = this.#entries.get(attempt.key);
    return attempt.op === 'create' ? standing === undefined : standing?.version === attempt.expected;
  }

  apply(record: Exclude<LogRecord, { op: 'seal' }>): Outcome {
    const { key } = record;
    if (record.op === 'entry') {
      if (this.#entries.get(key)?.version !== record.version) this.#put(key, record.value, record.version);
      return { won: true, entry: this.#entries.get(key) };
    }
    if (!this.allows(record)) return { won: false, entry: this.#entries.get(key) };
    if (record.op === 'delete') {
      this.#entries.delete(key);
      this.#changed.add(key);
    } else {
      this.#put(key, record.value, record.id);
    }
    return { won: true, entry: this.#entries.get(key) };
  }

  /** The keys that changed since the last call. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    if (changed.size > 0) this.#changed = new Set();
    return changed;
  }

  #put(key: string, value: string, version: string): void {
    this.#entries.set(key, Object.freeze({ key, value, version }));
    this.#changed.add(key);
  }
}

function byKey(a: StateEntry, b: StateEntry): number {
  return a.key < b.key ? -1 : 1;
}
