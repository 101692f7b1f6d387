import {
  PULSE_EVERY_MS,
  pulseKey,
  type StateEntry,
  type StateStore,
  type SubscriptionName,
} from '@colorway/core';

/**
 * Says in the directory, every 20 s, that a colored consumer is alive: a hint for people who ask whether an
 * environment is ready. Several processes that consume the same write one pulse. Nothing depends on it, so what
 * fails is left until the next time.
 */
export class Pulse {
  readonly #state: StateStore;
  readonly #key: string;
  readonly #timer: NodeJS.Timeout;
  #last: StateEntry | undefined;
  #stopped = false;
  #beating = Promise.resolve();

  constructor(state: StateStore, name: SubscriptionName) {
    this.#state = state;
    this.#key = pulseKey(name);
    this.#timer = setInterval(() => this.#beat(), PULSE_EVERY_MS).unref();
    this.#beat();
  }

  /** Takes the pulse away. Another process that consumes the same puts up its own, in 20 s at most. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#timer);
    void this.#beating.then(() => this.#takeAway()).catch(() => {});
  }

  #beat(): void {
    this.#beating = this.#beating.then(() => this.#write()).catch(() => {});
  }

  async #write(): Promise<void> {
    if (this.#stopped) return;
    const now = Date.now();
    const { created, entry } = await this.#state.create(this.#key, String(now));
    // Half of the time: this process' own last pulse must not keep it from the next.
    const isFresh = !created && now - Number(entry.value) < PULSE_EVERY_MS / 2;
    if (created || isFresh) this.#last = entry;
    else this.#last = await this.#state.compareAndSet(this.#key, String(now), entry.version);
  }

  async #takeAway(): Promise<void> {
    if (this.#last !== undefined) await this.#state.compareAndDelete(this.#key, this.#last.version);
  }
}
