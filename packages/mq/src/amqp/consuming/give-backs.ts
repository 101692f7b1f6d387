import { backoffMs, type Scope } from '@colorway/core/background';
import type { Deliveries } from './deliveries.js';

const FIRST_MS = 100;
const MAX_MS = 5_000;

/**
 * What a handler gives back of a color that leaves, whose messages it handles in the color's place: the broker would hand
 * it out again at once, and again, thousands of times a second. Each message that fails after another makes the next wait
 * longer; one that is handled ends that.
 */
export class GiveBacks {
  readonly #deliveries: Deliveries;
  readonly #waiting = new Map<() => void, NodeJS.Timeout>();
  #isOver = false;

  /** @param scope nothing waits any more when it has ended. */
  constructor(deliveries: Deliveries, scope: Scope) {
    this.#deliveries = deliveries;
    scope.signal.addEventListener('abort', () => this.end(), { once: true });
  }

  /** Calls `give` now or a while later; until then it counts as in hand. */
  give(deliveryTag: number, give: () => void): void {
    const failures = this.#deliveries.failed(deliveryTag);
    const now = (): void => {
      this.#deliveries.settle(deliveryTag, false, true);
      give();
    };
    if (failures === undefined || this.#isOver) {
      now();
      return;
    }
    const later = (): void => {
      this.#waiting.delete(later);
      try {
        now();
      } catch {
        // The channel has closed meanwhile, and the broker has it back.
      }
    };
    this.#waiting.set(
      later,
      setTimeout(later, backoffMs(failures - 1, MAX_MS, Math.random, FIRST_MS)).unref(),
    );
  }

  /** Nothing waits any more: the channel is about to close. */
  end(): void {
    this.#isOver = true;
    this.flush();
  }

  /** What waits goes back at once. */
  flush(): void {
    for (const [later, timer] of [...this.#waiting]) {
      clearTimeout(timer);
      later();
    }
  }

  /** The channel has closed. */
  drop(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
