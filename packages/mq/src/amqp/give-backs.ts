import { backoffMs } from '@colorway/core/background';
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

  constructor(deliveries: Deliveries) {
    this.#deliveries = deliveries;
  }

  /** Calls `give` now or a while later; until then it counts as in hand. */
  give(deliveryTag: number, give: () => void): void {
    const failures = this.#deliveries.failed(deliveryTag);
    const now = (): void => {
      this.#waiting.delete(now);
      this.#deliveries.settle(deliveryTag, false, true);
      give();
    };
    if (failures === undefined || this.#isOver) {
      now();
      return;
    }
    const later = (): void => {
      try {
        now();
      } catch {
        // The channel has closed meanwhile, and the broker has it back.
      }
    };
    this.#waiting.set(now, setTimeout(later, backoffMs(failures - 1, MAX_MS, Math.random, FIRST_MS)).unref());
  }

  /** Nothing waits any more: the channel is about to close. */
  end(): void {
    this.#isOver = true;
    this.flush();
  }

  /** What waits goes back at once. */
  flush(): void {
    for (const [now, timer] of [...this.#waiting]) {
      clearTimeout(timer);
      now();
    }
  }

  /** The channel has closed. */
  drop(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
