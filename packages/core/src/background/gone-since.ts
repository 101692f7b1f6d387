/** How long what is gone is remembered, in milliseconds: a day. */
export const FORGET_AFTER_MS = 86_400_000;

/** What is gone, and since when. After a day without it nobody asks for it any more: it is to be forgotten. */
export class GoneSince {
  readonly #now: () => number;
  /** The longest gone first. */
  readonly #since = new Map<string, number>();

  /** @param now milliseconds that only grow. Default `performance.now`. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** It is gone; said again it changes nothing. */
  gone(name: string): void {
    if (!this.#since.has(name)) this.#since.set(name, this.#now());
  }

  /** It is there. */
  back(name: string): void {
    this.#since.delete(name);
  }

  /** Those that have been gone for a day, each once. */
  takeForgotten(): string[] {
    const forgotten: string[] = [];
    if (this.#since.size === 0) return forgotten;
    const end = this.#now() - FORGET_AFTER_MS;
    for (const [name, since] of this.#since) {
      if (since > end) break;
      this.#since.delete(name);
      forgotten.push(name);
    }
    return forgotten;
  }
}
