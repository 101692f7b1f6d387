import type { Color } from '@colorway/core';
import type { Owner } from '../../ownership/owner.js';

/** Colors come from headers, so anybody may make them up: of so many the reason is remembered. */
const MAX_COLORS = 200;

/** The reason of the last decision about a message of each color; those that were decided lately, anew. */
export class DecisionReasons {
  readonly #reasons = new Map<Color, Owner['reason']>();

  set(color: Color, reason: Owner['reason']): void {
    if (this.#reasons.get(color) === reason) return;
    this.#reasons.delete(color);
    if (this.#reasons.size >= MAX_COLORS) {
      const [oldest] = this.#reasons.keys();
      if (oldest !== undefined) this.#reasons.delete(oldest);
    }
    this.#reasons.set(color, reason);
  }

  get(color: Color): Owner['reason'] | undefined {
    return this.#reasons.get(color);
  }

  [Symbol.iterator](): IterableIterator<[Color, Owner['reason']]> {
    return this.#reasons.entries();
  }
}
