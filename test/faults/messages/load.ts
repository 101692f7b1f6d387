import type { Produced } from './history.js';

export interface Message {
  readonly id: string;
  readonly color: string | undefined;
}

const EVERY_MS = 25;

/** Sends messages of mixed colors at a steady rate, and keeps what it sent and what was confirmed. */
export class Load {
  readonly produced: Produced[] = [];
  readonly #colors: readonly (string | undefined)[];
  readonly #rate: number;
  readonly #random: () => number;
  readonly #send: (messages: readonly Message[]) => Promise<void>;
  readonly #silent = new Set<string | undefined>();
  #stopped = false;
  #running: Promise<void> | undefined;
  #sent = 0;

  /** @param send resolves when the broker has confirmed all of them. */
  constructor(
    colors: readonly string[],
    rate: number,
    random: () => number,
    send: (messages: readonly Message[]) => Promise<void>,
  ) {
    // As much without a color as with any.
    this.#colors = [...colors, ...colors.map(() => undefined), undefined];
    this.#rate = rate;
    this.#random = random;
    this.#send = send;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Sends no more messages of one color, or none at all. */
  quiet(color?: string): void {
    for (const one of color === undefined ? this.#colors : [color]) this.#silent.add(one);
  }

  loud(color?: string): void {
    if (color === undefined) this.#silent.clear();
    else this.#silent.delete(color);
  }

  async #run(): Promise<void> {
    let due = 0;
    let last = performance.now();
    while (!this.#stopped) {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      const now = performance.now();
      // What was not sent while the broker was away is not made up for.
      due = Math.min(due + ((now - last) * this.#rate) / 1_000, 50);
      last = now;
      const messages: Message[] = [];
      for (; due >= 1; due--) {
        const color = this.#colors[Math.floor(this.#random() * this.#colors.length)];
        if (!this.#silent.has(color)) messages.push({ id: `${color ?? '-'}/${this.#sent++}`, color });
      }
      if (messages.length > 0) await this.#produce(messages);
    }
  }

  async #produce(messages: readonly Message[]): Promise<void> {
    const sentAt = Date.now();
    let confirmed: { confirmedAt?: number } = {};
    try {
      await this.#send(messages);
      confirmed = { confirmedAt: Date.now() };
    } catch {
      // Not confirmed: it may be there or not, and is not sent again.
    }
    this.produced.push(...messages.map((message) => ({ ...message, sentAt, ...confirmed })));
  }
}
