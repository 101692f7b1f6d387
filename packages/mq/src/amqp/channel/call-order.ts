import type { ChannelLife } from './channel-life.js';

/**
 * Keeps calls in the order in which they were made. amqplib does so by itself for calls on one channel, which
 * therefore need not be awaited; a call for which we do several things must not be overtaken by the next one.
 * While nothing is under way a call is made at once. Each call ends when the channel does, at the latest: one without an
 * answer holds up no other.
 */
export class CallOrder {
  readonly #life: ChannelLife;
  #last: Promise<unknown> | undefined;

  constructor(life: ChannelLife) {
    this.#life = life;
  }

  run<T>(call: () => Promise<T>): Promise<T> {
    const done = this.#life.within(this.#last === undefined ? call() : this.#last.then(call));
    const settled: Promise<void> = done.then(
      () => this.#settle(settled),
      () => this.#settle(settled),
    );
    this.#last = settled;
    return done;
  }

  /** Resolves when all calls made so far are done. */
  async idle(): Promise<void> {
    await this.#last;
  }

  #settle(settled: Promise<void>): void {
    if (this.#last === settled) this.#last = undefined;
  }
}
