import type { InstanceChange, InstanceRecord } from '@colorway/core';

export interface LedgerOptions {
  /** How long instances that vanished during an outage are told of as before, in milliseconds. */
  readonly graceMs: number;
  /** Milliseconds that only grow. Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * The instances of a directory whose leases run out, or are forgotten, while it is away. When it comes back it
 * knows fewer than there are: the living register again within seconds. So those that vanished during an outage
 * are held for a grace period, and only then told as gone (law 6: the last good view serves).
 */
export class InstanceLedger {
  readonly #graceMs: number;
  readonly #now: () => number;
  #known = new Map<string, InstanceRecord>();
  /** Those that are told of though the directory does not know them. */
  readonly #held = new Set<string>();
  #graceEndsAt = Number.NEGATIVE_INFINITY;

  constructor(options: LedgerOptions) {
    this.#graceMs = options.graceMs;
    this.#now = options.now ?? (() => performance.now());
  }

  /** All that are told of. */
  all(): InstanceRecord[] {
    return [...this.#known.values()];
  }

  get(id: string): InstanceRecord | undefined {
    return this.#known.get(id);
  }

  /** What the directory knows, read anew; `afterOutage` begins a grace period. */
  replace(records: Iterable<InstanceRecord>, afterOutage: boolean): void {
    if (afterOutage) this.#graceEndsAt = this.#now() + this.#graceMs;
    const read = new Map(Array.from(records, (record) => [record.id, record]));
    this.#held.clear();
    if (this.#now() < this.#graceEndsAt) {
      for (const [id, record] of this.#known) {
        if (read.has(id)) continue;
        read.set(id, record);
        this.#held.add(id);
      }
    }
    this.#known = read;
  }

  /**
   * What has changed since. `left` took themselves out, and are gone at once; `vanished` may be back soon if
   * there was an outage. The answer is what to tell; `undefined` for nothing.
   */
  update(change: {
    readonly put?: readonly InstanceRecord[];
    readonly left?: readonly string[];
    readonly vanished?: readonly string[];
  }): InstanceChange | undefined {
    const { put = [], left = [], vanished = [] } = change;
    const isGrace = this.#now() < this.#graceEndsAt;
    const removed = [...left, ...(isGrace ? [] : vanished)].filter((id) => this.#forget(id));
    if (isGrace) for (const id of vanished) if (this.#known.has(id)) this.#held.add(id);
    for (const record of put) {
      this.#held.delete(record.id);
      this.#known.set(record.id, record);
    }
    return delta(put, removed);
  }

  /** Those that did not come back within the grace period; `undefined` while it lasts or for none. */
  takeOverdue(): InstanceChange | undefined {
    if (this.#held.size === 0 || this.#now() < this.#graceEndsAt) return undefined;
    return delta(
      [],
      [...this.#held].filter((id) => this.#forget(id)),
    );
  }

  #forget(id: string): boolean {
    this.#held.delete(id);
    return this.#known.delete(id);
  }
}

function delta(put: readonly InstanceRecord[], removed: readonly string[]): InstanceChange | undefined {
  return put.length === 0 && removed.length === 0 ? undefined : { kind: 'delta', put, removed };
}
