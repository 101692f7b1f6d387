interface UnderWay<Answer> {
  /** Whoever asks from now on may be told of something older. */
  readonly isSent: () => boolean;
  readonly done: Promise<Answer>;
  next: Promise<Answer> | undefined;
}

/** Calls `sending` before its first request, in the same turn. */
export type Read<Answer> = (sending: () => void) => Promise<Answer>;

/**
 * Reads that several ask for at once, by what they are of: twelve partitions that ask make one read, and at most one more.
 * Who asks before a read is sent has its answer; who asks later has that of the next, which is sent when this one is over.
 * So each has an answer that was asked for after they did.
 */
export class SharedReads<Key, Answer = void> {
  readonly #underWay = new Map<Key, UnderWay<Answer>>();
  readonly #onRead: () => void;

  /** @param onRead called after each read that had an answer. */
  constructor(onRead: () => void = () => {}) {
    this.#onRead = onRead;
  }

  isUnderWay(key: Key): boolean {
    return this.#underWay.has(key);
  }

  /** What is under way already, if anything: it may have been sent before. */
  underWay(key: Key): Promise<Answer> | undefined {
    return this.#underWay.get(key)?.done;
  }

  ask(key: Key, read: Read<Answer>): Promise<Answer> {
    const now = this.#underWay.get(key);
    if (now === undefined) return this.#begin(key, read);
    if (!now.isSent()) return now.done;
    // The failure of this one is told to those who asked for it.
    now.next ??= now.done.then(
      () => this.ask(key, read),
      () => this.ask(key, read),
    );
    return now.next;
  }

  #begin(key: Key, read: Read<Answer>): Promise<Answer> {
    let isSent = false;
    const reading = read(() => {
      isSent = true;
    }).finally(() => this.#underWay.delete(key));
    const done = reading.then((answer) => {
      this.#onRead();
      return answer;
    });
    const one: UnderWay<Answer> = { isSent: () => isSent, done, next: undefined };
    this.#underWay.set(key, one);
    return done;
  }
}
