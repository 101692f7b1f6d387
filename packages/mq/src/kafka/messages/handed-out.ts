/** So many messages of a partition are remembered; commits come soon after, as a rule. */
const MAX_MESSAGES = 10_000;

/**
 * For which colored group a drain handed out a message, by the offset behind it, which is what an application
 * commits. Kept beyond the drain: a late commit must not reach the group that the application names.
 */
export class HandedOut {
  readonly #partitions = new Map<string, Map<bigint, string>>();

  add(place: string, message: bigint, brokerGroup: string): void {
    let offsets = this.#partitions.get(place);
    if (offsets === undefined) {
      offsets = new Map();
      this.#partitions.set(place, offsets);
    }
    if (offsets.size >= MAX_MESSAGES) {
      const [oldest] = offsets.keys();
      if (oldest !== undefined) offsets.delete(oldest);
    }
    offsets.set(message + 1n, brokerGroup);
  }

  /** Somebody else handles it: it is another message, of a topic that was made anew. */
  forget(place: string, message: bigint): void {
    this.#partitions.get(place)?.delete(message + 1n);
  }

  get isEmpty(): boolean {
    return this.#partitions.size === 0;
  }

  groupOf(place: string, offset: string): string | undefined {
    const offsets = this.#partitions.get(place);
    return offsets !== undefined && /^\d+$/.test(offset) ? offsets.get(BigInt(offset)) : undefined;
  }
}
