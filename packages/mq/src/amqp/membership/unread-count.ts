import type { QueueState } from '../amqp-channel.js';

/** The broker is asked at most so often, and only when somebody wants to know. */
const ASK_EVERY_MS = 3_000;

/** How many messages of a queue wait, from a moment ago. */
export class UnreadCount {
  readonly #look: () => Promise<QueueState>;
  #value: number | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(look: () => Promise<QueueState>) {
    this.#look = look;
  }

  /** `undefined` before the broker has answered, and while it does not. */
  value(): number | undefined {
    const now = performance.now();
    if (now - this.#askedAt >= ASK_EVERY_MS) {
      this.#askedAt = now;
      this.#look().then(
        ({ messageCount }) => {
          this.#value = messageCount;
        },
        () => {
          this.#value = undefined;
        },
      );
    }
    return this.#value;
  }
}
