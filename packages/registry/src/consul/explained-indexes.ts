import type { Check } from './catalog-changes.js';

const MAX_KEPT = 1_000;

/**
 * The Raft indexes at which checks are known to have changed. A service is registered and deregistered together
 * with its checks, as one entry of the log; a change of the catalog at any other index left the checks alone.
 */
export class ExplainedIndexes {
  readonly #indexes = new Set<bigint>();

  /** `index` is that of the whole answer: of the last change, or of the last one that was taken back. */
  add(index: bigint, changed: readonly Check[]): void {
    if (changed.length > 0) this.#indexes.add(index);
    for (const check of changed) this.#indexes.add(BigInt(check.index));
    for (const oldest of this.#indexes) {
      if (this.#indexes.size <= MAX_KEPT) break;
      this.#indexes.delete(oldest);
    }
  }

  has(index: bigint): boolean {
    return this.#indexes.has(index);
  }
}
