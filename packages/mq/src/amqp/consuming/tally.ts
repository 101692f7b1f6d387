import { type Color, count } from '@colorway/core';

/** What was seen in one queue at the broker since this channel reads it; bounded, for colors come from outside. */
export class Tally {
  handled = 0;
  skipped = 0;
  readonly reasons = new Map<Color, string>();
  readonly #attributes: { readonly 'coloring.group': string; readonly 'coloring.topic': string };

  constructor(queue: string, name: string) {
    this.#attributes = { 'coloring.group': name, 'coloring.topic': queue };
  }

  own(color: Color | undefined, reason: string): void {
    this.handled++;
    this.#decided(color, reason);
    count('coloring.mq.handled', this.#attributes);
  }

  foreign(color: Color | undefined, reason: string): void {
    this.skipped++;
    this.#decided(color, reason);
    count('coloring.mq.skipped', this.#attributes);
  }

  #decided(color: Color | undefined, reason: string): void {
    if (color === undefined) return;
    this.reasons.delete(color);
    this.reasons.set(color, reason);
    if (this.reasons.size <= MAX_COLORS) return;
    const [oldest] = this.reasons.keys();
    if (oldest !== undefined) this.reasons.delete(oldest);
  }
}

const MAX_COLORS = 200;
