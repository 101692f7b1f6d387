/**
 * How many requests this process serves at the moment. `close()` waits for them; the detector of lost
 * context asks whether all of them are colored.
 */
export class RequestsInFlight {
  #colored = 0;
  #uncolored = 0;
  #whenIdle: (() => void)[] = [];

  begin(colored: boolean): void {
    if (colored) this.#colored++;
    else this.#uncolored++;
  }

  end(colored: boolean): void {
    if (colored) this.#colored--;
    else this.#uncolored--;
    if (this.#whenIdle.length > 0 && this.count === 0) {
      for (const idle of this.#whenIdle.splice(0)) idle();
    }
  }

  get count(): number {
    return this.#colored + this.#uncolored;
  }

  /** Whether every request in flight is colored, and there is one. */
  get allColored(): boolean {
    return this.#colored > 0 && this.#uncolored === 0;
  }

  /** Resolves when no request is in flight. */
  idle(): Promise<void> {
    if (this.count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }
}
