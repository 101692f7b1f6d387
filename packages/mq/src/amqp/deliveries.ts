/** What the broker has handed out on one channel and has not been told of: by delivery tag, which only grows. */
export class Deliveries {
  readonly #consumers = new Map<number, string>();

  add(deliveryTag: number, consumerTag: string): void {
    this.#consumers.set(deliveryTag, consumerTag);
  }

  /** A delivery was acknowledged or given back; with `allUpTo` all before it too. */
  settle(deliveryTag: number, allUpTo = false): void {
    if (!allUpTo) {
      this.#consumers.delete(deliveryTag);
      return;
    }
    for (const tag of this.#consumers.keys()) {
      if (tag > deliveryTag) return;
      this.#consumers.delete(tag);
    }
  }

  has(deliveryTag: number): boolean {
    return this.#consumers.has(deliveryTag);
  }

  settleAll(): void {
    this.#consumers.clear();
  }

  /** How many deliveries to this consumer are in somebody's hands. */
  outstanding(consumerTag: string): number {
    let count = 0;
    for (const tag of this.#consumers.values()) if (tag === consumerTag) count++;
    return count;
  }

  get size(): number {
    return this.#consumers.size;
  }

  /** The oldest; `Infinity` where there is none. */
  get first(): number {
    for (const tag of this.#consumers.keys()) return tag;
    return Number.POSITIVE_INFINITY;
  }
}
