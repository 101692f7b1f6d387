/** How many messages of one queue at the broker are in the hands of a channel's handlers. */
export interface InHand {
  /** As the broker names it; `undefined` for a queue without colors. */
  readonly name: string | undefined;
  count: number;
  /** How many were given back one after the other, with none handled in between. */
  givenBack: number;
  /** Handled in the place of a color that leaves: what is given back waits. */
  isDrained: boolean;
}

/** What the broker has handed out on one channel and has not been told of: by delivery tag, in their order. */
export class Deliveries {
  /** Called when nothing of a queue that has colors is in hand any more: a moment before the broker is told. */
  onNone: ((name: string) => void) | undefined;
  readonly #held = new Map<number, InHand>();
  /**
   * The one that came last stands beside the others: most are settled before the next one comes, and a map that is filled and
   * emptied by turns is made anew every few times.
   */
  #lastHeld: { tag: number; queue: InHand | undefined } = { tag: 0, queue: undefined };
  readonly #queues = new Map<string, InHand>();
  readonly #plain = emptyHand(undefined);
  /** Those that no handler has seen yet: they are on their way to their owner. */
  readonly #ours = new Set<number>();
  #last = 0;

  /** Where the messages of one queue are counted. */
  of(name: string | undefined): InHand {
    if (name === undefined) return this.#plain;
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = emptyHand(name);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** What `get` took is told of late: later deliveries may be here already. */
  add(deliveryTag: number, queue: InHand): void {
    this.#join();
    queue.count++;
    if (deliveryTag > this.#last) {
      this.#last = deliveryTag;
      this.#lastHeld.tag = deliveryTag;
      this.#lastHeld.queue = queue;
      return;
    }
    this.#held.set(deliveryTag, queue);
    this.#sort();
  }

  /** A delivery was acknowledged or given back; with `allUpTo` all before it too. */
  settle(deliveryTag: number, allUpTo = false, isGivenBack = false): void {
    if (!allUpTo) {
      this.#settleOne(deliveryTag, isGivenBack);
      return;
    }
    this.#join();
    for (const tag of this.#held.keys()) {
      if (tag > deliveryTag) return;
      this.#settleOne(tag, isGivenBack);
    }
  }

  /** How often its queue has failed by now, this time included; `undefined` where that is nobody's business but the application's. */
  failed(deliveryTag: number): number | undefined {
    const queue = this.#queueOf(deliveryTag);
    return queue?.isDrained ? queue.givenBack + 1 : undefined;
  }

  has(deliveryTag: number): boolean {
    return this.#queueOf(deliveryTag) !== undefined;
  }

  settleAll(): void {
    this.settle(Number.POSITIVE_INFINITY, true);
  }

  /** No handler may settle it, together with others, until the returned function is called. */
  keepBack(deliveryTag: number): () => void {
    this.#ours.add(deliveryTag);
    return () => {
      this.#ours.delete(deliveryTag);
    };
  }

  /** Whether something up to a tag is kept back; then what handlers have up to there has to be settled one by one. */
  keepsBack(upTo: number): boolean {
    if (this.#ours.size === 0) return false;
    for (const tag of this.#ours) if (tag <= upTo) return true;
    return false;
  }

  /** What handlers have in hand, up to a tag. */
  handed(upTo: number): readonly number[] {
    this.#join();
    return [...this.#held.keys()].filter((tag) => tag <= upTo && !this.#ours.has(tag));
  }

  /** How many messages of a queue at the broker are in somebody's hands. */
  inHand(name: string): number {
    return this.#queues.get(name)?.count ?? 0;
  }

  /** {@link inHand} of all queues that have colors. */
  get held(): number {
    let sum = 0;
    for (const { count } of this.#queues.values()) sum += count;
    return sum;
  }

  /** Forgets a queue that is read no more. */
  forget(name: string): void {
    if (this.inHand(name) === 0) this.#queues.delete(name);
  }

  get size(): number {
    this.#join();
    return this.#held.size;
  }

  /** The oldest; `Infinity` where there is none. */
  get first(): number {
    this.#join();
    for (const tag of this.#held.keys()) return tag;
    return Number.POSITIVE_INFINITY;
  }

  #settleOne(deliveryTag: number, isGivenBack: boolean): void {
    const queue = this.#queueOf(deliveryTag);
    if (queue === undefined) return;
    if (this.#lastHeld.queue !== undefined && this.#lastHeld.tag === deliveryTag)
      this.#lastHeld.queue = undefined;
    else this.#held.delete(deliveryTag);
    queue.count--;
    queue.givenBack = isGivenBack ? queue.givenBack + 1 : 0;
    if (queue.count === 0 && queue.name !== undefined) this.onNone?.(queue.name);
  }

  #queueOf(deliveryTag: number): InHand | undefined {
    const { tag, queue } = this.#lastHeld;
    return queue !== undefined && tag === deliveryTag ? queue : this.#held.get(deliveryTag);
  }

  /** The last one goes behind the others, where they are looked at together, or another one has come. */
  #join(): void {
    const { tag, queue } = this.#lastHeld;
    if (queue === undefined) return;
    this.#held.set(tag, queue);
    this.#lastHeld.queue = undefined;
  }

  #sort(): void {
    const entries = [...this.#held].sort(([a], [b]) => a - b);
    this.#held.clear();
    for (const [tag, queue] of entries) this.#held.set(tag, queue);
  }
}

function emptyHand(name: string | undefined): InHand {
  return { name, count: 0, givenBack: 0, isDrained: false };
}
