interface UnderWay {
  /** Whoever asks from now on may be told of something older. */
  sent: boolean;
  done: Promise<void>;
  next: Promise<void> | undefined;
}

/**
 * Reads that several ask for at once, by what they are of: twelve partitions that ask make one read, and at most one more.
 * Who asks before a read is sent has its answer; who asks later has that of the next, which is sent when this one is over.
 * So each has an answer that was asked for after they did.
 */
export class SharedReads<Key> {
  readonly #underWay = new Map<Key, UnderWay>();
  readonly #onRead: () => void;

  /** @param onRead called after each read that had an answer. */
  constructor(onRead: () => void) {
    this.#onRead = onRead;
  }

  isUnderWay(key: Key): boolean {
    return this.#underWay.has(key);
  }

  /** @param read calls `sending` before its first request, in the same turn. */
  ask(key: Key, read: (sending: () => void) => Promise<unknown>): Promise<void> {
    const now = this.#underWay.get(key);
    if (now === undefined) return this.#begin(key, read);
    if (!now.sent) return now.done;
    // The failure of this one is told to those who asked for it.
    now.next ??= now.done.catch(() => {}).then(() => this.ask(key, read));
    return now.next;
  }

  #begin(key: Key, read: (sending: () => void) => Promise<unknown>): Promise<void> {
    const one: UnderWay = { sent: false, done: Promise.resolve(), next: undefined };
    this.#underWay.set(key, one);
    const reading = read(() => {
      one.sent = true;
    }).finally(() => this.#underWay.delete(key));
    one.done = reading.then(() => this.#onRead());
    return one.done;
  }
}
