/** Counts what the consumers write to the directory, and tells at once: a moment later it may be over. */
export class WriteCount {
  #count = 0;
  readonly #waiting = new Set<() => void>();

  wrote(): void {
    this.#count++;
    for (const look of this.#waiting) look();
  }

  /** Resolves with the beginning of the write that is so many from now on. */
  async more(times: number, timeoutMs: number): Promise<void> {
    const due = this.#count + times;
    let timer: NodeJS.Timeout | undefined;
    let look = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        look = () => this.#count >= due && resolve();
        const missed = `It was waited ${timeoutMs} ms in vain for ${times} writes to the directory.`;
        timer = setTimeout(() => reject(new Error(missed)), timeoutMs);
        this.#waiting.add(look);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }
}
